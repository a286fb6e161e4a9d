"""Seats of a task in review: taken, left and given like tasks are. The task's row is locked."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.contrib.auth.models import Group
from django.db.models import Exists, OuterRef, Q, QuerySet

from humantasks.inbox import audit, refusing
from humantasks.inbox.audit import Entry
from humantasks.inbox.changing import change_locked, lease_end, must_hold
from humantasks.inbox.errors import Code, TaskConflict
from humantasks.models import HumanTask, Status, TaskCandidate, TaskSeat
from humantasks.querysets import named

if TYPE_CHECKING:
    from django.contrib.auth.models import User

OPEN, TAKEN, DONE = TaskSeat.Status.OPEN, TaskSeat.Status.TAKEN, TaskSeat.Status.DONE
_FREE: dict[str, object] = {"status": OPEN, "user": None, "taken_at": None, "expires_at": None}


def make(task: HumanTask, role: TaskSeat.Role, number: int = 1) -> None:
    """Open that many seats in the task's round."""
    TaskSeat.objects.bulk_create(
        TaskSeat(task=task, round=task.round, role=role) for _ in range(number)
    )


def of_round(task: HumanTask) -> QuerySet[TaskSeat]:
    return TaskSeat.objects.filter(task=task, round=task.round)


def of(task: HumanTask, user: User) -> TaskSeat | None:
    """The person's seat in this round, taken or done."""
    return of_round(task).filter(user=user).first()


def must_work_on(task: HumanTask, user: User) -> None:
    """Raises TaskConflict unless the person holds the task, or a seat of it."""
    if task.status != Status.IN_REVIEW:
        must_hold(task, user)
        return
    seat = of(task, user)
    if seat is None or seat.status != TAKEN:
        raise no_seat(task, user)


def no_seat(task: HumanTask, user: User) -> TaskConflict:
    """Who has the seat that this person took to be theirs; or that it is free."""
    holder = of_round(task).filter(status=TAKEN).exclude(user=user).select_related("user").first()
    if holder is None or holder.user is None:
        return refusing.conflict(task, user)
    by = audit.label_of(holder.user)
    return TaskConflict(Code.NOT_ASSIGNEE, task, by=by, at=holder.taken_at)


def take(task: HumanTask, user: User, at: datetime) -> HumanTask:
    """Take a seat. Who has one in this round keeps it.

    Raises NotEligible for who may not, and TaskConflict when all are taken.
    """
    if task.status != Status.IN_REVIEW:
        raise refusing.conflict(task, user)
    if refusal := refusing.not_reviewer(task, user):
        raise refusal
    if of(task, user) is not None:
        return task
    for late in of_round(task).filter(status=TAKEN, expires_at__lt=at):
        task = leave(task, late, "lease_expired", at)
    seat = of_round(task).filter(status=OPEN).order_by("id").first()
    if seat is None:
        raise _all_taken(task, user)
    return _seat(task, seat, user, Entry(verb="claimed", actor=user, at=at, code=seat.role))


def give(task: HumanTask, user: User, to: User, at: datetime, note: str) -> HumanTask:
    """Have `to` sit where a seat is free, else where somebody checks who has not done so yet.

    Raises TaskConflict when all seats of voters are taken.
    """
    if of(task, to) is not None:
        return task
    seat = of_round(task).filter(status=OPEN).order_by("id").first()
    seat = seat or of_round(task).filter(status=TAKEN, role=TaskSeat.Role.CHECKER).first()
    if seat is None:
        raise _all_taken(task, user)
    before = audit.label_of(seat.user) if seat.user else ""
    changes = {"assignee": [before, audit.label_of(to)]}
    entry = Entry(verb="assigned", actor=user, at=at, reason=note, code=seat.role, changes=changes)
    return _seat(task, seat, to, entry)


def leave(
    task: HumanTask,
    seat: TaskSeat,
    verb: str,
    at: datetime,
    *,
    by: User | None = None,
    why: str = "",
) -> HumanTask:
    """Free a seat that is taken."""
    holder = audit.label_of(seat.user) if seat.user else ""
    entry = Entry(verb=verb, actor=by, at=at, code=seat.role, reason=why if by else holder)
    TaskSeat.objects.filter(pk=seat.pk, status=TAKEN).update(**_FREE)
    return change_locked(task, entry)


def close(task: HumanTask) -> None:
    """Nobody sits any more: the round, or the task, has ended."""
    left = of_round(task).filter(status__in=[OPEN, TAKEN])
    left.update(**(_FREE | {"status": TaskSeat.Status.CLOSED}))


def done(task: HumanTask, user: User) -> None:
    """The person has done what they sat down for."""
    of_round(task).filter(user=user).update(status=DONE, expires_at=None)


def run_out(at: datetime) -> QuerySet[TaskSeat]:
    """Seats whose people have given no sign for too long."""
    return TaskSeat.objects.filter(status=TAKEN, expires_at__lt=at)


def of_strangers() -> QuerySet[TaskSeat]:
    """Seats of people who are none of those any more who may sit there."""
    person = OuterRef("user")
    lines = TaskCandidate.objects.filter(task=OuterRef("task"))
    found = lines.filter(named(person))
    checks = Exists(found.filter(kind=TaskCandidate.Kind.CHECKER))
    votes = Exists(found.filter(kind=TaskCandidate.Kind.CANDIDATE))
    is_of_team = Exists(Group.objects.filter(pk=OuterRef("task__team"), user=person))
    is_stranger = (Q(role=TaskSeat.Role.CHECKER) & ~Q(checks)) | (
        Q(role=TaskSeat.Role.VOTER) & ~Q(votes) & ~Q(is_of_team)
    )
    return TaskSeat.objects.filter(Q(user__is_active=False) | is_stranger, status=TAKEN)


def _seat(task: HumanTask, seat: TaskSeat, user: User, entry: Entry) -> HumanTask:
    TaskSeat.objects.filter(pk=seat.pk).update(
        status=TAKEN, user=user, taken_at=entry.at, expires_at=lease_end(task, entry.at)
    )
    return change_locked(task, entry, unroutable=False)


def _all_taken(task: HumanTask, user: User) -> TaskConflict:
    """The last one to sit down was faster."""
    last = of_round(task).exclude(user=None).select_related("user").order_by("-taken_at").first()
    by = audit.label_of(last.user) if last and last.user else None
    return TaskConflict(Code.ALREADY_CLAIMED, task, by=by, at=last.taken_at if last else None)
