"""Letting a run that failed go on, or begin anew."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.db.models import F, Max, Subquery

from orchestrator import clock, models
from orchestrator.core.checkpoints import Checkpoint
from orchestrator.core.errors import ActionRefused, UnknownRun
from orchestrator.core.journal import CANCELLED, FAILED, RETRYING
from orchestrator.database import ALIAS
from orchestrator.models import Status


@transaction.atomic(using=ALIAS)
def reopen(run_id: UUID) -> None:
    """Let a failed run go on from its failed step, with fresh attempts.

    Recorded results stay. Raises UnknownRun, and ActionRefused with the reason.
    """
    run = _locked(run_id)
    if run.status != Status.FAILED:
        raise ActionRefused(f"only a failed run can be retried; this one is {run.status}")
    if (run.error or {}).get("timed_out"):
        raise ActionRefused("the run's time is over; fork it instead")
    if names := consequences(run):
        raise ActionRefused(
            f"after {(run.error or {}).get('key')!r} failed the workflow went on and did "
            f"{', '.join(names)}. "
            "To retry would leave undone what these have undone: go on from an earlier step "
            "(retry_from), or fork it."
        )
    _reopen_failed_steps(run)
    _make_due(run_id)


def consequences(run: models.Run) -> list[str]:
    """What the body asked for after it had seen the failure that ended it."""
    failed = run.entries.filter(key=(run.error or {}).get("key"), status=FAILED)
    since = Subquery(failed.values("seq")[:1])
    after = run.entries.filter(cause__gte=since).exclude(status=CANCELLED)
    return list(after.order_by("position").values_list("key", flat=True)[:5])


def reopen_in_place(run_id: UUID, *, anew: bool) -> None:
    """Prepare a run that will be tried again: its failed steps, or all of it."""
    run = models.Run.objects.get(id=run_id)
    if anew:
        run.entries.all().delete()
        models.Run.objects.filter(id=run_id).update(generation=F("generation") + 1, checkpoint=None)
    else:
        _reopen_failed_steps(run)


@transaction.atomic(using=ALIAS)
def reopen_from(run_id: UUID, key: str) -> None:
    """Let a run that has failed or was cancelled go on from step `key`, executing it again.

    What was asked for after it is forgotten. Raises UnknownRun and ActionRefused.
    """
    run = _locked(run_id)
    if run.status not in (Status.FAILED, Status.CANCELLED):
        raise ActionRefused(
            "only a run that failed or was cancelled can go on from a step; "
            f"this one is {run.status}"
        )
    cut = _cut(run, key)
    run.entries.filter(cause__gt=cut).delete()
    run.entries.filter(key=key).delete()
    run.entries.filter(key__startswith="@cancel").delete()
    models.Run.objects.filter(id=run_id).update(
        cancel_requested_at=None, cancel_reason="", generation=F("generation") + 1
    )
    _make_due(run_id)


@transaction.atomic(using=ALIAS)
def copy_entries(source_id: UUID, target_id: UUID, key: str) -> None:
    """Give a fork the results of everything that its source asked for before step `key`."""
    source = _locked(source_id)
    if source.state:
        raise ActionRefused("a state machine cannot be forked; start another one")
    cut = _cut(source, key)
    kept = source.entries.filter(cause__lte=cut).exclude(key=key).exclude(seq=None)
    copies = [_copy(entry, target_id) for entry in kept.exclude(kind="cancel")]
    models.Entry.objects.bulk_create(copies)
    last = max((entry.seq or 0 for entry in copies), default=0)
    # A first claim loads no journal; this one has one to load.
    models.Run.objects.filter(id=target_id).update(seq=last, epoch=1)


def _copy(entry: models.Entry, run_id: UUID) -> models.Entry:
    values = {
        field.attname: getattr(entry, field.attname)
        for field in models.Entry._meta.concrete_fields
        if field.attname != "pk"
    }
    return models.Entry(**values | {"run_id": run_id})


def _cut(run: models.Run, key: str) -> int:
    entry = run.entries.filter(key=key).first()
    if entry is None:
        keys = ", ".join(run.entries.order_by("position").values_list("key", flat=True)[:20])
        raise ActionRefused(f"the run has no step {key!r}. It has: {keys or 'none'}")
    known = Checkpoint.of(run.checkpoint)
    # What it asked for when it had come to rest there may be asked for again.
    if known is not None and entry.position <= known.position and entry.cause < known.seq:
        raise ActionRefused(
            f"the machine has taken transitions since {key!r}, which cannot be taken back"
        )
    return entry.cause


def _locked(run_id: UUID) -> models.Run:
    run = models.Run.objects.select_for_update(no_key=True).filter(id=run_id).first()
    if run is None:
        raise UnknownRun(f"no run has the id {run_id}")
    if run.is_purged:
        raise ActionRefused("its input and results were removed by retention: start a new run")
    return run


def _failed_entry(run: models.Run) -> models.Entry | None:
    key = (run.error or {}).get("key")
    return run.entries.filter(key=key, status=FAILED).first() if key else None


def _reopen_failed_steps(run: models.Run) -> None:
    failed = _failed_entry(run)
    if failed is None:
        # The body itself failed: it is run again over the same journal.
        return
    # Siblings of a parallel group too, that failed after the one that ended the run.
    for entry in run.entries.filter(status=FAILED, seq__gte=failed.seq):
        run.entries.filter(key=entry.key, status=FAILED).update(
            status=RETRYING,
            seq=None,
            error=None,
            finished_at=None,
            due_at=None,
            detail=(entry.detail or {}) | {"attempts_before": entry.attempt},
        )


def _make_due(run_id: UUID) -> None:
    last = models.Entry.objects.filter(run_id=run_id).aggregate(last=Max("seq"))["last"] or 0
    models.Run.objects.filter(id=run_id).update(
        status=Status.PENDING,
        due_at=clock.Now(),
        wake_seq=F("wake_seq") + 1,
        rev=F("rev") + 1,
        seq=last,
        error=None,
        output=None,
        finished_at=None,
    )
