"""Four eyes: what one person proposes counts when another one has approved it."""

from __future__ import annotations

import pytest

from humantasks import FourEyes, HumanTaskType, Outcome, Pool, human_task_type, inbox
from humantasks.inbox import InvalidAnswer, NotEligible, TaskConflict
from humantasks.models import HumanTask, TaskAudit, TaskSeat, TeamProfile
from orchestrator import get_run
from tests.humantasks.conftest import KycDecision
from tests.humantasks.proposing import LOW, now, propose


def why(caught):
    return (caught.value.code, getattr(caught.value, "why", ""))


# ---- proposing -----------------------------------------------------------------------


def test_a_proposal_does_not_count_yet(two_look, alice, chief, runs):
    task = two_look()

    proposal = propose(task, alice)
    runs.drain()

    assert (now(task).status, now(task).assignee, now(task).outcome) == ("in_review", None, "")
    assert (proposal.kind, proposal.round, proposal.outcome) == ("proposal", 1, "approve")
    assert get_run(task.run_id).status == "waiting"
    assert [(one.role, one.status) for one in TaskSeat.objects.all()] == [("checker", "open")]
    assert TaskAudit.objects.latest("id").verb == "proposed"


def test_the_result_names_both(two_look, alice, chief, runs):
    task = two_look()
    propose(task, alice)
    inbox.claim(task, user=chief)

    inbox.approve(task, user=chief, comment="agreed")
    runs.drain()

    result = get_run(task.run_id).result(timeout=0)
    assert (result.outcome, result.approved, result.round) == ("approve", True, 1)
    assert (result.completed_by, result.comment, result.data.note) == (
        "alice",
        "looks good",
        "see page 2",
    )
    assert [(one.user, one.role, one.outcome, one.comment) for one in result.reviewers] == [
        ("alice", "maker", "approve", "looks good"),
        ("cleo", "checker", "approve", "agreed"),
    ]
    assert now(task).completed_by == alice
    assert set(HumanTask.objects.checked_by(chief)) == {task}


def test_a_check_is_asked_for_when_the_type_says_so(ask, alice, chief, runs):
    @human_task_type("sometimes")
    class Sometimes(HumanTaskType):
        form = KycDecision
        review = FourEyes("compliance-leads", when=lambda one: one.data.risk.value == "high")

    simple, grave = (ask(type="sometimes", name=name) for name in ("a", "b"))
    for task, risk in ((simple, "low"), (grave, "high")):
        inbox.claim(task, user=alice)
        inbox.complete(task, user=alice, outcome="approve", data={"risk": risk})

    assert (now(simple).status, now(grave).status) == ("completed", "in_review")


def test_when_that_fails_lets_two_people_look(ask, alice, chief, caplog):
    @human_task_type("broken")
    class Broken(HumanTaskType):
        review = FourEyes("compliance-leads", when=lambda one: one.data.nothing)

    task = ask(type="broken")

    propose(task, alice)

    assert now(task).status == "in_review"
    assert "when= of its review failed" in caplog.text


def test_what_was_asked_for_stays_when_the_type_has_gone(two_look, alice, chief, registered):
    from humantasks import definitions  # noqa: PLC0415 - the registry of this moment

    task = two_look(when=lambda one: False)
    del definitions._types["two-look"]

    propose(task, alice)

    assert now(task).status == "in_review"


def test_a_check_that_nobody_can_make_is_reported(two_look, alice, caplog):
    task = two_look(checker="nobody-there")

    propose(task, alice)

    assert now(task).unroutable
    assert "nobody may check it" in caplog.text


# ---- who may check -------------------------------------------------------------------


def test_who_proposed_cannot_check(two_look, alice, chief):
    task = two_look(checker="compliance-team")
    propose(task, alice)

    for act in (inbox.claim, inbox.approve):
        with pytest.raises((NotEligible, TaskConflict)):
            act(task, user=alice)
    with pytest.raises(NotEligible) as refused:
        inbox.claim(task, user=alice)

    assert why(refused) == ("sod", "maker")
    assert TaskAudit.objects.latest("id").verb == "claim_refused"
    assert list(HumanTask.objects.to_check(alice)) == []


def test_a_superuser_does_not_check_their_own(two_look, person, chief):
    root = person("root", "compliance-team", "compliance-leads", is_superuser=True)
    task = two_look()
    propose(task, root)

    with pytest.raises(NotEligible) as refused:
        inbox.claim(task, user=root)
    assert why(refused) == ("sod", "maker")

    with pytest.raises(NotEligible) as refused:
        inbox.override(task, user=root, outcome="approve", data=LOW, reason="I know best")
    assert why(refused) == ("sod", "maker")
    assert now(task).status == "in_review"


def test_who_left_the_checkers_after_taking_it_cannot_approve(two_look, alice, chief):
    task = two_look()
    propose(task, alice)
    inbox.claim(task, user=chief)
    chief.groups.clear()

    with pytest.raises(NotEligible) as refused:
        inbox.approve(task, user=chief)

    assert why(refused) == ("not_eligible", "checker")
    inbox.tend()
    assert TaskSeat.objects.get().status == "open"
    assert TaskAudit.objects.latest("id").verb == "access_lost"


def test_the_requester_does_not_check(ask, alice, chief):
    @human_task_type("two-look")
    class TwoLook(HumanTaskType):
        review = FourEyes("compliance-leads")

    task = ask(type="two-look", initiator=chief, form=None)
    propose(task, alice)

    with pytest.raises(NotEligible) as refused:
        inbox.claim(task, user=chief)

    assert why(refused) == ("sod", "requester")


def test_a_lead_cannot_assign_the_check_to_who_proposed(two_look, alice, bob, chief, person):
    lena = person("lena")
    TeamProfile.objects.create(group=alice.groups.get()).leads.add(lena)
    task = two_look(checker="compliance-team")
    propose(task, alice)

    with pytest.raises(InvalidAnswer):
        inbox.assign(task, user=lena, to=alice)
    inbox.assign(task, user=lena, to=bob)

    assert TaskSeat.objects.get().user == bob
    assert now(task).assignee is None
    assert list(HumanTask.objects.people_for(now(task))) == []


def test_a_check_cannot_be_delegated(two_look, alice, bob, chief):
    task = two_look()
    propose(task, alice)
    inbox.claim(task, user=chief)

    with pytest.raises(TaskConflict) as refused:
        inbox.delegate(task, user=chief, to=bob)

    assert refused.value.code == "wrong_state"


def test_only_who_has_taken_the_check_approves(two_look, alice, chief, person):
    second = person("kim", "compliance-leads", first_name="Kim")
    task = two_look()
    propose(task, alice)

    with pytest.raises(TaskConflict):
        inbox.approve(task, user=chief)
    inbox.claim(task, user=chief)
    with pytest.raises(TaskConflict) as refused:
        inbox.approve(task, user=second)
    assert (refused.value.code, refused.value.by) == ("not_assignee", "Cleo")
    with pytest.raises(TaskConflict) as refused:
        inbox.claim(task, user=second)
    assert (refused.value.code, refused.value.by) == ("already_claimed", "Cleo")


def test_who_declares_a_conflict_lets_go_of_the_check(two_look, alice, chief):
    task = two_look()
    propose(task, alice)
    inbox.claim(task, user=chief)

    inbox.declare_conflict(task, user=chief, reason="my cousin")

    assert TaskSeat.objects.get().status == "open"
    with pytest.raises(NotEligible) as refused:
        inbox.claim(task, user=chief)
    assert why(refused) == ("sod", "conflict")


def test_a_check_counts_against_a_limit(two_look, alice, chief, ask):
    TeamProfile.objects.create(group=alice.groups.get(), claim_limit=1)
    first, second = two_look(), two_look()
    propose(first, alice)
    propose(second, alice)
    inbox.claim(first, user=chief)

    with pytest.raises(NotEligible) as refused:
        inbox.claim(second, user=chief)

    assert refused.value.code == "claim_limit"


# ---- what cannot be -------------------------------------------------------------------


@pytest.mark.parametrize("bad", [{"checker": ""}, {"checker": "x", "max_rounds": 0}])
def test_a_review_that_cannot_be_is_refused_at_once(bad):
    with pytest.raises(ValueError, match=r"assign_to|max_rounds"):
        FourEyes(bad.pop("checker"), **bad)


def test_a_type_takes_no_other_review():
    with pytest.raises(TypeError, match="a FourEyes or a Quorum"):

        @human_task_type("odd")
        class Odd(HumanTaskType):
            review = Pool("a")
            outcomes = (Outcome("ok"),)
