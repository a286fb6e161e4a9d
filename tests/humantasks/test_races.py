"""Two people, two windows or a person and the engine at the same moment.

Each race also runs without its guard, and must then show the defect: a race that cannot
fail proves nothing. On PostgreSQL only, because SQLite lets one writer in at a time.
"""

from __future__ import annotations

import threading
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from django.db.models import F

from humantasks import inbox
from humantasks.inbox import TaskConflict, claiming, deciding
from humantasks.models import HumanTask, Status, TaskAudit, TaskDecision
from orchestrator import get_run
from orchestrator.models import Event
from tests.humantasks.racing import at_once, winners

pytestmark = pytest.mark.postgres

LOW = {"risk": "low"}


@pytest.fixture
def team(person):
    return [person(f"reviewer-{number}", "compliance-team") for number in range(20)]


@pytest.fixture(autouse=True)
def no_hints(monkeypatch):
    """The threads only write; the test's own thread drives the runs afterwards."""
    monkeypatch.setattr("orchestrator.hints.send", lambda *_: None)


# ---- claiming ------------------------------------------------------------------------


def claim_by_all(task, team):
    return winners(at_once(*(lambda user=user: inbox.claim(task, user=user) for user in team)))


def test_of_twenty_who_claim_at_once_one_wins(task, team):
    won = claim_by_all(task, team)

    assert len(won) == 1
    assert HumanTask.objects.get().assignee == won[0].assignee
    assert TaskAudit.objects.filter(task=task, verb="claimed").count() == 1


def test_without_the_condition_in_the_update_many_would_win(task, team, monkeypatch):
    all_have_looked = threading.Barrier(len(team), timeout=10)

    @transaction.atomic
    def look_then_save(task: HumanTask, user: Any) -> HumanTask:
        found = HumanTask.objects.get(pk=task.pk)
        all_have_looked.wait()
        if found.status != Status.READY:
            raise TaskConflict(inbox.Code.ALREADY_CLAIMED, found)
        HumanTask.objects.filter(pk=task.pk).update(
            status=Status.CLAIMED, assignee=user, seq=F("seq") + 1
        )
        return found

    monkeypatch.setattr(claiming, "_claim", look_then_save)

    assert len(claim_by_all(task, team)) > 1


# ---- completing ----------------------------------------------------------------------


@pytest.fixture
def mine(task, alice):
    return inbox.claim(task, user=alice)


def complete_twice(mine, alice, submissions):
    def send(submission: Any) -> TaskDecision:
        return inbox.complete(
            mine, user=alice, outcome="approve", data=LOW, submission_id=submission
        )

    return winners(at_once(*(lambda one=one: send(one) for one in submissions)))


def test_a_double_click_is_one_decision_and_all_replies_agree(mine, alice, runs):
    submission = uuid4()

    replies = complete_twice(mine, alice, [submission] * 4)

    assert len(replies) == 4
    assert len({reply.pk for reply in replies}) == 1
    assert (TaskDecision.objects.count(), Event.objects.count()) == (1, 1)
    runs.drain()
    assert get_run(mine.run_id).result(timeout=0).approved


def test_two_windows_give_one_decision_and_one_refusal_each(mine, alice):
    replies = complete_twice(mine, alice, [uuid4() for _ in range(4)])

    assert len(replies) == 1
    assert (TaskDecision.objects.count(), Event.objects.count()) == (1, 1)
    assert TaskAudit.objects.filter(task=mine, verb="completed").count() == 1


def test_without_the_locks_two_windows_would_clash_in_the_database(mine, alice, monkeypatch):
    """The constraint on decisions is the last line: it gives an error page, not a decision."""

    all_have_looked = threading.Barrier(4, timeout=10)

    def unlocked(task: HumanTask) -> HumanTask:
        found = HumanTask.objects.select_related("assignee", "payload").get(pk=task.pk)
        all_have_looked.wait()
        return found

    monkeypatch.setattr(deciding, "locked", unlocked)
    monkeypatch.setattr("orchestrator.waits.hold", lambda run_id: True)

    found = at_once(
        *(lambda: inbox.complete(mine, user=alice, outcome="approve", data=LOW) for _ in range(4))
    )

    assert any("decision_once" in str(one) for one in found)
    assert TaskDecision.objects.count() == 1


# ---- a person and the engine ---------------------------------------------------------


def complete_and_cancel(mine, alice):
    run = get_run(mine.run_id)
    decision, cancelled = at_once(
        lambda: inbox.complete(mine, user=alice, outcome="approve", data=LOW),
        lambda: run.cancel(reason="a duplicate"),
    )
    assert cancelled is True
    return decision, HumanTask.objects.get(pk=mine.pk)


def test_completing_and_cancelling_have_one_order_that_both_are_told(ask, alice):
    outcomes = set()
    for number in range(15):
        mine = inbox.claim(ask(name=f"run-{number}"), user=alice)

        decision, now = complete_and_cancel(mine, alice)

        if isinstance(decision, TaskDecision):
            assert (now.status, now.outcome) == (Status.COMPLETED, "approve")
        else:
            assert isinstance(decision, TaskConflict), repr(decision)
            assert (decision.code, now.status) == ("withdrawn", Status.WITHDRAWN)
            assert not TaskDecision.objects.filter(task=mine).exists()
        outcomes.add(now.status)
    assert not HumanTask.objects.filter(status__in=["ready", "claimed"]).exists()


def test_without_the_runs_lock_a_decision_may_come_after_the_cancel(mine, alice, monkeypatch):
    """The task's row still says who was first; but nobody holds the run still meanwhile."""
    monkeypatch.setattr("orchestrator.waits.hold", lambda run_id: True)
    run = get_run(mine.run_id)
    checked, cancelled = threading.Event(), threading.Event()
    check = deciding.refusing.not_eligible

    def check_slowly(task: HumanTask, user: Any) -> Any:
        checked.set()
        cancelled.wait(0.5)
        return check(task, user)

    monkeypatch.setattr(deciding.refusing, "not_eligible", check_slowly)

    def cancel() -> bool:
        checked.wait()
        asked = run.cancel()
        cancelled.set()
        return asked

    found = at_once(lambda: inbox.complete(mine, user=alice, outcome="approve", data=LOW), cancel)

    # The cancel holds the run and wants the task; the decision holds the task and wants the
    # run. With the lock in the right order that cannot happen.
    assert any("deadlock" in str(one) for one in found)
