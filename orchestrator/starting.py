"""How runs begin. Everything is checked before anything is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from orchestrator import clock, hints, models, payloads
from orchestrator.core import codec
from orchestrator.core.definition import Definition, registry
from orchestrator.core.durations import Duration, duration_option
from orchestrator.core.errors import InvalidInput, TooManyStarts
from orchestrator.core.names import check_priority, check_queue, is_text
from orchestrator.core.notes import check_attributes, check_tags
from orchestrator.database import ALIAS
from orchestrator.models import Status
from orchestrator.run import Run
from orchestrator.store import rates, reopening, runs

MAX_KEY = 255
MAX_BATCH = 500


@dataclass(frozen=True, slots=True)
class Family:
    """Whose child a run is, which wait of the parent it answers, and what a cancel does to it."""

    parent_id: UUID
    parent_key: str
    on_parent_cancel: str


@dataclass(frozen=True, slots=True)
class Timed:
    """The schedule that starts a run, and for which time. In line, it waits for its turn."""

    schedule_id: UUID
    schedule: str
    at: datetime
    in_line: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What may be said of a run when it is started. See `Workflow.start`."""

    idempotency_key: str | None = None
    delay: Duration | None = None
    at: datetime | None = None
    initiator: Any = None
    tags: Mapping[str, Any] | None = None
    attributes: Mapping[str, Any] | None = None
    family: Family | None = None
    forked_from: UUID | None = None
    timed: Timed | None = None
    queue: str | None = None
    priority: int | None = None


def start(
    workflow: str, value: Any, *, version: str | None, options: Options
) -> tuple[Run[Any], bool]:
    """Start a run, or find the one that has its idempotency key; and whether it is new."""
    definition = registry.get(workflow, version)
    new = row(definition, definition.validate_input(value), options)
    try:
        _keep_to_rate(definition, [new])
    except TooManyStarts:
        # It is no start if its run is there already.
        known = runs.known(new)
        if known is None:
            raise
        return Run(known.run, is_gone=known.is_gone), False
    return insert(definition, new, options)


def _keep_to_rate(definition: Definition, new: Sequence[models.Run]) -> None:
    """Let these count as starts. Raises TooManyStarts, and ValueError for too many at once."""
    rate = definition.start_rate
    if rate is None or not new:
        return
    if len(new) > rate.count:
        raise ValueError(
            f"{definition.name} is started at most {rate}, so {len(new):,} at once never may be"
        )
    if (wait := rates.wait_for(definition.name, rate, len(new))) is not None:
        raise TooManyStarts(
            f"{definition.name} is started at most {rate}; the next may be in "
            f"{wait.total_seconds():.1f} s",
            wait,
        )
    for one in new:
        one.rated_at = timezone.now()


def start_encoded(definition: Definition, text: str, options: Options) -> Run[Any]:
    """Start a run whose input was checked and encoded before."""
    run, _ = insert(definition, row(definition, codec.decode(text), options), options)
    return run


def start_many(
    workflow: str, values: Iterable[Any], *, version: str | None, options: Options
) -> list[Run[Any]]:
    """Start a run for each input, in few statements: all of them or none.

    Raises InvalidInput, naming the first input that does not fit, before anything is
    written; and TooManyStarts. Keys made by the workflow's template must be new.
    """
    if options.idempotency_key is not None:
        raise TypeError("many runs have no key in common: give the workflow a template of keys")
    definition = registry.get(workflow, version)
    rows = [
        row(definition, _nth_input(definition, number, value), options)
        for number, value in enumerate(values, start=1)
    ]
    _keep_to_rate(definition, rows)
    started = runs.create_many(rows, delay=delay_of(options), batch=MAX_BATCH)
    if started and not delay_of(options):
        tell_workers(started[-1].id, started[-1].queue)
    return [Run(one) for one in started]


def _nth_input(definition: Definition, number: int, value: Any) -> Any:
    try:
        return definition.validate_input(value)
    except InvalidInput as error:
        raise InvalidInput(f"number {number}: {error}", error.errors) from error


def fork(source: Run[Any], step: str, value: Any, *, initiator: Any) -> Run[Any]:
    """Start a new run that has the results of everything that `source` did before `step`."""
    definition = registry.get(source.workflow, source.version)
    options = Options(
        initiator=initiator,
        tags=source.tags,
        forked_from=source.id,
        queue=source.queue,
        priority=source.priority,
    )
    with transaction.atomic(using=ALIAS):
        new = row(definition, definition.validate_input(value), options)
        # A template would make the key that the source has.
        new.idempotency_key = None
        # The body may have read it before the step.
        new.scheduled_at = source.scheduled_at
        run, _ = insert(definition, new, options)
        reopening.copy_entries(source.id, run.id, step)
    return run.refresh()


def row(definition: Definition, value: Any, options: Options) -> models.Run:
    """The row of a run that is to be inserted. `value` is checked already."""
    family, given, timed = options.family, options.idempotency_key, options.timed
    return models.Run(
        workflow=definition.name,
        version=definition.version,
        status=Status.SCHEDULED if delay_of(options) else Status.PENDING,
        idempotency_key=_template_key(definition, value) if given is None else checked_key(given),
        concurrency_key=definition.permit_for(value),
        initiator=models.initiator_label(options.initiator),
        tags={**definition.tags, **check_tags(options.tags or {})},
        attributes=check_attributes(options.attributes or {}),
        input=payloads.encoded(value, "input", definition.name),
        state=definition.chart.first_state if definition.chart else "",
        parent_id=family.parent_id if family else None,
        parent_key=family.parent_key if family else "",
        on_parent_cancel=family.on_parent_cancel if family else "cancel",
        forked_from_id=options.forked_from,
        queue=_queue(definition, options) or "",
        priority=_priority(definition, options),
        schedule_id=timed.schedule_id if timed else None,
        scheduled_at=timed.at if timed else None,
    )


def _queue(definition: Definition, options: Options) -> str | None:
    if options.queue is None:
        return definition.queue
    check_queue("queue", options.queue)
    return options.queue


def _priority(definition: Definition, options: Options) -> int:
    if options.priority is None:
        return definition.priority
    check_priority("priority", options.priority)
    return options.priority


def _template_key(definition: Definition, value: Any) -> str | None:
    """The key that the workflow's template makes of the input. Raises InvalidInput."""
    key = definition.key_for(value)
    try:
        return checked_key(key)
    except ValueError as error:
        raise InvalidInput(f"{definition.name}: the input makes a wrong key: {error}") from error


def insert(definition: Definition, new: models.Run, options: Options) -> tuple[Run[Any], bool]:
    """Insert the row, and tell the workers. The run, and whether it is new."""
    wait = delay_of(options)
    if options.timed is not None and options.timed.in_line:
        return _insert_in_line(new, options.timed)
    started = runs.create(new, delay=wait)
    if started.is_new and not wait:
        tell_workers(new.id, new.queue)
    return Run(started.run, is_gone=started.is_gone), started.is_new


def _insert_in_line(new: models.Run, timed: Timed) -> tuple[Run[Any], bool]:
    """Insert a run that begins when those of its schedule before it have ended."""
    new.status = Status.SCHEDULED
    wait = {
        "kind": "concurrency",
        "name": timed.schedule,
        "key": "",
        "since": clock.now().isoformat(),
        "until": None,
        "detail": {"limit": 1},
    }
    new.waiting_on = [wait]
    started = runs.create(new, delay=None)
    return Run(started.run), started.is_new


def delay_of(options: Options) -> timedelta:
    """How long from now the run may start."""
    if options.delay is not None and options.at is not None:
        raise ValueError("give delay= or at=, not both")
    if options.delay is not None:
        return duration_option("delay", options.delay)
    if options.at is None:
        return clock.ZERO
    if not isinstance(options.at, datetime):
        raise TypeError(f"at= is a datetime, not {options.at!r}; see also delay=")
    if options.at.tzinfo is None:
        raise ValueError(f"at= needs a time zone: {options.at!r}")
    return max(options.at - clock.now(), clock.ZERO)


def checked_key(key: str | None) -> str | None:
    """`key` if it can be stored. Raises ValueError."""
    if key is None:
        return None
    if not is_text(key) or len(key) > MAX_KEY:
        raise ValueError(f"a key is a text of 1 to {MAX_KEY} characters, not {key!r}")
    return key


def tell_workers(run_id: UUID, queue: str | None = None) -> None:
    """Hint at a due run of `queue` when the transaction has committed. None: it is looked up."""
    queue = runs.queue_of(run_id) if queue is None else queue
    # robust: a hint that fails must not make the caller believe that its data is lost.
    transaction.on_commit(lambda: hints.send(run_id, queue), using=ALIAS, robust=True)
