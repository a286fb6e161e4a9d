"""Many who ask for the next task at once, limits in two windows, and the chain of the audit.

As in `test_races`, each guard is also taken away, and the defect must then show.
"""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from humantasks import chain, inbox
from humantasks.inbox import NotEligible, TaskConflict, changing, leases, limits, serving
from humantasks.models import HumanTask, ReviewerState, TaskAudit
from orchestrator import clock
from tests.humantasks.racing import at_once

pytestmark = pytest.mark.postgres


@pytest.fixture(autouse=True)
def no_hints(monkeypatch):
    monkeypatch.setattr("orchestrator.hints.send", lambda *_: None)


@pytest.fixture
def team(person):
    return [person(f"reviewer-{number}", "compliance-team") for number in range(6)]


def refusals(found):
    """Which were refused for a limit; anything else that was raised fails the test."""
    raised = [one for one in found if isinstance(one, Exception)]
    assert all(isinstance(one, NotEligible) for one in raised), raised
    return raised


# ---- next ----------------------------------------------------------------------------


def drain_with(team):
    """Each of the team takes tasks until there are none. Who got which."""

    def take_all(user):
        served = []
        while (task := inbox.claim_next(user=user)) is not None:
            served.append(task.ref)
        return served

    return at_once(*(lambda user=user: take_all(user) for user in team))


def test_each_task_is_served_once_and_none_is_left(ask, team):
    refs = [ask(name=f"run-{number}").ref for number in range(24)]

    served = drain_with(team)

    assert sorted(ref for one in served for ref in one) == refs
    assert TaskAudit.objects.filter(verb="claimed", via="next").count() == 24


def served_beside_a_lock(team, monkeypatch):
    """What the second gets while the first is still about to claim; the first goes on then,
    or after a while."""
    take, is_locked, go_on = serving.take, threading.Event(), threading.Event()

    def slowly(found, user, at):
        if user == team[0]:
            is_locked.set()
            go_on.wait(0.5)
        return take(found, user, at)

    def come_second():
        is_locked.wait()
        found = inbox.claim_next(user=team[1])
        # Set already: the first has waited in vain, and so have we.
        has_waited = HumanTask.objects.filter(assignee=team[0]).exists()
        go_on.set()
        return found, has_waited

    monkeypatch.setattr(serving, "take", slowly)
    return at_once(lambda: inbox.claim_next(user=team[0]), come_second)


def test_who_comes_second_does_not_wait_for_the_first(ask, team, monkeypatch):
    first, second = ask(name="first"), ask(name="second")

    assert served_beside_a_lock(team, monkeypatch) == [first, (second, False)]


def test_without_skipping_what_is_locked_they_would_wait(ask, team, monkeypatch):
    first, second = ask(name="first"), ask(name="second")

    def never_skip(free):
        return free.most_pressing_first().select_for_update(of=("self",)).first()

    monkeypatch.setattr(serving, "_first", never_skip)

    assert served_beside_a_lock(team, monkeypatch) == [first, (second, True)]


# ---- limits --------------------------------------------------------------------------


def claim_in_two_windows(tasks, user):
    return at_once(
        *(lambda task=task: inbox.claim(task, user=user) for task in tasks),
        lambda: inbox.claim_next(user=user),
    )


@pytest.fixture
def limited(team):
    ReviewerState.objects.create(user=team[0], claim_limit=1)
    return team[0]


def test_two_windows_of_one_person_do_not_pass_the_limit(ask, limited):
    tasks = [ask(name=f"run-{number}") for number in range(4)]

    found = claim_in_two_windows(tasks[1:3], limited)

    assert len(refusals(found)) == 2
    assert HumanTask.objects.filter(assignee=limited).count() == 1


def test_without_locking_the_person_they_would(ask, limited, monkeypatch):
    tasks = [ask(name=f"run-{number}") for number in range(4)]
    all_have_counted = threading.Barrier(3, timeout=10)
    take = changing.change

    def after_all_have_counted(*args, **kwargs):
        all_have_counted.wait()
        return take(*args, **kwargs)

    monkeypatch.setattr(limits, "lock", lambda user: ReviewerState.objects.get(user=user))
    monkeypatch.setattr("humantasks.inbox.claiming.change", after_all_have_counted)

    found = claim_in_two_windows(tasks[1:3], limited)

    assert refusals(found) == []
    assert HumanTask.objects.filter(assignee=limited).count() == 3


# ---- leases --------------------------------------------------------------------------


def test_a_claim_that_ends_while_its_holder_types_has_one_order(task, team):
    mine = inbox.claim(task, user=team[0])
    HumanTask.objects.update(lease_seconds=60, claim_expires_at=clock.now() - timedelta(minutes=1))

    saved, ended = at_once(
        lambda: inbox.save_draft(mine, user=team[0], data={}, submission_id=mine.pk, draft_rev=0),
        leases.end_run_out,
    )

    now = HumanTask.objects.get()
    assert not isinstance(ended, Exception)
    if isinstance(saved, TaskConflict):
        assert (now.status, ended) == ("ready", 1)
    else:
        assert (now.status, ended) == ("claimed", 0)


# ---- the chain -----------------------------------------------------------------------


def comment_by_all(task, team):
    return at_once(
        *(
            lambda user=user, number=number: inbox.comment(task, user=user, text=f"{number}")
            for user in team
            for number in range(3)
        )
    )


def test_all_entries_of_a_rush_are_in_the_chain(task, team):
    found = comment_by_all(task, team)

    assert [one for one in found if isinstance(one, Exception)] == []
    assert TaskAudit.objects.filter(verb="commented").count() == 18
    assert list(chain.breaks(HumanTask.objects.all())) == []


def test_without_the_tasks_lock_entries_would_be_refused(task, team, monkeypatch):
    """The constraint on the numbers is the last line: people would lose what they said."""

    all_have_numbers = threading.Barrier(2, timeout=10)
    digest = changing.audit.digest

    def unlocked(task, entry, **fields):
        changing.audit.append(task.pk, entry, from_status="", to_status="")

    def after_all(row, before):
        all_have_numbers.wait()
        return digest(row, before)

    monkeypatch.setattr("humantasks.inbox.commenting.change_locked", unlocked)
    monkeypatch.setattr("humantasks.inbox.commenting.locked", lambda task: task)
    monkeypatch.setattr(changing.audit, "digest", after_all)
    HumanTask.objects.update(seq=1)

    found = at_once(
        *(lambda user=user: inbox.comment(task, user=user, text="x") for user in team[:2])
    )

    assert any("audit_in_order" in str(one) for one in found)
