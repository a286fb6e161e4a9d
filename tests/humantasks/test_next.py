"""Next: the most pressing task that a person may answer, claimed for them at once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from humantasks import inbox
from humantasks.inbox import NotEligible
from humantasks.models import HumanTask, ReviewerState, TaskAudit, TaskPass, TeamProfile
from orchestrator import clock


@pytest.fixture
def three(ask):
    """Low, urgent and normal: in the order in which they were asked."""
    return [ask(name=f"of-{one}", priority=one) for one in ("low", "urgent", "normal")]


def test_the_most_pressing_comes_first(three, alice):
    low, urgent, normal = three

    served = [inbox.claim_next(user=alice) for _ in range(4)]

    assert served == [urgent, normal, low, None]


def test_what_is_served_is_claimed(task, alice):
    served = inbox.claim_next(user=alice)

    assert (served.status, served.assignee) == ("claimed", alice)
    assert TaskAudit.objects.get(verb="claimed").via == "next"


def test_only_what_was_asked_for_is_served(three, alice):
    low = HumanTask.objects.filter(priority=10)

    assert inbox.claim_next(user=alice, among=low) == three[0]
    assert inbox.claim_next(user=alice, among=low) is None


def test_nobody_is_served_their_own_request(ask, alice, bob):
    task = ask(initiator=alice)

    assert inbox.claim_next(user=alice) is None
    assert inbox.claim_next(user=bob) == task


def test_nobody_is_served_the_tasks_of_other_teams(task, carol):
    assert inbox.claim_next(user=carol) is None


def test_what_a_person_let_pass_is_not_served_to_them_for_an_hour(task, alice, bob, runs):
    inbox.let_pass(inbox.claim_next(user=alice), user=alice, reason="in Dutch")

    assert inbox.claim_next(user=alice) is None
    assert inbox.claim_next(user=bob) == task
    assert TaskAudit.objects.get(verb="passed").reason == "in Dutch"
    inbox.release(task, user=bob)
    clock.move(timedelta(minutes=61))
    try:
        assert inbox.claim_next(user=alice) == task
    finally:
        clock.move(-timedelta(minutes=61))
    assert TaskPass.objects.count() == 1


def test_what_is_not_mine_cannot_be_let_pass(task, alice, bob):
    inbox.claim(task, user=bob)

    with pytest.raises(inbox.TaskConflict) as refused:
        inbox.let_pass(task, user=alice)

    assert refused.value.code == "not_assignee"


# ---- limits --------------------------------------------------------------------------


def test_who_holds_as_many_as_they_may_gets_no_more(three, alice):
    ReviewerState.objects.create(user=alice, claim_limit=1)
    first = inbox.claim_next(user=alice)

    with pytest.raises(NotEligible) as refused:
        inbox.claim_next(user=alice)

    assert (refused.value.code, refused.value.limit) == ("claim_limit", 1)
    with pytest.raises(NotEligible) as refused:
        inbox.claim(three[0], user=alice)
    assert refused.value.code == "claim_limit"
    assert inbox.claim(first, user=alice) == first


def test_a_limit_of_a_team_counts_its_tasks_alone(three, ask, alice):
    TeamProfile.objects.create(group=alice.groups.get(), claim_limit=1)
    inbox.claim_next(user=alice)

    with pytest.raises(NotEligible) as refused:
        inbox.claim(three[0], user=alice)

    assert (refused.value.code, refused.value.limit) == ("claim_limit", 1)
    assert inbox.claim_next(user=alice) is None
    own = ask(name="own", assign_to=["user:alice", "user:bob"])
    assert inbox.claim(own, user=alice).assignee == alice


def test_what_is_put_aside_counts_as_held(three, alice):
    ReviewerState.objects.create(user=alice, claim_limit=1)
    held = inbox.claim_next(user=alice)
    inbox.snooze(held, user=alice, until=clock.now() + timedelta(hours=1))

    with pytest.raises(NotEligible):
        inbox.claim(three[0], user=alice)
