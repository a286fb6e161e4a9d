"""Four eyes: one person proposes, another one approves or returns it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils.translation import gettext as _

from humantasks import answers
from humantasks.answers import Answer
from humantasks.inbox import drafting, recording, refusing, seats
from humantasks.inbox.audit import Entry
from humantasks.inbox.changing import (
    NOT_HELD,
    change_locked,
    exclude,
    held_by,
    locked,
    must_be_judged,
    said,
)
from humantasks.inbox.errors import Code, NotEligible, TaskConflict
from humantasks.models import (
    HumanTask,
    Priority,
    Status,
    TaskCandidate,
    TaskDecision,
    TaskSeat,
    TeamProfile,
)
from humantasks.reviews import FourEyes, Proposal
from orchestrator import clock, waits
from orchestrator.core.ids import uuid7

if TYPE_CHECKING:
    from django.contrib.auth.models import User

logger = logging.getLogger("humantasks")

# What a checker may say to a proposal.
RETURN = "return"


def needs_check(task: HumanTask, answer: Answer) -> bool:
    """Whether somebody else has to look at this answer before it counts."""
    review = task.review
    if not isinstance(review, FourEyes):
        return False
    if review.when is None:
        return True
    try:
        return bool(review.when(Proposal(answer.outcome.name, answer.data, answer.comment)))
    except Exception:
        # In doubt two people look.
        logger.exception("task #%s: when= of its review failed; it is checked", task.ref)
        return True


def propose(task: HumanTask, user: User, answer: Answer, submission_id: UUID) -> TaskDecision:
    """Write down what a person who holds the (locked) task proposes, and open the check."""
    at, kind = clock.now(), TaskDecision.Kind.PROPOSAL
    proposal = recording.record(task, user, answer, submission_id, at=at, kind=kind)
    seats.make(task, TaskSeat.Role.CHECKER)
    now = change_locked(
        task,
        recording.entry_of(task, proposal, "proposed"),
        to_status=Status.IN_REVIEW,
        **NOT_HELD,
    )
    drafting.discard(task, user=user)
    if not HumanTask.objects.people_for(now).exists():
        HumanTask.objects.filter(pk=task.pk).update(unroutable=True)
        logger.warning("task #%s (%s): nobody may check it", task.ref, task.type)
    return proposal


def proposal_of(task: HumanTask) -> TaskDecision | None:
    """What is to be checked in this round."""
    made = TaskDecision.objects.filter(task=task, round=task.round, kind=TaskDecision.Kind.PROPOSAL)
    return made.select_related("user").first()


@transaction.atomic
def approve(
    task: HumanTask,
    *,
    user: User,
    comment: str = "",
    submission_id: UUID | None = None,
    data_rev: int | None = None,
) -> TaskDecision:
    """Let a proposal count: the task ends with its outcome, and the result names both people.

    For who has taken the check, which who proposed it never can. The same `submission_id`
    gives the first approval again. Raises TaskConflict when the check is not theirs (any
    more), the task has ended or was judged on old data, and NotEligible when they may not
    check it (any more).
    """
    if comment.strip():
        comment = said(comment, "", field="comment")
    takes_answers, now = waits.hold(task.run_id), locked(task)
    if known := _known(now, user, submission_id, TaskDecision.Kind.APPROVAL, comment):
        return known
    proposal = _checked(now, user, takes_answers=takes_answers, data_rev=data_rev)
    answer = answers.of_decision(now, proposal)
    said_now = answers.without_data(answer.outcome, comment)
    approval = _record(now, user, said_now, submission_id, TaskDecision.Kind.APPROVAL)
    seats.done(now, user)
    recording.finish(
        now,
        proposal,
        answer,
        recording.entry_of(now, approval, "approved"),
        [proposal, approval],
    )
    return approval


@transaction.atomic
def return_proposal(
    task: HumanTask,
    *,
    user: User,
    comment: str,
    submission_id: UUID | None = None,
    data_rev: int | None = None,
) -> TaskDecision:
    """Send a proposal back to who made it, with what they had filled in, for another round.

    After as many returns as the type allows it does not go back to them: others of the team
    and its leads may take it. Raises as `approve`, and InvalidAnswer without a comment.
    """
    comment = said(comment, _("Say what has to change"), field="comment")
    takes_answers, now = waits.hold(task.run_id), locked(task)
    if known := _known(now, user, submission_id, TaskDecision.Kind.RETURN, comment):
        return known
    proposal = _checked(now, user, takes_answers=takes_answers, data_rev=data_rev)
    outcome = answers.of_decision(now, proposal).outcome
    said_now = answers.without_data(outcome, comment)
    returned = _record(now, user, said_now, submission_id, TaskDecision.Kind.RETURN)
    seats.done(now, user)
    entry = recording.entry_of(now, returned, "returned", code=RETURN)
    review = now.review
    if isinstance(review, FourEyes) and now.round >= review.max_rounds:
        _to_leads(now, proposal.user, entry)
    else:
        _to_maker(now, proposal, entry)
    return returned


def must_not_be_own(task: HumanTask, user: User) -> None:
    """Raises NotEligible for who has proposed what is being checked: nobody decides alone."""
    if task.status != Status.IN_REVIEW:
        return
    proposal = proposal_of(task)
    if proposal is not None and proposal.user_id == user.pk:
        raise NotEligible(Code.REQUESTER, task, why="maker")


def _checked(
    task: HumanTask, user: User, *, takes_answers: bool, data_rev: int | None
) -> TaskDecision:
    """The proposal, or why this person does not check it (now)."""
    seats.must_work_on(task, user)
    proposal = proposal_of(task)
    if task.status != Status.IN_REVIEW or proposal is None:
        raise refusing.wrong_state(task)
    refusal = refusing.not_reviewer(task, user)
    must_be_judged(task, refusal, takes_answers=takes_answers, data_rev=data_rev)
    return proposal


def _record(
    task: HumanTask, user: User, said_now: Answer, submission_id: UUID | None, kind: str
) -> TaskDecision:
    name = submission_id or uuid7()
    return recording.record(task, user, said_now, name, at=clock.now(), kind=kind)


def _known(
    task: HumanTask, user: User, submission_id: UUID | None, kind: str, comment: str
) -> TaskDecision | None:
    """What this form has led to before, if it says the same as then."""
    if submission_id is None:
        return None
    known = TaskDecision.objects.filter(task=task, submission_id=submission_id).first()
    if known and (known.user_id, known.kind, known.comment) != (user.pk, kind, comment):
        raise TaskConflict(Code.IDEMPOTENCY_MISMATCH, task, at=known.decided_at)
    return known


def _to_maker(task: HumanTask, proposal: TaskDecision, entry: Entry) -> None:
    """Round and round: it is theirs again, with what they had filled in."""
    maker, following = proposal.user, task.round + 1
    if refusing.not_eligible(task, maker):
        change_locked(task, entry, to_status=Status.READY, round=following, **_FREE)
        return
    owner = _named(proposal.on_behalf_of)
    fields = held_by(maker, task, entry.at) | {"owner": owner, "round": following}
    change_locked(task, entry, to_status=Status.CLAIMED, **fields)
    drafting.refill(task, proposal)


def _to_leads(task: HumanTask, maker: User, entry: Entry) -> None:
    """They have had their turns: others of the team take it, and its leads may."""
    exclude(task, maker, TaskCandidate.Why.ROUNDS)
    profile = TeamProfile.objects.filter(group=task.team_id).first()
    for lead in profile.leads.filter(is_active=True) if profile else ():
        TaskCandidate.objects.get_or_create(
            task=task,
            kind=TaskCandidate.Kind.CANDIDATE,
            user=lead,
            defaults={"name": lead.get_username()},
        )
    fields = _FREE | {
        "round": task.round + 1,
        "escalation_level": task.escalation_level + 1,
        "priority": max(task.priority, Priority.HIGH),
    }
    change_locked(task, entry, to_status=Status.READY, **fields)


_FREE: dict[str, Any] = NOT_HELD | {"claimed_at": None}


def _named(username: str) -> User | None:
    if not username:
        return None
    people = get_user_model()._default_manager
    return people.filter(**{get_user_model().USERNAME_FIELD: username}, is_active=True).first()
