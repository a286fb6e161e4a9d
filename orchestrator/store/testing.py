"""What `orchestrator.testing` asks of the store."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Max

from orchestrator import clock, models


def expire_leases() -> int:
    """End every lease now, as time would. Returns how many runs were held."""
    return models.Run.objects.filter(owned=True).update(due_at=clock.Now())


def latest_instant() -> datetime:
    """Now, or the latest instant of a journal: a worker's estimate is a little ahead."""
    entries = models.Entry.objects.aggregate(Max("started_at"), Max("finished_at"))
    attempts = models.Attempt.objects.aggregate(Max("finished_at"))
    instants: list[datetime | None] = [*entries.values(), *attempts.values()]
    return max([clock.now(), *(one for one in instants if one is not None)])
