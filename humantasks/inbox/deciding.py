"""Answering a task. The decision, the audit, the engine's event: all of it, or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction

from humantasks import answers
from humantasks.answers import Answer
from humantasks.inbox import checking, recording, refusing, seats, voting
from humantasks.inbox.changing import locked, must_be_judged, must_hold
from humantasks.inbox.errors import Code, TaskConflict
from humantasks.models import HumanTask, Status, TaskDecision
from humantasks.reviews import Quorum
from orchestrator import waits
from orchestrator.core.ids import uuid7

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def complete(
    task: HumanTask,
    *,
    user: User,
    outcome: str,
    data: Mapping[str, Any] | None = None,
    comment: str = "",
    reason_codes: Sequence[str] = (),
    checked: Sequence[str] = (),
    submission_id: UUID | None = None,
    data_rev: int | None = None,
) -> TaskDecision:
    """Answer a task that `user` holds, and wake the run that asked.

    Where the task's type asks for a check, this proposes the answer, and the run waits on;
    where it asks for votes, this is the person's, from the seat that they have taken.

    `checked` names what is ticked of the checklist. The same `submission_id` with the same
    answer gives the first decision again, however often it comes. `data_rev` is that of the
    data which the person saw; without it, any will do.

    Raises InvalidAnswer with what is wrong in the form, TaskConflict when the task is not
    theirs, has ended or was judged on old data, and NotEligible when they may not answer
    it (any more). Nothing is written then.
    """
    answer = answers.check(task, outcome, data, comment.strip(), reason_codes, checked=checked)
    return _decide(task, user, answer, submission_id or uuid7(), data_rev)


def lost(task: HumanTask, *, user: User) -> TaskConflict | None:
    """Why `user` cannot answer the task (any more); None while they hold it.

    To a person with a wrong form this is the bigger news.
    """
    try:
        seats.must_work_on(task, user)
    except TaskConflict as conflict:
        return conflict
    return None


@transaction.atomic
def _decide(
    task: HumanTask, user: User, answer: Answer, submission_id: UUID, data_rev: int | None
) -> TaskDecision:
    # The run's row before the task's, as the engine takes them: whoever cancels the run
    # or lets the wait time out comes wholly before us or wholly after.
    takes_answers = waits.hold(task.run_id)
    now = locked(task)
    if known := TaskDecision.objects.filter(task=now, submission_id=submission_id).first():
        return _again(known, now, user, answer)
    is_vote = now.status == Status.IN_REVIEW and isinstance(now.review, Quorum)
    if is_vote:
        voting.must_have_voice(now, user)
    else:
        must_hold(now, user)
    may = refusing.not_reviewer if is_vote else refusing.not_eligible
    must_be_judged(now, may(now, user), takes_answers=takes_answers, data_rev=data_rev)
    if is_vote:
        return voting.vote(now, user, answer, submission_id)
    if checking.needs_check(now, answer):
        return checking.propose(now, user, answer, submission_id)
    return recording.write(now, user, answer, submission_id)


def _again(known: TaskDecision, task: HumanTask, user: User, answer: Answer) -> TaskDecision:
    """The decision that this form has led to before, if it says the same as then."""
    is_same = (
        known.user_id == user.pk
        and known.outcome == answer.outcome.name
        and known.comment == answer.comment
        and known.reason_codes == answer.reason_codes
        and known.checked == answer.checked
        and known.data == answer.text
    )
    if not is_same:
        raise TaskConflict(Code.IDEMPOTENCY_MISMATCH, task, at=known.decided_at)
    return known
