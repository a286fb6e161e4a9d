"""A file and a decision, or two files for one place, at the same moment."""

from __future__ import annotations

import threading
from io import BytesIO

import pytest

from humantasks import chain, inbox
from humantasks.inbox import InvalidAnswer, TaskConflict, attaching, deciding
from humantasks.models import HumanTask, TaskAttachment
from tests.humantasks.racing import at_once

pytestmark = pytest.mark.postgres

LOW = {"risk": "low"}


@pytest.fixture(autouse=True)
def no_hints(monkeypatch):
    monkeypatch.setattr("orchestrator.hints.send", lambda *_: None)


def attach(task, user, **options):
    return inbox.attach(task, user=user, file=BytesIO(b"%PDF-1.7"), name="a.pdf", **options)


def decide_and_attach(mine, alice, bob):
    return at_once(
        lambda: inbox.complete(mine, user=alice, outcome="approve", data=LOW, data_rev=1),
        lambda: attach(mine, bob),
    )


def test_a_file_is_seen_before_the_decision_or_comes_too_late(ask, alice, bob):
    for number in range(10):
        mine = inbox.claim(ask(name=f"run-{number}"), user=alice)

        found = decide_and_attach(mine, alice, bob)

        [refused] = [one for one in found if isinstance(one, Exception)]
        assert isinstance(refused, TaskConflict)
        assert refused.code in ("stale", "already_completed")
    assert list(chain.breaks(HumanTask.objects.all())) == []


def test_without_the_lock_a_file_would_slip_under_the_decision(ask, alice, bob, monkeypatch):
    """Both are told that it worked: somebody has approved what they have not seen."""
    both_have_looked = threading.Barrier(2, timeout=10)

    def unlocked(task: HumanTask) -> HumanTask:
        found = HumanTask.objects.select_related("assignee", "payload").get(pk=task.pk)
        both_have_looked.wait()
        return found

    monkeypatch.setattr(deciding, "locked", unlocked)
    monkeypatch.setattr(attaching, "locked", unlocked)
    mine = inbox.claim(ask(), user=alice)

    found = decide_and_attach(mine, alice, bob)

    is_refused = [isinstance(one, TaskConflict) for one in found]
    assert is_refused == [False, False]


def test_of_two_who_replace_a_file_one_is_told_to_look_again(task, alice, bob):
    old = attach(task, alice)

    found = at_once(
        lambda: attach(task, alice, replaces=old.pk), lambda: attach(task, bob, replaces=old.pk)
    )

    assert sum(isinstance(one, InvalidAnswer) for one in found) == 1
    assert TaskAttachment.objects.filter(superseded_by=None).count() == 1
