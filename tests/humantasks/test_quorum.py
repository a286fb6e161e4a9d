"""A quorum: several people vote, each once, and the task ends when the outcome is certain."""

from __future__ import annotations

from uuid import uuid4

import pytest

from humantasks import HumanTaskType, Quorum, human_task_type, inbox
from humantasks.chain import breaks
from humantasks.inbox import NotEligible, TaskConflict
from humantasks.models import HumanTask, TaskAudit, TaskDecision, TaskSeat, TeamProfile
from orchestrator import get_run
from tests.humantasks.proposing import now

LOW = {"risk": "low"}


@pytest.fixture
def team(person, alice, bob):
    return [alice, bob, *(person(name, "compliance-team") for name in ("dan", "eva"))]


@pytest.fixture
def ballot(ask, team):
    """A task on which people vote: `ballot(2, of=3, veto=1)`."""

    def make(needed=2, **options):
        @human_task_type("ballot")
        class Ballot(HumanTaskType):
            review = Quorum(needed, **({"of": 3} | options))

        return ask(type="ballot", name=f"run-{uuid4()}")

    return make


def vote(task, user, outcome="approve", **options):
    inbox.claim(task, user=user)
    return inbox.complete(
        task, user=user, outcome=outcome, data=LOW, comment=f"says {user}", **options
    )


def seats(task):
    return sorted(TaskSeat.objects.filter(task=task).values_list("status", flat=True))


def test_a_ballot_has_its_seats_and_no_holder(ballot, alice):
    task = ballot(2, of=3)

    assert (task.status, task.assignee, seats(task)) == ("in_review", None, ["open"] * 3)
    assert list(HumanTask.objects.to_check(alice)) == [task]
    assert list(HumanTask.objects.free_for(alice)) == []


def test_two_of_three_are_enough(ballot, team, runs):
    task = ballot(2, of=3)

    vote(task, team[0])
    assert now(task).status == "in_review"
    vote(task, team[1])
    runs.drain()

    assert (now(task).status, now(task).outcome) == ("completed", "approve")
    assert seats(task) == ["closed", "done", "done"]
    result = get_run(task.run_id).result(timeout=0)
    assert (result.approved, result.completed_by, result.comment) == (True, "bob", "says bob")
    assert [(one.user, one.role, one.outcome) for one in result.reviewers] == [
        ("alice", "voter", "approve"),
        ("bob", "voter", "approve"),
    ]
    last = TaskAudit.objects.latest("id")
    assert (last.verb, last.actor, last.changes["votes"]) == (
        "completed",
        None,
        {"approve": 2, "reject": 0},
    )


def test_a_late_vote_is_told_so(ballot, team):
    task = ballot(2, of=3)
    inbox.claim(task, user=team[2])
    vote(task, team[0])
    vote(task, team[1])

    with pytest.raises(TaskConflict) as refused:
        inbox.complete(task, user=team[2], outcome="approve", data=LOW)

    assert refused.value.code == "already_completed"
    assert TaskDecision.objects.count() == 2


def test_one_veto_is_enough(ballot, team, runs):
    task = ballot(2, of=3, veto=1)

    vote(task, team[0])
    vote(task, team[1], "reject")
    runs.drain()

    result = get_run(task.run_id).result(timeout=0)
    assert (result.outcome, result.approved, result.comment) == ("reject", False, "says bob")


def test_even_votes_end_it_without_consent(ballot, team, runs):
    task = ballot(2, of=2)

    vote(task, team[0])
    vote(task, team[1], "reject")
    runs.drain()

    result = get_run(task.run_id).result(timeout=0)
    assert (result.outcome, result.approved) == ("reject", False)
    assert TaskAudit.objects.latest("id").changes["is_tie"] is True


def test_one_person_has_one_voice(ballot, alice):
    task = ballot(2, of=3)
    vote(task, alice)

    vote(task, alice)

    assert now(task).status == "in_review"
    assert TaskDecision.objects.filter(superseded_at=None).count() == 1


def test_a_vote_can_be_changed_until_the_end(ballot, team, runs):
    task = ballot(2, of=3)
    vote(task, team[0], "reject")

    vote(task, team[0])
    vote(task, team[1])
    runs.drain()

    assert get_run(task.run_id).result(timeout=0).approved
    assert [one.verb for one in TaskAudit.objects.order_by("seq")] == [
        "created",
        "claimed",
        "voted",
        "vote_changed",
        "claimed",
        "voted",
        "completed",
    ]
    assert list(breaks(HumanTask.objects.all())) == []


def test_a_type_may_let_a_vote_stand(ballot, alice):
    task = ballot(2, of=3, change_vote=False)
    vote(task, alice)

    with pytest.raises(TaskConflict) as refused:
        inbox.complete(task, user=alice, outcome="reject", comment="no")

    assert (refused.value.code, refused.value.is_me) == ("already_completed", True)
    assert TaskDecision.objects.get().outcome == "approve"


def test_a_vote_that_is_sent_twice_is_one(ballot, alice):
    task, form = ballot(2, of=3), uuid4()

    first = vote(task, alice, submission_id=form)
    again = vote(task, alice, submission_id=form)

    assert first == again
    assert TaskAudit.objects.filter(verb__startswith="vote").count() == 1


def test_blind_votes_are_not_in_the_audit_before_the_end(ballot, team):
    task = ballot(2, of=3, blind=True)

    vote(task, team[0])
    entry = TaskAudit.objects.latest("id")
    assert (entry.verb, entry.code, entry.reason) == ("voted", "", "")
    vote(task, team[1])

    assert TaskAudit.objects.latest("id").changes["votes"] == {"approve": 2, "reject": 0}
    assert list(breaks(HumanTask.objects.all())) == []


def test_a_seat_is_needed_and_there_are_only_so_many(ballot, team):
    task = ballot(2, of=2)
    with pytest.raises(TaskConflict):
        inbox.complete(task, user=team[0], outcome="approve", data=LOW)
    inbox.claim(task, user=team[0])
    inbox.claim(task, user=team[1])

    with pytest.raises(TaskConflict) as refused:
        inbox.claim(task, user=team[2])

    assert (refused.value.code, refused.value.by) == ("already_claimed", "Bob")


def test_a_seat_that_is_left_is_free_for_another(ballot, team):
    task = ballot(2, of=2)
    inbox.claim(task, user=team[0])
    inbox.claim(task, user=team[1])

    inbox.release(task, user=team[1])

    assert inbox.claim(task, user=team[2]).status == "in_review"


def test_a_vote_of_who_has_left_the_team_is_refused(ballot, alice):
    task = ballot(2, of=3)
    inbox.claim(task, user=alice)
    alice.groups.clear()

    with pytest.raises(NotEligible):
        inbox.complete(task, user=alice, outcome="approve", data=LOW)

    assert not TaskDecision.objects.exists()


def test_the_requester_has_no_vote(ask, alice):
    @human_task_type("ballot")
    class Ballot(HumanTaskType):
        review = Quorum(2, of=3)

    task = ask(type="ballot", initiator=alice)

    with pytest.raises(NotEligible) as refused:
        inbox.claim(task, user=alice)

    assert (refused.value.code, refused.value.why) == ("sod", "requester")
    assert list(HumanTask.objects.to_check(alice)) == []


def test_a_lead_gives_a_seat_while_there_is_one(ballot, team, person):
    lena = person("lena")
    TeamProfile.objects.create(group=team[0].groups.get()).leads.add(lena)
    task = ballot(2, of=2)
    inbox.assign(task, user=lena, to=team[2])
    inbox.assign(task, user=lena, to=team[3])

    with pytest.raises(TaskConflict) as refused:
        inbox.assign(task, user=lena, to=team[0])

    assert refused.value.code == "already_claimed"
    assert [one.user for one in TaskSeat.objects.order_by("id")] == team[2:]


def test_votes_do_not_count_in_another_team(ballot, team, person, carol):
    lena = person("lena")
    TeamProfile.objects.create(group=team[0].groups.get()).leads.add(lena)
    task = ballot(2, of=2)
    vote(task, team[0])

    inbox.move(task, user=lena, to=carol.groups.get())

    assert (now(task).status, now(task).round) == ("in_review", 2)
    assert list(HumanTask.objects.to_check(carol)) == [task]
    vote(task, carol)
    assert now(task).status == "in_review"
