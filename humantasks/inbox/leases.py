"""Claims that end by themselves: their holder gives no sign, or may not answer any more."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from humantasks.inbox import audit, seats
from humantasks.inbox.audit import Entry
from humantasks.inbox.changing import give_back, locked
from humantasks.models import HELD, HumanTask, Status, TaskSeat
from humantasks.querysets import TaskQuerySet
from orchestrator import clock

# As many as one look ends; the next look takes the rest.
BATCH = 50


def end_of(task: HumanTask, at: datetime) -> None:
    """Set the task free if its claim has run out and nobody has noticed yet."""
    late = _run_out(at)
    if task.lease_seconds is not None and late.filter(pk=task.pk).exists():
        _free(task, late, "lease_expired")


def end_run_out() -> int:
    """Set free what has run out. How many tasks and seats that were."""
    at = clock.now()
    late = _run_out(at)
    freed = sum(_free(task, late, "lease_expired") for task in late[:BATCH])
    return freed + _free_seats(seats.run_out(at), "lease_expired")


def end_of_strangers() -> int:
    """Set free what is held by people who may not answer it any more. How many."""
    lost = HumanTask.objects.filter(status__in=HELD).held_by_strangers()
    freed = sum(_free(task, lost, "access_lost") for task in lost[:BATCH])
    return freed + _free_seats(seats.of_strangers(), "access_lost")


@transaction.atomic
def _free(task: HumanTask, tasks: TaskQuerySet, verb: str) -> bool:
    """Set one task free, if it is (still) one of `tasks`."""
    now = locked(task)
    if not tasks.filter(pk=task.pk).exists():
        return False
    holder = audit.label_of(now.assignee) if now.assignee else ""
    entry = Entry(verb=verb, actor=None, at=clock.now(), reason=holder)
    give_back(now, entry)
    return True


def _free_seats(found: QuerySet[TaskSeat], verb: str) -> int:
    late = found.select_related("task")
    return sum(_free_seat(seat, found, verb) for seat in late[:BATCH])


@transaction.atomic
def _free_seat(seat: TaskSeat, found: QuerySet[TaskSeat], verb: str) -> bool:
    """Free one seat, if it is (still) one of those."""
    task = locked(seat.task)
    now = found.filter(pk=seat.pk).select_related("user").first()
    if now is None:
        return False
    seats.leave(task, now, verb, clock.now())
    return True


def _run_out(at: datetime) -> TaskQuerySet:
    return HumanTask.objects.filter(claim_expires_at__lt=at, status=Status.CLAIMED)
