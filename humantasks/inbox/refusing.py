"""Why a verb cannot be done: reads the task as it is now and says who was faster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from humantasks.inbox.audit import label_of
from humantasks.inbox.errors import Code, NotEligible, TaskConflict
from humantasks.models import HELD, HumanTask, Status, TaskAudit, TaskDecision, TaskSeat

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def not_eligible(task: HumanTask, user: User) -> NotEligible | None:
    """The reason why this person may never answer this task; None when they may."""
    if HumanTask.objects.answerable_by(user).filter(pk=task.pk).exists():
        return None
    excluded = HumanTask.objects.filter(pk=task.pk).with_exclusion_of(user)
    if (found := excluded.first()) and (why := found.excluded_why):
        return NotEligible(Code.REQUESTER, task, why=why)
    return NotEligible(Code.NOT_ELIGIBLE, task)


def not_reviewer(task: HumanTask, user: User) -> NotEligible | None:
    """The reason why this person may not check this task, or vote on it; None when they may."""
    if HumanTask.objects.reviewable_by(user).filter(pk=task.pk).exists():
        return None
    excluded = HumanTask.objects.filter(pk=task.pk).with_exclusion_of(user)
    if (found := excluded.first()) and (why := found.excluded_why):
        return NotEligible(Code.REQUESTER, task, why=why)
    proposals = TaskDecision.objects.filter(task=task, user=user, kind=TaskDecision.Kind.PROPOSAL)
    if proposals.exists():
        return NotEligible(Code.REQUESTER, task, why="maker")
    is_check = task.seats.filter(round=task.round, role=TaskSeat.Role.CHECKER).exists()
    return NotEligible(Code.NOT_ELIGIBLE, task, why="checker" if is_check else "")


def wrong_state(task: HumanTask) -> TaskConflict:
    """The task is theirs, and not in a state in which this can be done."""
    last = _last(task)
    return TaskConflict(
        Code.WRONG_STATE, task, by=_who(last), at=last.at if last else None, is_me=True
    )


def conflict(task: HumanTask, user: User, *, held: Code = Code.ALREADY_CLAIMED) -> TaskConflict:
    """What happened to a task that this person took to be free, or theirs.

    `held` is the word for it when somebody else has the task.
    """
    if task.status in HELD:
        return _held(task, user, held)
    if task.status == Status.READY:
        return _released(task)
    last = _last(task)
    is_answer = task.status == Status.COMPLETED
    return TaskConflict(
        _ENDS.get(task.status, Code.WRONG_STATE),
        task,
        by=_who(last),
        at=task.closed_at,
        # The comment of a decision stands with the decision.
        reason=last.reason if last and not is_answer else "",
        is_me=bool(last and last.actor_id == user.pk),
    )


# How a task that has ended is called.
_ENDS: dict[str, Code] = {
    Status.COMPLETED: Code.ALREADY_COMPLETED,
    Status.SKIPPED: Code.ALREADY_COMPLETED,
    Status.FAILED: Code.ALREADY_COMPLETED,
    Status.EXPIRED: Code.EXPIRED,
    Status.WITHDRAWN: Code.WITHDRAWN,
}


def _held(task: HumanTask, user: User, code: Code) -> TaskConflict:
    holder = task.assignee
    assert holder is not None
    return TaskConflict(
        code,
        task,
        by=label_of(holder),
        at=task.claimed_at,
        is_me=holder == user,
    )


def _released(task: HumanTask) -> TaskConflict:
    last = _last(task)
    return TaskConflict(Code.NOT_ASSIGNEE, task, by=_who(last), at=last.at if last else None)


def _last(task: HumanTask) -> TaskAudit | None:
    """The last change of the task's state: what people say about it is none."""
    moves = TaskAudit.objects.filter(task=task).exclude(verb__in=["commented", "claim_refused"])
    return moves.order_by("-seq").first()


def _who(entry: TaskAudit | None) -> str | None:
    return (entry.actor_label or None) if entry else None
