"""Who else has a task before them, as a page says it, and whether the reader's claim is ending."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from humantasks import wording
from humantasks.inbox.audit import label_of
from humantasks.inbox.presence import PRESENT_FOR
from humantasks.models import HumanTask, Status, TaskPresence, TaskSeat
from orchestrator import clock

if TYPE_CHECKING:
    from django.contrib.auth.models import User

# So long before a claim ends its holder is told.
WARNED_BEFORE = timedelta(minutes=2)
MOST_NAMES = 5


def of_task(task: HumanTask, reader: User) -> dict[str, Any]:
    """What the page knows by now: who else looks, and whether the reader's claim is ending."""
    present = TaskPresence.objects.filter(task=task, seen_at__gt=clock.Now(-PRESENT_FOR))
    others = present.exclude(user=reader).select_related("user").order_by("user__username")
    names = [label_of(one.user) for one in others[:MOST_NAMES]] if task.is_open else []
    return {"task": task, "others": names, "here": ", ".join(names), "ends_at": _end(task, reader)}


def _end(task: HumanTask, reader: User) -> str:
    """When the reader's claim ends, if that is soon."""
    ends_at = None
    if task.status == Status.CLAIMED and task.assignee_id == reader.pk:
        ends_at = task.claim_expires_at
    elif task.status == Status.IN_REVIEW and task.lease_seconds is not None:
        seat = task.seats.filter(
            round=task.round, user=reader, status=TaskSeat.Status.TAKEN
        ).first()
        ends_at = seat.expires_at if seat else None
    if ends_at is None or ends_at - clock.now() > WARNED_BEFORE:
        return ""
    return wording.clock_time(ends_at)
