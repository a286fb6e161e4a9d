"""Two people who judge the same task at the same moment, each race with its negative control.

On PostgreSQL only, because SQLite lets one writer in at a time.
"""

from __future__ import annotations

import threading
from uuid import uuid4

import pytest

from humantasks import HumanTaskType, Quorum, human_task_type, inbox
from humantasks.inbox import TaskConflict, deciding, voting
from humantasks.models import HumanTask, TaskAudit, TaskDecision, TaskSeat
from orchestrator import get_run
from orchestrator.models import Event
from tests.humantasks.proposing import now, propose
from tests.humantasks.racing import at_once, winners

pytestmark = pytest.mark.postgres

LOW = {"risk": "low"}


@pytest.fixture(autouse=True)
def no_hints(monkeypatch):
    """The threads only write; the test's own thread drives the runs afterwards."""
    monkeypatch.setattr("orchestrator.hints.send", lambda *_: None)


@pytest.fixture
def ballot(ask, alice, bob):
    def make(needed=2, **options):
        @human_task_type("ballot")
        class Ballot(HumanTaskType):
            review = Quorum(needed, **({"of": 3} | options))

        return ask(type="ballot", name=f"run-{uuid4()}")

    return make


def send(task, user, outcome="approve"):
    return lambda: inbox.complete(
        task, user=user, outcome=outcome, data=LOW, comment="so", submission_id=uuid4()
    )


# ---- votes ---------------------------------------------------------------------------


def test_the_last_two_votes_at_once_end_it_once(ballot, alice, bob, runs):
    for _ in range(10):
        task = ballot(2, of=2)
        for user in (alice, bob):
            inbox.claim(task, user=user)

        votes = at_once(send(task, alice), send(task, bob))

        assert len(winners(votes)) == 2
        assert now(task).status == "completed"
        assert TaskAudit.objects.filter(task=task, verb="completed").count() == 1
        assert Event.objects.filter(run_id=task.run_id).count() == 1
    runs.drain()
    assert len(get_run(task.run_id).result(timeout=0).reviewers) == 2


def test_without_the_locks_neither_of_the_last_two_votes_would_end_it(
    ballot, alice, bob, monkeypatch
):
    task = ballot(2, of=2)
    for user in (alice, bob):
        inbox.claim(task, user=user)
    both_have_looked = threading.Barrier(2, timeout=10)
    read = voting.votes_of

    def unlocked(task: HumanTask) -> HumanTask:
        return HumanTask.objects.select_related("owner", "payload").get(pk=task.pk)

    def count(task: HumanTask) -> list[TaskDecision]:
        found = read(task)
        both_have_looked.wait()
        return found

    monkeypatch.setattr(deciding, "locked", unlocked)
    monkeypatch.setattr("orchestrator.waits.hold", lambda run_id: True)
    monkeypatch.setattr(voting, "votes_of", count)
    # The audit is numbered under the same lock, and would clash.
    monkeypatch.setattr(voting, "change_locked", lambda task, entry: task)

    votes = at_once(send(task, alice), send(task, bob))

    assert [type(one) for one in votes] == [TaskDecision, TaskDecision]
    assert now(task).status == "in_review"


def test_a_vote_for_and_a_veto_at_once_have_one_order(ballot, alice, bob):
    for _ in range(5):
        task = ballot(1, of=2, veto=1)
        for user in (alice, bob):
            inbox.claim(task, user=user)

        votes = at_once(send(task, alice), send(task, bob, "reject"))

        [won] = winners(votes)
        assert now(task).outcome == won.outcome
        assert TaskDecision.objects.filter(task=task).count() == 1


# ---- seats ---------------------------------------------------------------------------


def test_of_ten_who_want_two_seats_two_get_one(ballot, person):
    task = ballot(2, of=2)
    team = [person(f"voter-{number}", "compliance-team") for number in range(10)]

    got = winners(at_once(*(lambda one=one: inbox.claim(task, user=one) for one in team)))

    assert len(got) == 2
    seats = TaskSeat.objects.filter(task=task).values_list("status", "user")
    assert {status for status, _ in seats} == {"taken"}
    assert len({user for _, user in seats}) == 2


def test_without_the_lock_a_seat_would_be_given_twice(ballot, person, monkeypatch):
    task = ballot(2, of=2)
    team = [person(f"voter-{number}", "compliance-team") for number in range(4)]
    all_have_looked = threading.Barrier(4, timeout=10)

    def unlocked(task: HumanTask) -> HumanTask:
        return HumanTask.objects.get(pk=task.pk)

    def take_seen(task: HumanTask, seat: TaskSeat, user: object, entry: object) -> HumanTask:
        all_have_looked.wait()
        TaskSeat.objects.filter(pk=seat.pk).update(status="taken", user=user)
        return task

    monkeypatch.setattr("humantasks.inbox.claiming.locked", unlocked)
    monkeypatch.setattr("humantasks.inbox.seats._seat", take_seen)

    got = winners(at_once(*(lambda one=one: inbox.claim(task, user=one) for one in team)))

    assert len(got) > TaskSeat.objects.filter(task=task, status="taken").count()


# ---- four eyes -----------------------------------------------------------------------


def test_two_windows_of_a_checker_give_one_end(two_look, alice, chief):
    for _ in range(5):
        task = two_look()
        propose(task, alice)
        inbox.claim(task, user=chief)

        said = at_once(
            lambda task=task: inbox.approve(task, user=chief),
            lambda task=task: inbox.return_proposal(task, user=chief, comment="No"),
        )

        assert len(winners(said)) == 1
        made = TaskDecision.objects.filter(task=task, user=chief).get()
        assert now(task).status == ("completed" if made.kind == "approval" else "claimed")


def test_an_approval_and_a_cancel_have_one_order(two_look, alice, chief):
    for _ in range(5):
        task = two_look()
        propose(task, alice)
        inbox.claim(task, user=chief)
        run = get_run(task.run_id)

        said, cancelled = at_once(
            lambda task=task: inbox.approve(task, user=chief), lambda run=run: run.cancel()
        )

        assert cancelled is True
        if isinstance(said, TaskDecision):
            assert now(task).status == "completed"
        else:
            assert isinstance(said, TaskConflict), repr(said)
            assert (said.code, now(task).status) == ("withdrawn", "withdrawn")
