"""Documents are summarised, looked at when in doubt, and imported side by side."""

from __future__ import annotations

import pytest

from examples.documents.workflows import Batch, Document, import_documents, summarize
from humantasks import inbox
from humantasks.models import HumanTask
from orchestrator import InvalidInput
from orchestrator.ai.testing import replies
from orchestrator.models import Run

DOCUMENT = Document(doc_url="https://example.org/minutes")


def test_a_summary_without_doubt_needs_nobody(runs):
    with replies({"text": "They agreed.", "needs_review": False}):
        run = runs.start(summarize, DOCUMENT)

    assert run.result() == "They agreed."
    assert not HumanTask.objects.exists()
    assert Run.objects.get().attributes == {"language": "en"}


def test_a_doubtful_one_is_corrected_by_a_person(runs, edda):
    with replies({"text": "Who knows?", "needs_review": True}):
        run = runs.start(summarize, DOCUMENT)
    task = HumanTask.objects.get()
    inbox.claim(task, user=edda)
    inbox.complete(task, user=edda, outcome="approve", data={"text": "They agreed."})
    runs.drain()

    assert run.refresh().result() == "They agreed."


def test_what_is_no_address_is_refused_before_anything_is_stored(runs):
    with pytest.raises(InvalidInput, match="doc_url"):
        summarize.start({"doc_url": "not-a-url"})

    assert not Run.objects.exists()


def batch(count):
    return Batch(urls=[f"https://example.org/{number}" for number in range(count)])


@pytest.mark.parametrize(("version", "expected"), [("v1", 3), ("v2", 3 * 32)])
def test_documents_are_imported_side_by_side_by_either_version(runs, version, expected):
    run = runs.start(import_documents, batch(3), version=version)

    assert run.result() == expected
    assert Run.objects.get().progress_text == "3 of 3 documents"


def test_new_imports_take_the_newer_version(runs):
    assert runs.start(import_documents, batch(1)).version == "v2"


def test_a_document_that_cannot_be_fetched_stops_the_others(runs):
    runs.fail(step="fetch https://example.org/1", times=3, error=ConnectionError("gone"))
    run = runs.start(import_documents, batch(3))
    runs.advance("1m")

    assert run.refresh().status == "failed"
    assert all(step.status != "running" for step in run.steps)
