"""Taking a task, and giving it back."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from humantasks.inbox import audit, leases, limits, refusing, seats
from humantasks.inbox.audit import Entry
from humantasks.inbox.changing import change, give_back, held_by, locked, must_hold, said
from humantasks.inbox.errors import Code, NotEligible
from humantasks.models import HELD, HumanTask, Status, TaskAudit
from orchestrator import clock

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def claim(task: HumanTask, *, user: User) -> HumanTask:
    """Make the task this person's. Who has it already keeps it.

    Of a task in review it is a seat that they take: to check it, or to vote.

    Raises TaskConflict when somebody was faster, and NotEligible for who must not answer
    it or holds as many as they may. That somebody who is excluded tried is noted in the
    audit.
    """
    try:
        return _claim(task, user)
    except NotEligible as refusal:
        if refusal.code == Code.REQUESTER:
            _note_refusal(task, user, refusal)
        raise


@transaction.atomic
def _claim(task: HumanTask, user: User) -> HumanTask:
    limits.check(task, user)
    at = clock.now()
    leases.end_of(task, at)
    if take(task, user, at):
        return HumanTask.objects.get(pk=task.pk)
    if HumanTask.objects.filter(pk=task.pk, status=Status.IN_REVIEW).exists():
        return seats.take(locked(task), user, at)
    if refusal := refusing.not_eligible(task, user):
        raise refusal
    now = HumanTask.objects.select_related("assignee", "completed_by").get(pk=task.pk)
    if now.status == Status.CLAIMED and now.assignee == user:
        return now
    raise refusing.conflict(now, user)


def take(task: HumanTask, user: User, at: datetime) -> bool:
    """The claim itself: one conditional UPDATE. False when the task is not to be had."""
    return change(
        HumanTask.objects.answerable_by(user).filter(status=Status.READY),
        Entry(verb="claimed", actor=user, at=at),
        from_status=Status.READY,
        to_status=Status.CLAIMED,
        task=task,
        **held_by(user, task, at),
    )


@transaction.atomic
def _note_refusal(task: HumanTask, user: User, refusal: NotEligible) -> None:
    HumanTask.objects.filter(pk=task.pk).update(seq=F("seq") + 1)
    status = HumanTask.objects.values_list("status", flat=True).get(pk=task.pk)
    entry = Entry(verb="claim_refused", actor=user, at=clock.now(), code=refusal.why)
    audit.append(task.pk, entry, from_status=status, to_status=status)


@transaction.atomic
def release(task: HumanTask, *, user: User, reason: str = "") -> HumanTask:
    """Give the task back to its team, or to who had delegated it. The person's draft stays theirs.

    Who has just given it back may do so again. Raises InvalidAnswer when its type asks for
    a reason and there is none, and TaskConflict when the task is not theirs any more.
    """
    now = locked(task)
    if now.status == Status.IN_REVIEW:
        return _leave(now, user, reason.strip())
    if now.status == Status.READY and _was_given_back_by(user, now):
        return now
    must_hold(now, user, *HELD)
    if now.policy.release_reason:
        reason = said(reason, _("Say why you give it back"))
    return give_back(now, Entry(verb="released", actor=user, at=clock.now(), reason=reason.strip()))


def _leave(task: HumanTask, user: User, reason: str) -> HumanTask:
    seats.must_work_on(task, user)
    seat = seats.of(task, user)
    assert seat is not None
    return seats.leave(task, seat, "released", clock.now(), by=user, why=reason)


def _was_given_back_by(user: User, task: HumanTask) -> bool:
    last = TaskAudit.objects.filter(task=task).latest("seq")
    return last.verb == "released" and last.actor_id == user.pk
