"""The data of old tasks is removed, files and all; what was decided, and its proof, stays."""

from __future__ import annotations

import json
from datetime import timedelta
from io import BytesIO, StringIO
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from humantasks import chain, inbox
from humantasks.models import (
    HumanTask,
    TaskAttachment,
    TaskComment,
    TaskDecision,
    TaskDraft,
    TaskPayload,
)
from orchestrator import clock

PDF = b"%PDF-1.7 a passport"


@pytest.fixture
def decided(task, alice, bob):
    inbox.claim(task, user=alice)
    inbox.attach(task, user=alice, file=BytesIO(PDF), name="passport.pdf")
    inbox.comment(task, user=bob, text="I know Ada")
    inbox.keep_answers(task, user=bob, data={"comment": ["Ada"]}, submission_id=uuid4())
    inbox.complete(task, user=alice, outcome="approve", data={"risk": "low", "note": "Ada"})
    return HumanTask.objects.get(pk=task.pk)


def forget(*args):
    out = StringIO()
    call_command("humantasks", "forget", *args, stdout=out)
    return out.getvalue().strip()


def test_what_identifies_people_is_gone_and_what_was_decided_stays(decided, runs, store):
    path = TaskAttachment.objects.get().file.name
    runs.advance("91d")

    assert forget("--older-than", "90d") == "removed the data of 1 task"

    assert TaskPayload.objects.get().data == "null"
    assert TaskDecision.objects.get().data == "null"
    assert TaskComment.objects.get().text == ""
    assert not TaskDraft.objects.exists()
    assert not store.exists(path)
    kept = TaskAttachment.objects.get()
    assert (kept.file.name, kept.name, len(kept.sha256)) == ("", "passport.pdf", 64)
    assert TaskDecision.objects.get().outcome == "approve"
    assert decided.audit.latest("seq").verb == "forgotten"


def test_the_chain_still_holds_and_still_finds_a_change(decided, runs):
    runs.advance("91d")
    forget("--older-than", "90d")
    assert list(chain.breaks(HumanTask.objects.all(), with_files=True)) == []

    decided.audit.filter(verb="completed").update(reason="something else")

    assert len(list(chain.breaks(HumanTask.objects.all()))) == 1


def test_evidence_that_somebody_else_empties_is_a_break(decided):
    TaskPayload.objects.update(data="null", removed_at=clock.now())

    assert len(list(chain.breaks(HumanTask.objects.all()))) == 1


def test_open_tasks_and_young_ones_keep_their_data(decided, ask, runs):
    ask(name="open")
    runs.advance("89d")

    assert forget("--older-than", "90d") == "removed the data of 0 tasks"
    assert not TaskPayload.objects.filter(data="null").exists()


def test_the_setting_says_how_long_and_a_dry_run_only_counts(decided, runs, settings):
    with pytest.raises(CommandError, match="forever"):
        forget()
    settings.HUMANTASKS_DATA_RETENTION = "30d"
    runs.advance("31d")

    assert forget("--dry-run") == "would remove the data of 1 task"
    assert json.loads(forget("--json")) == {"is_dry_run": False, "tasks": 1}
    assert json.loads(forget("--json")) == {"is_dry_run": False, "tasks": 0}


def test_several_batches_are_one_round(ask, alice, monkeypatch):
    monkeypatch.setattr("humantasks.inbox.forgetting.BATCH", 2)
    for number in range(5):
        task = inbox.claim(ask(name=f"run-{number}"), user=alice)
        inbox.complete(task, user=alice, outcome="approve", data={"risk": "low"})

    assert len(list(inbox.forget(clock.now() + timedelta(seconds=1)))) == 5


def test_the_page_says_that_the_data_was_removed(decided, alice, runs, client):
    runs.advance("91d")
    forget("--older-than", "90d")
    client.force_login(alice)

    text = client.get(reverse("humantasks:task", args=[decided.pk])).content.decode()

    assert "The data of this task was removed" in text
    assert "Ada" not in text
    assert "passport.pdf" in text
    assert (
        reverse("humantasks:file", args=[decided.pk, TaskAttachment.objects.get().pk]) not in text
    )
