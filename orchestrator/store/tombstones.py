"""Tombstones: what an idempotency key stands for when its run, or the run's input, is gone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from orchestrator.models import Run, Tombstone

# Of the runs that a schedule has started. It does not come back to its times.
OF_SCHEDULES = "@schedule "

# Inputs may be large: so many are in memory at once.
CHUNK = 50


def find(workflow: str, key: str) -> Tombstone | None:
    return Tombstone.objects.filter(workflow=workflow, key=key).first()


def has_any(workflow: str, keys: list[str]) -> bool:
    return Tombstone.objects.filter(workflow=workflow, key__in=keys).exists()


def keep(run_ids: Iterable[UUID], at: datetime) -> None:
    """Keep what the keys of these ended runs stand for. One that has its tombstone keeps it."""
    keyed = Run.objects.filter(id__in=list(run_ids), idempotency_key__isnull=False, is_purged=False)
    keyed = keyed.exclude(idempotency_key__startswith=OF_SCHEDULES)
    stones = [_of(run, at) for run in keyed.iterator(chunk_size=CHUNK)]
    Tombstone.objects.bulk_create(stones, ignore_conflicts=True)


def _of(run: Run, at: datetime) -> Tombstone:
    assert run.idempotency_key is not None
    assert run.finished_at is not None
    return Tombstone(
        workflow=run.workflow,
        key=run.idempotency_key,
        input_digest=digest(run.input),
        run_id=run.id,
        version=run.version,
        status=run.status,
        created_at=run.created_at,
        finished_at=run.finished_at,
        removed_at=at,
    )


def as_run(stone: Tombstone, text: str) -> Run:
    """The run as far as its tombstone knows it, with the input that it had."""
    return Run(
        id=stone.run_id,
        workflow=stone.workflow,
        version=stone.version,
        status=stone.status,
        idempotency_key=stone.key,
        input=text,
        created_at=stone.created_at,
        finished_at=stone.finished_at,
        is_purged=True,
    )


def digest(text: str) -> str:
    """The same for the same stored input, whatever the order of its names."""
    canonical = json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
