"""Why a verb cannot be done: reads the task as it is now and says who was faster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from humantasks.inbox.audit import label_of
from humantasks.inbox.errors import Code, NotEligible, TaskConflict
from humantasks.models import HumanTask, Status, TaskAudit

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def not_eligible(task: HumanTask, user: User) -> NotEligible | None:
    """The reason why this person may never answer this task; None when they may."""
    if HumanTask.objects.answerable_by(user).filter(pk=task.pk).exists():
        return None
    is_own = HumanTask.objects.excluding(user).filter(pk=task.pk).exists()
    return NotEligible(Code.REQUESTER if is_own else Code.NOT_ELIGIBLE, task)


def conflict(task: HumanTask, user: User, *, held: Code = Code.ALREADY_CLAIMED) -> TaskConflict:
    """What happened to a task that this person took to be free, or theirs.

    `held` is the word for it when somebody else has the task.
    """
    match task.status:
        case Status.CLAIMED | Status.PAUSED:
            return _held(task, user, held)
        case Status.COMPLETED:
            by, is_me = task.completed_by, task.completed_by == user
            return TaskConflict(
                Code.ALREADY_COMPLETED,
                task,
                by=label_of(by) if by else None,
                at=task.closed_at,
                is_me=is_me,
            )
        case Status.EXPIRED:
            return TaskConflict(Code.EXPIRED, task, at=task.closed_at)
        case Status.WITHDRAWN:
            return TaskConflict(
                Code.WITHDRAWN, task, at=task.closed_at, reason=_why_withdrawn(task)
            )
        case Status.READY:
            return _released(task)
    return TaskConflict(Code.WRONG_STATE, task, at=task.closed_at)


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
    last = TaskAudit.objects.filter(task=task).order_by("-seq").first()
    by = (last.actor_label or None) if last else None
    return TaskConflict(Code.NOT_ASSIGNEE, task, by=by, at=last.at if last else None)


def _why_withdrawn(task: HumanTask) -> str:
    last = TaskAudit.objects.filter(task=task, verb="withdrawn").order_by("-seq").first()
    return last.reason if last else ""
