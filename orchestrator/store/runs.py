"""What the client asks of the store: make a run, wake it, cancel it, open it again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from orchestrator import clock, models
from orchestrator.conf import conf
from orchestrator.core import codec
from orchestrator.core.errors import IdempotencyConflict, UndecodableValue
from orchestrator.database import ALIAS, engine_connection, is_postgresql
from orchestrator.infos import FULL
from orchestrator.models import FINAL, Status
from orchestrator.store import portable, postgresql, refusals, tombstones

_TOMBSTONE = 'SELECT 1 FROM orchestrator_tombstone WHERE workflow = %s AND "key" = %s'

# A start finds its key taken, and what has it removed, at most so often in a row.
MAX_TRIES = 3


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of an event for one run."""

    delivered: bool
    reason: str
    # The number of the event.
    event: int | None = None
    # Whose workers are to look at the run.
    queue: str = ""


@dataclass(frozen=True, slots=True)
class Started:
    """A run that was inserted, or found by its key; `is_gone` when only its key is left."""

    run: models.Run
    is_new: bool
    is_gone: bool = False


def create(run: models.Run, *, delay: timedelta | None) -> Started:
    """Insert `run`, due after `delay`; or find the run that has its idempotency key.

    With None it is not due: it waits in the line of its schedule. Joins the caller's
    transaction. Raises IdempotencyConflict when the key is taken by a run with another
    input.
    """
    for _ in range(MAX_TRIES):
        if _insert_with_labels(run, delay):
            return Started(run, True)
        if (found := _find(run)) is not None:
            return found
    raise IdempotencyConflict(f"{run.workflow}: the key {run.idempotency_key!r} changes hands")


def _insert_with_labels(run: models.Run, delay: timedelta | None) -> bool:
    """False if the key is taken, also by a tombstone that was put up this moment."""
    try:
        has_labels = run.attributes or run.tags
        return _insert_both(run, delay) if has_labels else _insert_alone(run, delay)
    except IntegrityError:
        # In the caller's transaction nothing more can be asked: it has to be repeated.
        if run.idempotency_key is None or engine_connection().in_atomic_block:
            raise
        return False


@transaction.atomic(using=ALIAS)
def _insert_both(run: models.Run, delay: timedelta | None) -> bool:
    if is_new := _insert_alone(run, delay):
        keep_labels([run])
    return is_new


def known(run: models.Run) -> Started | None:
    """What has the idempotency key of `run`, if it has one. Raises IdempotencyConflict."""
    return None if run.idempotency_key is None else _find(run)


def _find(run: models.Run) -> Started | None:
    """What the idempotency key of `run` stands for. Raises IdempotencyConflict."""
    assert run.idempotency_key is not None
    key = {"workflow": run.workflow, "idempotency_key": run.idempotency_key}
    known = models.Run.objects.filter(**key).first()
    if known is not None and not known.is_purged:
        return _same(known, run, is_same=_is_same_input(known.input, run.input))
    stone = tombstones.find(run.workflow, run.idempotency_key)
    if stone is None:
        # Its input is not known any more: whoever has the key has the run.
        return Started(known, False) if known is not None else None
    found = known or tombstones.as_run(stone, run.input)
    is_same = stone.input_digest == tombstones.digest(run.input)
    return _same(found, run, is_same=is_same, is_gone=known is None)


def _same(known: models.Run, run: models.Run, *, is_same: bool, is_gone: bool = False) -> Started:
    if not is_same:
        raise IdempotencyConflict(
            f"{run.workflow}: the key {run.idempotency_key!r} belongs to run {known.id}, "
            "which has another input",
            known.id,
        )
    return Started(known, False, is_gone)


def _is_same_input(known: str, given: str) -> bool:
    """Whether two stored inputs are the same value.

    The text may differ where a class has changed since, or the order of keys does.
    """
    try:
        return bool(known == given or codec.decode(known) == codec.decode(given))
    except UndecodableValue:
        return False


def _insert_alone(run: models.Run, delay: timedelta | None) -> bool:
    """One statement, so that it needs no transaction of its own. False if the key is taken."""
    connection = engine_connection()
    computed = {
        "created_at": clock.sql(connection),
        "rated_at": clock.sql(connection) if run.rated_at else "NULL",
        "due_at": "NULL" if delay is None else clock.sql(connection, delay),
    }
    columns, values, params = [], [], []
    for field in models.Run._meta.concrete_fields:
        if field.generated:
            continue
        columns.append(connection.ops.quote_name(str(field.column)))
        if sql := computed.get(field.attname):
            values.append(sql)
            continue
        values.append("%s")
        params.append(field.get_db_prep_save(getattr(run, field.attname), connection))
    where = ""
    if run.idempotency_key is not None:
        where = f"WHERE NOT EXISTS ({_TOMBSTONE})"
        params += [run.workflow, run.idempotency_key]
    statement = (
        f"INSERT INTO {models.Run._meta.db_table} ({', '.join(columns)}) "
        f"SELECT {', '.join(values)} {where or 'WHERE true'} "
        "ON CONFLICT (workflow, idempotency_key) DO NOTHING RETURNING id"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.fetchone() is not None


def create_many(
    rows: Sequence[models.Run], *, delay: timedelta, batch: int
) -> Sequence[models.Run]:
    """Insert new runs, all or none. Raises IdempotencyConflict when a key is taken."""
    at, keys = clock.now(), [row.idempotency_key for row in rows if row.idempotency_key]
    for row in rows:
        row.created_at, row.due_at = at, at + delay
        row.rated_at = row.rated_at and at
    if keys and tombstones.has_any(rows[0].workflow, keys):
        raise IdempotencyConflict("a run with one of these idempotency keys has been, and is gone")
    try:
        with transaction.atomic(using=ALIAS):
            models.Run.objects.bulk_create(rows, batch_size=batch)
            keep_labels(rows)
    except IntegrityError as error:
        raise IdempotencyConflict("a run with one of these idempotency keys exists") from error
    return rows


def keep_labels(rows: Sequence[models.Run]) -> None:
    """Make the attributes and the tags of new runs searchable."""
    models.RunAttribute.objects.bulk_create(
        models.RunAttribute(run_id=row.id, key=key, value=models.attribute_text(value))
        for row in rows
        for key, value in row.attributes.items()
    )
    models.RunTag.objects.bulk_create(
        models.RunTag(run_id=row.id, key=key, value=value)
        for row in rows
        for key, value in models.tag_texts(row.tags)
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
    """Put an event into a run's mailbox and wake it, in one transaction (the caller's, if any).

    A machine that has ended notes it as refused.
    """
    dialect = postgresql if is_postgresql() else portable
    # What the engine sends itself, such as the answer of a child, always has a place.
    is_own = name.startswith("@")
    queue, stored = dialect.send(
        run=run_id,
        room=None if is_own else conf.MAX_MAILBOX,
        name=name,
        payload=payload,
        correlation=correlation,
        event_id=event_id,
        sent_by=sent_by,
    )
    if queue is not None and stored is not None:
        return Sent(True, "", stored, queue)
    if queue is not None:
        return Sent(False, "duplicate: an event with this id was sent before")
    status = models.Run.objects.filter(id=run_id).values_list("status", flat=True).first()
    if status is None:
        return Sent(False, "no run has this id")
    if status not in FINAL:
        return Sent(False, _full())
    because = f"the run has {_ENDED[status]}"
    about: dict[str, Any] = {"event_id": event_id, "sent_by": sent_by}
    if is_own or refusals.note(run_id, name, payload, because=because, **about):
        return Sent(False, because)
    # Somebody has let it go on meanwhile.
    return send(run_id, name, payload, correlation=correlation, **about)


def _full() -> str:
    return f"{FULL}: {conf.MAX_MAILBOX:,} events wait in it (ORCHESTRATOR_MAX_MAILBOX)"


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
