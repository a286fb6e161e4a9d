"""The times of a task: counted in its calendar, moved when it waits, acted on when they come."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction

from humantasks.inbox.audit import Entry
from humantasks.inbox.changing import change_locked, locked
from humantasks.models import (
    HumanTask,
    Pause,
    Priority,
    Status,
    TaskCandidate,
    TaskTimer,
    WorkCalendar,
)
from humantasks.reviews import FourEyes
from humantasks.sla import length_of
from humantasks.working import Hours, offset
from orchestrator import clock

logger = logging.getLogger("humantasks")

# As many as one look fires; the next look takes the rest.
BATCH = 50


def hours(name: str) -> Hours | None:
    """The calendar of that name; None, which is around the clock, when there is none."""
    if not name:
        return None
    try:
        return WorkCalendar.objects.get(name=name).counted
    except (WorkCalendar.DoesNotExist, ValueError) as error:
        words = "working calendar %r: %s Times are counted around the clock."
        logger.warning(words, name, error)
        return None


def planned(sla: dict[str, Any] | None, opened_at: datetime) -> dict[str, Any]:
    """What a new task has of its type's times."""
    if sla is None:
        return {}
    counted = hours(sla["calendar"])
    start, due = length_of(sla["start"]), length_of(sla["due"])
    return {
        "calendar": sla["calendar"],
        "start_by": start.after(opened_at, counted) if start else None,
        "due_at": due.after(opened_at, counted) if due else None,
    }


def set_timers(task: HumanTask) -> None:
    """Write down what is to happen after the task is due."""
    steps = (task.sla or {}).get("escalate", [])
    TaskTimer.objects.bulk_create(
        TaskTimer(
            task=task,
            kind=TaskTimer.Kind.ESCALATE,
            n=number,
            after=after,
            team=team,
            fires_at=_fires_at(task, after),
        )
        for number, (after, team) in enumerate(steps, start=1)
    )


def move_timers(task: HumanTask) -> None:
    """The task is due at another time, or never: so is what has not happened yet."""
    for timer in task.timers.filter(fired_at=None):
        TaskTimer.objects.filter(pk=timer.pk).update(fires_at=_fires_at(task, timer.after))


def _fires_at(task: HumanTask, after: str) -> datetime | None:
    if task.due_at is None:
        return None
    return offset(after).after(task.due_at, hours(task.calendar))


def waited(task: HumanTask, at: datetime) -> dict[str, Any]:
    """What changes in a task that has waited for information until `at`: it is due later by
    the wait, in its calendar. What was overdue before stays so.
    """
    counted, since, due = hours(task.calendar), task.paused_at, task.due_at
    if since is None:
        return {}
    if counted is None:
        waits = at - since
        due = due and due + waits
    else:
        waits = counted.between(since, at)
        if due is not None and due > since:
            due = counted.after(at, counted.between(since, due))
    return {
        "due_at": due,
        "paused_seconds": task.paused_seconds + round(waits.total_seconds()),
    }


def working_seconds(task: HumanTask, until: datetime) -> float:
    """How long people had the task, without the time in which it waited for information."""
    counted = hours(task.calendar)
    taken = until - task.created_at
    if counted is not None:
        taken = counted.between(task.created_at, until)
    return max(0.0, taken.total_seconds() - task.paused_seconds)


def fire_due() -> int:
    """Do what its time has come for. How much that was."""
    found = TaskTimer.objects.filter(
        fired_at=None, fires_at__lte=clock.now(), task__closed_at=None
    ).exclude(task__pause_kind=Pause.INFO)
    late = found.select_related("task").order_by("fires_at", "id")
    return sum(_fire(timer) for timer in late[:BATCH])


@transaction.atomic
def _fire(timer: TaskTimer) -> bool:
    """Once, however many look: the task's row is locked, and the timer read again."""
    task, at = locked(timer.task), clock.now()
    due = TaskTimer.objects.filter(pk=timer.pk, fired_at=None, fires_at__lte=at)
    if not task.is_open or task.pause_kind == Pause.INFO or not due.update(fired_at=at):
        return False
    _send_to(task, timer.team)
    level = task.escalation_level + 1
    entry = Entry(
        verb="escalated",
        actor=None,
        at=at,
        code="overdue",
        reason=timer.team,
        changes={"escalation_level": [task.escalation_level, level]},
    )
    priority = max(task.priority, Priority.HIGH)
    change_locked(task, entry, escalation_level=level, priority=priority)
    return True


def _send_to(task: HumanTask, name: str) -> None:
    """The team may answer it, too; or check it, if that is what it waits for."""
    is_check = task.status == Status.IN_REVIEW and isinstance(task.review, FourEyes)
    kind = TaskCandidate.Kind.CHECKER if is_check else TaskCandidate.Kind.CANDIDATE
    name = name.removeprefix("group:")
    group = Group.objects.filter(name=name).first()
    if group is None:
        # A team that is made later under this name gets it.
        TaskCandidate.objects.get_or_create(task=task, kind=kind, name=name)
    else:
        TaskCandidate.objects.get_or_create(
            task=task, kind=kind, group=group, defaults={"name": name}
        )
