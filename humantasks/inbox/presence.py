"""Who looks at a task just now. A word to others, and no lock: only a claim keeps others out."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction

from humantasks.inbox import seats
from humantasks.inbox.changing import lease_end, locked
from humantasks.models import HumanTask, Status, TaskPresence
from orchestrator import clock

if TYPE_CHECKING:
    from django.contrib.auth.models import User

# A page shows itself every twenty seconds; two of them may be lost.
PRESENT_FOR = timedelta(seconds=60)
# Two windows of one person need not both write.
FRESH_FOR = timedelta(seconds=10)
FORGOTTEN_AFTER = timedelta(hours=1)


def look(task: HumanTask, *, user: User) -> None:
    """Say that a person has the task before them."""
    mine = TaskPresence.objects.filter(task=task, user=user)
    stale = mine.filter(seen_at__lt=clock.Now(-FRESH_FOR))
    if stale.update(seen_at=clock.Now()) or mine.exists():
        return
    # The first of two windows makes the row.
    row = TaskPresence(task=task, user=user, seen_at=clock.now())
    TaskPresence.objects.bulk_create([row], ignore_conflicts=True)


@transaction.atomic
def stay(task: HumanTask, *, user: User) -> None:
    """Keep a claim, or a seat, for as long again without typing. Raises TaskConflict if it is
    not theirs.
    """
    now = locked(task)
    seats.must_work_on(now, user)
    if now.lease_seconds is None:
        return
    expires_at = lease_end(now, clock.now())
    if now.status == Status.IN_REVIEW:
        seats.of_round(now).filter(user=user).update(expires_at=expires_at)
    else:
        HumanTask.objects.filter(pk=now.pk).update(claim_expires_at=expires_at)


def forget_old() -> None:
    TaskPresence.objects.filter(seen_at__lt=clock.Now(-FORGOTTEN_AFTER)).delete()
