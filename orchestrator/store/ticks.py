"""What a tick asks of the store: claim, load, save, heartbeat, give back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from types import ModuleType
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q

from orchestrator import clock, failpoints, models
from orchestrator.core.journal import Entry, History
from orchestrator.database import ALIAS, is_postgresql
from orchestrator.models import Status
from orchestrator.store import (
    broadcasts,
    permits,
    portable,
    portable_claims,
    postgresql,
    postgresql_claims,
    sides,
)
from orchestrator.store.records import Beat, Claim, Mail, Queues, Save, Saved
from orchestrator.store.workers import Code

# What became due so shortly ago may have been missed by a claim.
JUST = timedelta(milliseconds=50)

# Replaced in tests that run the portable statements on PostgreSQL.
FUSED = True

_ENTRY_FIELDS = [
    "key",
    "kind",
    "name",
    "position",
    "cause",
    "seq",
    "status",
    "attempt",
    "value",
    "error",
    "detail",
    "due_at",
    "started_at",
    "finished_at",
]


def _dialect() -> ModuleType:
    # The fused statement has no room for a failpoint between its fence and its records.
    fused = FUSED and is_postgresql() and not failpoints.is_armed("in_tx_after_fence")
    return postgresql if fused else portable


def _claims() -> ModuleType:
    return postgresql_claims if FUSED and is_postgresql() else portable_claims


def claim(
    *,
    limit: int,
    lease: timedelta,
    worker: str,
    known: Sequence[tuple[str, str]],
    queues: Queues = None,
    step: timedelta = clock.ZERO,
) -> list[Claim]:
    """Take up to `limit` due runs of known workflows in these queues. One statement.

    The oldest come first, where one more in priority counts as `step` more of waiting. A
    run that another worker holds is due only when its lease has run out.
    """
    claims: list[Claim] = _claims().claim(
        limit=limit, lease=lease, worker=worker, queues=queues, known=known, step=step
    )
    return claims


def claim_blocked(
    *, limit: int, lease: timedelta, worker: str, codes: Sequence[Code], queues: Queues = None
) -> list[Claim]:
    """Take up to `limit` blocked runs that other code than this could not carry on."""
    claims: list[Claim] = _claims().claim_blocked(
        limit=limit, lease=lease, worker=worker, queues=queues, codes=codes
    )
    return claims


def load_journals(claims: Iterable[Claim]) -> dict[UUID, History]:
    """The journals of claimed runs. Only after the claim: before it another may still write."""
    wanted = [claim for claim in claims if not claim.is_first]
    entries: dict[UUID, list[Entry]] = {claim.run_id: [] for claim in wanted}
    if wanted:
        rows = models.Entry.objects.filter(_needed(wanted)).values_list("run_id", *_ENTRY_FIELDS)
        for run_id, *values in rows:
            entries[run_id].append(Entry(**dict(zip(_ENTRY_FIELDS, values, strict=True))))
    return {run_id: History.of(found) for run_id, found in entries.items()}


def _needed(claims: Sequence[Claim]) -> Q:
    """The entries that replays need: all, or what came after a run's checkpoint."""
    needed = Q(run_id__in=[claim.run_id for claim in claims if claim.checkpoint is None])
    for claim in claims:
        if (known := claim.checkpoint) is not None:
            needed |= Q(run_id=claim.run_id, position__gt=known.position)
            needed |= Q(run_id=claim.run_id, key__in=known.kept)
    return needed


def load_mail(run_ids: Sequence[UUID]) -> dict[UUID, list[Mail]]:
    """The events of these runs that no wait has consumed, in their order."""
    mail: dict[UUID, list[Mail]] = {run_id: [] for run_id in run_ids}
    if run_ids:
        rows = (
            models.Event.objects.filter(run_id__in=run_ids, consumed_at=None)
            .order_by("id")
            .values_list("run_id", "id", "name", "correlation", "payload", "sent_by", "created_at")
        )
        for run_id, number, name, correlation, payload, sent_by, at in rows:
            mail[run_id].append(Mail(number, name, correlation, payload, sent_by, at))
    return mail


def save(saves: Sequence[Save], *, worker: str) -> dict[UUID, Saved]:
    """Record all of it in one transaction, each run fenced by its epoch.

    A run that is missing in the answer belongs to another worker now (or was cancelled):
    nothing was written for it. One statement on PostgreSQL, unless an app's waits open
    or close: their side is written in the same transaction.
    """
    if not saves:
        return {}
    if not any(one.has_sides for one in saves):
        return _by_id(_dialect().save(saves, worker=worker))
    with transaction.atomic(using=ALIAS):
        sides.lock_parents(saves)
        saved = _by_id(_dialect().save(saves, worker=worker))
        for one in saves:
            answer = saved.get(one.claim.run_id)
            if answer is not None and sides.write(one, answer.at):
                saved[one.claim.run_id] = replace(answer, is_due=True)
    return saved


def _by_id(saved: list[Saved]) -> dict[UUID, Saved]:
    return {one.run_id: one for one in saved}


def beat(runs: Sequence[tuple[UUID, int, str | None]], *, lease: timedelta) -> list[Beat]:
    """Extend the leases of `(run, epoch, steps in flight as JSON or None)`.

    A run that is missing in the answer is no longer ours.
    """
    if not runs:
        return []
    beats: list[Beat] = _dialect().beat(runs, lease=lease)
    return beats


def collect(run_id: UUID, names: Iterable[str]) -> bool:
    """Deliver the kept events of these names to a run that has begun to wait for them."""
    return broadcasts.collect(run_id, names)


def reconcile(*, is_start: bool) -> None:
    """Deliver kept events that a worker that died has not, and forget those that are over."""
    broadcasts.reconcile(None if is_start else broadcasts.WINDOW)
    broadcasts.prune()


def take_permit(run_id: UUID, key: str, limit: int) -> bool:
    """Take one of `limit` places among the runs that share `key`; True also if it has one."""
    return permits.take(run_id, key, limit)


def known_results(workflow: str, keys: Sequence[str]) -> dict[str, str]:
    """The first results that were recorded for these idempotency keys of steps."""
    found = models.StepKey.objects.filter(workflow=workflow, key__in=keys)
    return dict(found.values_list("key", "value")) if keys else {}


def give_back(claims: Sequence[Claim]) -> None:
    """Let others have these runs at once: this worker is going away. Not a crash."""
    for one in claims:
        models.Run.objects.filter(id=one.run_id, epoch=one.epoch, owned=True).update(
            owned=False, crashes=0, due_at=clock.Now(), status=Status.PENDING, rev=F("rev") + 1
        )


def next_coming(queues: Queues = None) -> datetime | None:
    """When the next run of these queues falls due that is not due yet; None when none will.

    One that has just become due counts too: it may have been missed by the last claim.
    """
    due_at: datetime | None = _claims().next_coming(queues=queues, tolerance=JUST)
    return due_at


def next_due() -> datetime | None:
    """When the next run falls due; None when none will. One look at an index."""
    return (
        models.Run.objects.filter(due_at__isnull=False)
        .order_by("due_at")
        .values_list("due_at", flat=True)
        .first()
    )


def peek(claim: Claim) -> Saved | None:
    """The run as it is now, if it is still ours; None when it is not."""
    run = models.Run.objects.filter(id=claim.run_id, epoch=claim.epoch, owned=True).first()
    if run is None:
        return None
    return Saved(
        run.id,
        run.wake_seq,
        run.cancel_requested_at,
        run.cancel_reason,
        run.pause_requested,
        False,
        clock.now(),
    )
