"""Permits: how many runs that share a concurrency key may be in progress at once.

A run takes one at its first claim and holds it until it ends, whoever executes it. The
rows are the truth: nothing is counted, so nothing drifts.
"""

from __future__ import annotations

from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F

from orchestrator import clock, models
from orchestrator.database import ALIAS
from orchestrator.models import Status


def take(run_id: UUID, key: str, limit: int) -> bool:
    """Take one of `limit` places for a run; True also if it has one already."""
    if models.Permit.objects.filter(run_id=run_id).exists():
        return True
    taken = set(models.Permit.objects.filter(key=key).values_list("slot", flat=True))
    for slot in range(limit):
        if slot in taken:
            continue
        try:
            with transaction.atomic(using=ALIAS):
                models.Permit.objects.create(key=key, slot=slot, run_id=run_id)
        except IntegrityError:
            # Another run was quicker: try the next place.
            continue
        return True
    return False


def release(run_id: UUID) -> None:
    """Give the run's place back, and wake the run that has waited longest for one."""
    permit = models.Permit.objects.filter(run_id=run_id).first()
    if permit is None:
        return
    models.Permit.objects.filter(run_id=run_id).delete()
    waiting = models.Run.objects.filter(
        concurrency_key=permit.key, status=Status.PENDING, owned=False, permit=None
    )
    first = waiting.order_by("id").values_list("id", flat=True).first()
    if first is not None:
        models.Run.objects.filter(id=first, status=Status.PENDING, owned=False).update(
            due_at=clock.Now(), wake_seq=F("wake_seq") + 1
        )
