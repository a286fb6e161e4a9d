"""What the client asks of the store: make a run, wake it, cancel it, open it again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Case, F, Value, When

from orchestrator import clock, models, waits
from orchestrator.core.errors import ActionRefused, IdempotencyConflict, UnknownRun
from orchestrator.core.journal import CANCELLED, FAILED, OPEN, RETRYING
from orchestrator.database import ALIAS, engine_connection, is_postgresql
from orchestrator.models import FINAL, Status
from orchestrator.store import portable, postgresql


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of an event for one run."""

    delivered: bool
    reason: str


def create(run: models.Run, *, delay: timedelta) -> tuple[models.Run, bool]:
    """Insert `run`, due after `delay`; or find the run that has its idempotency key.

    Returns the run, and whether it is new. Joins the caller's transaction. Raises
    IdempotencyConflict when the key is taken by a run with another input.
    """
    if _insert(run, delay):
        return run, True
    known = models.Run.objects.get(workflow=run.workflow, idempotency_key=run.idempotency_key)
    if json.loads(known.input) != json.loads(run.input):
        raise IdempotencyConflict(
            f"{run.workflow}: the key {run.idempotency_key!r} belongs to run {known.id}, "
            "which has another input",
            known.id,
        )
    return known, False


def _insert(run: models.Run, delay: timedelta) -> bool:
    """One statement, so that it needs no transaction of its own. False if the key is taken."""
    connection = engine_connection()
    computed = {
        "created_at": clock.sql(connection),
        "due_at": clock.sql(connection, delay),
    }
    columns, values, params = [], [], []
    for field in models.Run._meta.concrete_fields:
        columns.append(connection.ops.quote_name(str(field.column)))
        if sql := computed.get(field.attname):
            values.append(sql)
            continue
        values.append("%s")
        params.append(field.get_db_prep_save(getattr(run, field.attname), connection))
    statement = (
        f"INSERT INTO {models.Run._meta.db_table} ({', '.join(columns)}) "
        f"VALUES ({', '.join(values)}) "
        "ON CONFLICT (workflow, idempotency_key) DO NOTHING RETURNING id"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.fetchone() is not None


def send(
    run_id: UUID,
    name: str,
    payload: str,
    *,
    correlation: str | None = None,
    event_id: str | None = None,
    sent_by: str = "",
) -> Sent:
    """Put an event into a run's mailbox and wake it, in one transaction (the caller's, if any)."""
    dialect = postgresql if is_postgresql() else portable
    woken, stored = dialect.send(
        run=run_id,
        name=name,
        payload=payload,
        correlation=correlation,
        event_id=event_id,
        sent_by=sent_by,
    )
    if stored:
        return Sent(True, "")
    if woken:
        return Sent(False, "duplicate: an event with this id was sent before")
    status = models.Run.objects.filter(id=run_id).values_list("status", flat=True).first()
    return Sent(False, f"the run has {_ENDED[status]}" if status else "no run has this id")


_ENDED: dict[str, str] = {
    Status.COMPLETED: "completed",
    Status.FAILED: "failed",
    Status.CANCELLED: "been cancelled",
}


def hold(run_id: UUID) -> bool:
    """Lock the run's row until the caller's transaction ends. False if it takes no answers."""
    found = models.Run.objects.filter(id=run_id).exclude(status__in=FINAL)
    if is_postgresql():
        found = found.select_for_update(no_key=True)
    return found.filter(cancel_requested_at=None).exists()


@transaction.atomic(using=ALIAS)
def cancel(run_id: UUID, *, reason: str, note: str) -> bool:
    """Ask a run to stop. What apps have opened for it is withdrawn in the same transaction.

    A run that never started is cancelled at once. False if it had ended or was asked
    before; nothing is changed then. Raises UnknownRun.
    """
    open_runs = models.Run.objects.filter(id=run_id, cancel_requested_at=None).exclude(
        status__in=FINAL
    )
    asked = {"cancel_requested_at": clock.Now(), "cancel_reason": reason, "rev": F("rev") + 1}
    ended = {"status": Status.CANCELLED, "due_at": None, "finished_at": clock.Now()}
    if open_runs.filter(epoch=0).update(epoch=1, **asked, **ended):
        return True
    at_rest = {Status.PAUSED, Status.BLOCKED}
    woken = open_runs.update(
        wake_seq=F("wake_seq") + 1,
        status=Case(When(status__in=at_rest, then=Value(Status.PENDING)), default=F("status")),
        due_at=Case(When(owned=True, then=F("due_at")), default=clock.Now()),
        **asked,
    )
    if not woken:
        return _refuse_unknown(run_id)
    _withdraw_waits(run_id, note)
    return True


def _withdraw_waits(run_id: UUID, note: str) -> None:
    kinds: dict[str, list[str]] = {}
    for kind, key in models.Entry.objects.filter(run_id=run_id, status=OPEN).values_list(
        "kind", "key"
    ):
        kinds.setdefault(kind, []).append(key)
    for name, keys in kinds.items():
        if app := waits.get(name):
            app.closed(waits.Closing(run_id, keys, "cancelled", note))


def _refuse_unknown(run_id: UUID) -> bool:
    if not models.Run.objects.filter(id=run_id).exists():
        raise UnknownRun(f"no run has the id {run_id}")
    return False


@transaction.atomic(using=ALIAS)
def reopen(run_id: UUID) -> None:
    """Let a failed run go on from its failed step, with fresh attempts.

    Recorded results stay. Raises UnknownRun, and ActionRefused with the reason.
    """
    run = models.Run.objects.select_for_update().filter(id=run_id).first()
    if run is None:
        raise UnknownRun(f"no run has the id {run_id}")
    if run.status != Status.FAILED:
        raise ActionRefused(f"only a failed run can be retried; this one is {run.status}")
    _reopen_failed_steps(run)
    models.Run.objects.filter(id=run_id, status=Status.FAILED).update(
        status=Status.PENDING,
        due_at=clock.Now(),
        wake_seq=F("wake_seq") + 1,
        rev=F("rev") + 1,
        error=None,
        finished_at=None,
    )


def _reopen_failed_steps(run: models.Run) -> None:
    key = (run.error or {}).get("key")
    failed = run.entries.filter(key=key, status=FAILED).first() if key else None
    if failed is None:
        # The body itself failed: it is run again over the same journal.
        return
    after = run.entries.filter(cause__gte=failed.seq).exclude(status=CANCELLED)
    if names := list(after.order_by("position").values_list("key", flat=True)[:5]):
        raise ActionRefused(
            f"after {key!r} failed the workflow went on and did {', '.join(names)}. "
            "To retry would do the work that these may have undone."
        )
    # Siblings of a parallel group that failed as well, after the one that ended the run.
    for entry in run.entries.filter(status=FAILED, seq__gte=failed.seq):
        run.entries.filter(key=entry.key, status=FAILED).update(
            status=RETRYING,
            seq=None,
            error=None,
            finished_at=None,
            due_at=None,
            detail=(entry.detail or {}) | {"attempts_before": entry.attempt},
        )
