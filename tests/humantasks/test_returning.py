"""What becomes of a proposal that does not just pass: returned, sent twice, cancelled, left."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group, Permission, User

from humantasks import inbox
from humantasks.chain import breaks
from humantasks.inbox import InvalidAnswer, NotEligible, TaskConflict
from humantasks.models import (
    HumanTask,
    ReviewerState,
    TaskAudit,
    TaskDecision,
    TaskDraft,
    TaskSeat,
    TeamProfile,
)
from orchestrator import get_run
from tests.humantasks.proposing import LOW, now, propose


def why(caught):
    return (caught.value.code, getattr(caught.value, "why", ""))


# ---- returning -----------------------------------------------------------------------


def test_a_return_brings_comment_round_and_the_old_answers(two_look, alice, chief):
    task = two_look()
    propose(task, alice)
    inbox.claim(task, user=chief)

    inbox.return_proposal(task, user=chief, comment="Which page?")

    assert (now(task).status, now(task).assignee, now(task).round) == ("claimed", alice, 2)
    draft = TaskDraft.objects.get(user=alice)
    assert (draft.data["data.risk"], draft.data["data.note"]) == (["low"], ["see page 2"])
    assert draft.data["comment"] == ["looks good"]
    entry = TaskAudit.objects.latest("id")
    assert (entry.verb, entry.actor, entry.reason) == ("returned", chief, "Which page?")


def test_the_second_round_ends_like_the_first(two_look, alice, chief, runs):
    task = two_look()
    propose(task, alice)
    inbox.claim(task, user=chief)
    inbox.return_proposal(task, user=chief, comment="Which page?")
    inbox.complete(task, user=alice, outcome="approve", data=LOW, comment="page 3")
    inbox.claim(task, user=chief)
    inbox.approve(task, user=chief)
    runs.drain()

    result = get_run(task.run_id).result(timeout=0)
    assert (result.round, result.comment) == (2, "page 3")
    assert [one.user for one in result.reviewers] == ["alice", "cleo"]


def test_a_return_needs_a_comment(two_look, alice, chief):
    task = two_look()
    propose(task, alice)
    inbox.claim(task, user=chief)

    with pytest.raises(InvalidAnswer) as refused:
        inbox.return_proposal(task, user=chief, comment="  ")

    assert [one.loc for one in refused.value.errors] == [("comment",)]
    assert now(task).status == "in_review"


def test_after_the_last_round_it_goes_to_others_and_the_leads(two_look, alice, bob, chief, person):
    lena = person("lena")
    TeamProfile.objects.create(group=alice.groups.get()).leads.add(lena)
    task = two_look(max_rounds=1)
    propose(task, alice)
    inbox.claim(task, user=chief)

    inbox.return_proposal(task, user=chief, comment="No")

    assert (now(task).status, now(task).escalation_level, now(task).priority) == ("ready", 1, 50)
    with pytest.raises(NotEligible) as refused:
        inbox.claim(task, user=alice)
    assert why(refused) == ("sod", "rounds")
    assert inbox.claim(task, user=lena).assignee == lena


def test_a_maker_who_has_left_does_not_get_it_back(two_look, alice, chief):
    task = two_look()
    propose(task, alice)
    inbox.claim(task, user=chief)
    alice.groups.clear()

    inbox.return_proposal(task, user=chief, comment="No")

    assert (now(task).status, now(task).round) == ("ready", 2)


# ---- twice, late, and other ends -----------------------------------------------------


def test_an_approval_that_is_sent_twice_is_one(two_look, alice, chief):
    task, form = two_look(), uuid4()
    propose(task, alice)
    inbox.claim(task, user=chief)

    first = inbox.approve(task, user=chief, submission_id=form)
    again = inbox.approve(task, user=chief, submission_id=form)

    assert first == again
    with pytest.raises(TaskConflict) as refused:
        inbox.approve(task, user=chief, submission_id=form, comment="else")
    assert refused.value.code == "idempotency_mismatch"
    with pytest.raises(TaskConflict) as refused:
        inbox.approve(task, user=chief)
    assert refused.value.code == "already_completed"


def test_a_proposal_that_is_sent_twice_is_one(two_look, alice, chief):
    task, form = two_look(), uuid4()

    first = propose(task, alice, submission_id=form)
    again = inbox.complete(
        task, user=alice, outcome="approve", data=LOW, comment="looks good", submission_id=form
    )

    assert first == again
    with pytest.raises(TaskConflict) as refused:
        inbox.complete(task, user=alice, outcome="approve", data=LOW)
    assert refused.value.code == "wrong_state"
    typed = {"comment": ["late"]}
    assert inbox.save_draft(task, user=alice, data=typed, submission_id=form, draft_rev=0) is None
    assert not TaskDraft.objects.exists()


def test_what_is_approved_must_be_what_was_seen(two_look, alice, chief):
    task = two_look()
    propose(task, alice)
    inbox.claim(task, user=chief)
    HumanTask.objects.update(data_rev=2)

    with pytest.raises(TaskConflict) as refused:
        inbox.approve(task, user=chief, data_rev=1)

    assert refused.value.code == "stale"


def test_a_cancel_closes_the_check(two_look, alice, chief):
    task = two_look()
    propose(task, alice)
    inbox.claim(task, user=chief)

    get_run(task.run_id).cancel(reason="a duplicate")

    assert now(task).status == "withdrawn"
    assert TaskSeat.objects.get().status == "closed"
    with pytest.raises(TaskConflict) as refused:
        inbox.approve(task, user=chief)
    assert refused.value.code == "withdrawn"


def test_an_operator_skips_what_is_being_checked(two_look, alice, chief, oscar):
    oscar.user_permissions.add(Permission.objects.get(codename="operate_run"))
    task = two_look()
    propose(task, alice)

    inbox.skip(task, user=User.objects.get(pk=oscar.pk), reason="The order is gone")

    assert (now(task).status, TaskSeat.objects.get().status) == ("skipped", "closed")


def test_a_check_ends_when_its_lease_does(two_look, alice, chief, runs):
    task = two_look(type_options={"claim_lease": "5m"})
    propose(task, alice)
    inbox.claim(task, user=chief)
    seat = TaskSeat.objects.get()
    assert seat.expires_at - seat.taken_at == timedelta(minutes=5)

    runs.advance("4m")
    typed = {"comment": ["almost"]}
    inbox.save_draft(task, user=chief, data=typed, submission_id=uuid4(), draft_rev=0)
    runs.advance("4m")
    assert TaskSeat.objects.get().user == chief
    runs.advance("2m")
    inbox.tend()

    assert TaskSeat.objects.get().status == "open"
    assert TaskAudit.objects.latest("id").verb == "lease_expired"
    assert TaskDraft.objects.get().user == chief


def test_a_check_is_given_back(two_look, alice, chief):
    task = two_look()
    propose(task, alice)
    inbox.claim(task, user=chief)

    inbox.release(task, user=chief)

    assert (TaskSeat.objects.get().status, now(task).status) == ("open", "in_review")
    assert list(HumanTask.objects.to_check(chief)) == [task]


def test_a_task_that_moves_to_another_team_is_judged_anew(two_look, alice, chief, carol, person):
    lena = person("lena")
    TeamProfile.objects.create(group=alice.groups.get()).leads.add(lena)
    task = two_look()
    propose(task, alice)

    inbox.move(task, user=lena, to=Group.objects.get(name="editors"))

    assert (now(task).status, now(task).round, TaskSeat.objects.get().status) == (
        "ready",
        2,
        "closed",
    )


def test_the_audit_of_a_check_holds(two_look, alice, chief):
    task = two_look()
    propose(task, alice)
    inbox.claim(task, user=chief)
    inbox.return_proposal(task, user=chief, comment="No")
    inbox.complete(task, user=alice, outcome="approve", data=LOW)
    inbox.claim(task, user=chief)
    inbox.approve(task, user=chief)
    assert list(breaks(HumanTask.objects.all())) == []

    TaskDecision.objects.filter(kind="return").update(comment="Yes")

    assert [one.what for one in breaks(HumanTask.objects.all())] == [
        "the decision was changed or removed"
    ]


def test_who_is_of_a_team_of_checkers_that_was_made_later_keeps_their_seat(two_look, alice, person):
    task = two_look(checker="late-team")
    propose(task, alice)
    late = person("lou", "late-team")
    inbox.claim(task, user=late)

    inbox.tend()

    assert inbox.approve(task, user=late).user == late


def test_next_mode_counts_what_one_checks(two_look, alice, chief, ask):
    checked = two_look(checker="compliance-team")
    propose(checked, alice)
    ReviewerState.objects.create(user=chief, claim_limit=1)
    chief.groups.set(alice.groups.all())
    inbox.claim(checked, user=chief)
    ask(name="free")

    with pytest.raises(NotEligible) as refused:
        inbox.claim_next(user=chief)

    assert refused.value.code == "claim_limit"
