"""Claims that end by themselves."""

from __future__ import annotations

from datetime import timedelta

import pytest

from humantasks import HumanTaskType, human_task_type, inbox
from humantasks.inbox import TaskConflict
from humantasks.models import HumanTask, TaskAudit
from orchestrator import clock
from orchestrator.engine.keeper import Keeper

HALF = timedelta(minutes=31)


@pytest.fixture
def leased(ask):
    @human_task_type("leased")
    class Leased(HumanTaskType):
        claim_lease = "30m"

    return ask(type="leased")


@pytest.fixture
def later():
    moved = []

    def move(by):
        clock.move(by)
        moved.append(by)

    yield move
    for by in moved:
        clock.move(-by)


def save(task, user, text="x"):
    return inbox.save_draft(
        task, user=user, data={"data.note": [text]}, submission_id=task.pk, draft_rev=0
    )


def test_a_claim_without_a_sign_of_its_holder_ends(leased, alice, bob, later):
    inbox.claim(leased, user=alice)
    later(HALF)

    inbox.tend()

    now = HumanTask.objects.get()
    assert (now.status, now.assignee, now.claim_expires_at) == ("ready", None, None)
    entry = TaskAudit.objects.get(verb="lease_expired")
    assert (entry.actor, entry.reason) == (None, "Alice")


def test_who_types_keeps_the_claim(leased, alice, later):
    inbox.claim(leased, user=alice)
    later(timedelta(minutes=20))
    save(leased, alice)
    later(timedelta(minutes=20))

    assert inbox.tend() == 0
    assert HumanTask.objects.get().assignee == alice


def test_typing_shows_that_it_is_in_progress_and_counts_as_no_change(leased, alice):
    before = inbox.claim(leased, user=alice)

    save(leased, alice)

    now = HumanTask.objects.get()
    assert now.started_at is not None
    assert now.seq == before.seq


def test_what_has_run_out_can_be_claimed_before_anybody_tends_it(leased, alice, bob, later):
    inbox.claim(leased, user=alice)
    later(HALF)

    assert inbox.claim(leased, user=bob).assignee == bob


def test_the_draft_of_who_lost_the_claim_is_kept(leased, alice, bob, later):
    inbox.claim(leased, user=alice)
    save(leased, alice, "half of it")
    later(HALF)
    inbox.tend()

    inbox.claim(leased, user=alice)

    assert leased.drafts.get(user=alice).data == {"data.note": ["half of it"]}


def test_who_comes_late_and_finds_it_still_theirs_may_send(leased, alice, later):
    inbox.claim(leased, user=alice)
    later(HALF)

    inbox.complete(leased, user=alice, outcome="approve", data={"risk": "low"})

    assert HumanTask.objects.get().status == "completed"


def test_who_comes_too_late_is_told(leased, alice, later):
    inbox.claim(leased, user=alice)
    later(HALF)
    inbox.tend()

    with pytest.raises(TaskConflict) as refused:
        inbox.complete(leased, user=alice, outcome="approve", data={"risk": "low"})

    assert refused.value.code == "not_assignee"


def test_a_claim_without_a_lease_lasts(task, alice, later):
    inbox.claim(task, user=alice)
    later(timedelta(days=300))

    assert inbox.tend() == 0


def test_who_has_left_the_team_loses_what_they_hold(task, alice):
    inbox.claim(task, user=alice)
    alice.groups.clear()

    inbox.tend()

    assert HumanTask.objects.get().status == "ready"
    assert TaskAudit.objects.get(verb="access_lost").reason == "Alice"


def test_who_has_left_the_house_loses_what_they_hold(task, alice):
    inbox.claim(task, user=alice)
    alice.is_active = False
    alice.save()

    assert inbox.tend() == 1


def test_who_was_named_keeps_their_task(ask, alice):
    ask(assign_to="user:alice")

    assert inbox.tend() == 0
    assert HumanTask.objects.get().assignee == alice


def test_who_is_of_a_team_that_was_made_later_keeps_their_task(ask, person):
    task = ask(assign_to="late-team")
    late = person("lou", "late-team")
    inbox.claim(task, user=late)

    inbox.tend()

    assert HumanTask.objects.get().assignee == late


def test_every_worker_tends(leased, alice, later):
    inbox.claim(leased, user=alice)
    later(HALF)

    Keeper().look()

    assert HumanTask.objects.get().status == "ready"


def test_a_lease_of_seconds_is_refused():
    with pytest.raises(ValueError, match="a minute at least"):

        @human_task_type("hasty")
        class Hasty(HumanTaskType):
            claim_lease = "5s"
