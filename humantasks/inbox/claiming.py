"""Taking a task, and giving it back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import F

from humantasks.inbox import audit, refusing
from humantasks.inbox.errors import Code, NotEligible
from humantasks.models import HumanTask, Status, TaskAudit
from orchestrator import clock

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def claim(task: HumanTask, *, user: User) -> HumanTask:
    """Make the task this person's. Who has it already keeps it.

    Raises TaskConflict when somebody was faster, and NotEligible; that the person who
    started the run tried to answer it is noted in the audit.
    """
    try:
        return _claim(task, user)
    except NotEligible as refusal:
        if refusal.code == Code.REQUESTER:
            _note_refusal(task, user)
        raise


@transaction.atomic
def _claim(task: HumanTask, user: User) -> HumanTask:
    at = clock.now()
    mine = HumanTask.objects.answerable_by(user).filter(pk=task.pk, status=Status.READY)
    if mine.update(
        status=Status.CLAIMED,
        assignee=user,
        claimed_at=at,
        unroutable=False,
        seq=F("seq") + 1,
    ):
        audit.append(
            task.pk,
            "claimed",
            at=at,
            actor=user,
            from_status=Status.READY,
            to_status=Status.CLAIMED,
        )
        return HumanTask.objects.get(pk=task.pk)
    if refusal := refusing.not_eligible(task, user):
        raise refusal
    now = HumanTask.objects.select_related("assignee", "completed_by").get(pk=task.pk)
    if now.status == Status.CLAIMED and now.assignee == user:
        return now
    raise refusing.conflict(now, user)


@transaction.atomic
def _note_refusal(task: HumanTask, user: User) -> None:
    HumanTask.objects.filter(pk=task.pk).update(seq=F("seq") + 1)
    status = HumanTask.objects.values_list("status", flat=True).get(pk=task.pk)
    audit.append(
        task.pk,
        "claim_refused",
        at=clock.now(),
        actor=user,
        from_status=status,
        to_status=status,
        code=Code.REQUESTER,
    )


@transaction.atomic
def release(task: HumanTask, *, user: User) -> HumanTask:
    """Give the task back to its team. The person's draft stays theirs.

    Who has just given it back may do so again. Raises TaskConflict when the task is not
    theirs any more.
    """
    at = clock.now()
    mine = HumanTask.objects.filter(pk=task.pk, status=Status.CLAIMED, assignee=user)
    if not mine.update(status=Status.READY, assignee=None, claimed_at=None, seq=F("seq") + 1):
        now = HumanTask.objects.select_related("assignee", "completed_by").get(pk=task.pk)
        if now.status == Status.READY and _was_given_back_by(user, now):
            return now
        raise refusing.conflict(now, user, held=Code.NOT_ASSIGNEE)
    audit.append(
        task.pk,
        "released",
        at=at,
        actor=user,
        from_status=Status.CLAIMED,
        to_status=Status.READY,
    )
    return HumanTask.objects.get(pk=task.pk)


def _was_given_back_by(user: User, task: HumanTask) -> bool:
    last = TaskAudit.objects.filter(task=task).latest("seq")
    return last.verb == "released" and last.actor_id == user.pk
