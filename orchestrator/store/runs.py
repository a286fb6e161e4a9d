"""What the client asks of the store: make a run, wake it, cancel it, open it again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import IntegrityError, transaction

from orchestrator import clock, models
from orchestrator.core import codec
from orchestrator.core.errors import IdempotencyConflict, UndecodableValue
from orchestrator.database import ALIAS, engine_connection, is_postgresql
from orchestrator.models import FINAL, Status
from orchestrator.store import portable, postgresql


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of an event for one run. `queue` is whose workers are to look at it."""

    delivered: bool
    reason: str
    queue: str = ""


def create(run: models.Run, *, delay: timedelta | None) -> tuple[models.Run, bool]:
    """Insert `run`, due after `delay`; or find the run that has its idempotency key.

    With None it is not due: it waits in the line of its schedule.

    Returns the run, and whether it is new. Joins the caller's transaction. Raises
    IdempotencyConflict when the key is taken by a run with another input.
    """
    if not run.attributes:
        is_new = _insert(run, delay)
    else:
        with transaction.atomic(using=ALIAS):
            if is_new := _insert(run, delay):
                keep_attributes([run])
    if is_new:
        return run, True
    known = models.Run.objects.get(workflow=run.workflow, idempotency_key=run.idempotency_key)
    if not _is_same_input(known.input, run.input):
        raise IdempotencyConflict(
            f"{run.workflow}: the key {run.idempotency_key!r} belongs to run {known.id}, "
            "which has another input",
            known.id,
        )
    return known, False


def _is_same_input(known: str, given: str) -> bool:
    """Whether two stored inputs are the same value.

    The text may differ where a class has changed since, or the order of keys does.
    """
    try:
        return bool(known == given or codec.decode(known) == codec.decode(given))
    except UndecodableValue:
        return False


def _insert(run: models.Run, delay: timedelta | None) -> bool:
    """One statement, so that it needs no transaction of its own. False if the key is taken."""
    connection = engine_connection()
    computed = {
        "created_at": clock.sql(connection),
        "due_at": "NULL" if delay is None else clock.sql(connection, delay),
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


def create_many(
    rows: Sequence[models.Run], *, delay: timedelta, batch: int
) -> Sequence[models.Run]:
    """Insert new runs, all or none. Raises IdempotencyConflict when a key is taken."""
    at = clock.now()
    for row in rows:
        row.created_at, row.due_at = at, at + delay
    try:
        with transaction.atomic(using=ALIAS):
            models.Run.objects.bulk_create(rows, batch_size=batch)
            keep_attributes(rows)
    except IntegrityError as error:
        raise IdempotencyConflict("a run with one of these idempotency keys exists") from error
    return rows


def keep_attributes(rows: Sequence[models.Run]) -> None:
    """Make the attributes of new runs searchable."""
    models.RunAttribute.objects.bulk_create(
        models.RunAttribute(run_id=row.id, key=key, value=models.attribute_text(value))
        for row in rows
        for key, value in row.attributes.items()
    )


def schema_of(run_id: UUID, event: str) -> str | None:
    """The name of the schema that a run's open wait for this event has; None for none."""
    waits = models.Entry.objects.filter(run_id=run_id, name=event, kind="event", status="open")
    details = waits.order_by("position").values_list("detail", flat=True)
    return next((detail["schema"] for detail in details if detail and "schema" in detail), None)


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
    queue, stored = dialect.send(
        run=run_id,
        name=name,
        payload=payload,
        correlation=correlation,
        event_id=event_id,
        sent_by=sent_by,
    )
    if stored:
        return Sent(True, "", queue)
    if queue is not None:
        return Sent(False, "duplicate: an event with this id was sent before")
    status = models.Run.objects.filter(id=run_id).values_list("status", flat=True).first()
    return Sent(False, f"the run has {_ENDED[status]}" if status else "no run has this id")


_ENDED: dict[str, str] = {
    Status.COMPLETED: "completed",
    Status.FAILED: "failed",
    Status.CANCELLED: "been cancelled",
}


def queue_of(run_id: UUID) -> str:
    """The queue whose workers take the run; "" for the default one, and for no such run."""
    found = models.Run.objects.filter(id=run_id).values_list("queue", flat=True)
    return found.first() or ""


def hold(run_id: UUID) -> bool:
    """Lock the run's row until the caller's transaction ends. False if it takes no answers."""
    found = models.Run.objects.filter(id=run_id).exclude(status__in=FINAL)
    if is_postgresql():
        found = found.select_for_update(no_key=True)
    return found.filter(cancel_requested_at=None).exists()
