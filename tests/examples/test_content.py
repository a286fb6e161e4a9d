"""The content pipeline: drafted by a model, judged by an editor, published once."""

from __future__ import annotations

import pytest

from examples.content.models import Article
from examples.content.workflows import Brief, Draft, create_content
from humantasks import inbox
from humantasks.models import HumanTask
from orchestrator.ai.testing import call, replies

BRIEF = Brief(topic="Bees in the city")
DRAFT = Draft(title="Bees", body="Bees live in the city, too. Look up.")
POLISHED = Draft(title="Bees!", body="Bees live in the city, too. Look up and listen.")


@pytest.fixture
def review(runs, edda):
    """A draft is waiting for its review; decide it."""
    with replies(call("search_archive", topic="Bees"), DRAFT):
        run = runs.start(create_content, BRIEF)

    def decide(outcome, **answer):
        if "data" in answer:
            answer["data"] = {"text": DRAFT.body} | answer["data"]
        task = HumanTask.objects.get(run_id=run.id)
        inbox.claim(task, user=edda)
        inbox.complete(task, user=edda, outcome=outcome, **answer)
        runs.drain()
        return run.refresh()

    return decide


def test_an_article_is_polished_as_the_editor_says_and_published(review):
    with replies(POLISHED) as asked:
        run = review("approve", data={"feedback": "Add sound.", "facts_checked": True})

    article = Article.objects.get()
    assert (article.title, article.body) == (POLISHED.title, POLISHED.body)
    assert run.result().article_id == article.pk
    assert run.result().reviewed_by == "edda"
    assert "Add sound." in asked[0].messages[-1].content


def test_without_feedback_the_draft_is_published_as_it_is(review):
    review("approve", data={"feedback": "", "facts_checked": True})

    assert Article.objects.get().title == DRAFT.title


def test_what_the_editor_writes_is_published(review):
    review("approve", data={"text": "Bees live in the city. Look up."})

    assert Article.objects.get().body == "Bees live in the city. Look up."


def test_what_the_editor_rejects_is_not_published(review):
    run = review("reject", comment="Off topic.")

    assert not Article.objects.exists()
    assert run.result().article_id is None


@pytest.mark.parametrize("failpoint", ["after_body", "in_tx_after_fence", "after_record"])
def test_a_crash_while_it_is_published_publishes_it_once(runs, review, failpoint):
    runs.crash_at(failpoint, step="publish" if failpoint == "after_body" else None)
    review("approve", data={"feedback": "", "facts_checked": True})
    runs.drain()

    assert Article.objects.count() == 1


def test_the_stub_plays_the_whole_of_it(runs, edda):
    run = runs.start(create_content, BRIEF)

    draft = run.steps[-2].result.output
    assert isinstance(draft, Draft)
    assert draft.title == "Bees in the city"
