"""What `orchestrator.testing` asks of the store."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Max

from orchestrator import clock, models
from orchestrator.store import steps

# How far ahead of the database an estimate can be: as long as a statement takes.
AHEAD = timedelta(seconds=5)


def expire_leases() -> int:
    """End every lease now, as time would. Returns how many runs were held."""
    steps.expire_leases()
    return models.Run.objects.filter(owned=True).update(due_at=clock.Now())


def latest_instant() -> datetime:
    """Now, or the latest instant of a journal: a worker's estimate is a little ahead.

    What is further ahead is of another clock, which a test has moved.
    """
    now = clock.now()
    began, ended = (
        models.Entry.objects.filter(**{f"{name}__range": (now, now + AHEAD)}).aggregate(Max(name))
        for name in ("started_at", "finished_at")
    )
    failed = models.Attempt.objects.filter(finished_at__range=(now, now + AHEAD))
    found: list[datetime | None] = [
        *began.values(),
        *ended.values(),
        *failed.aggregate(Max("finished_at")).values(),
    ]
    return max([now, *(one for one in found if one is not None)])
