"""The sweep of schedules: what falls due is decided once, and its runs are started.

Any number of workers may do it side by side. What becomes of a schedule's time is decided
by the one whose UPDATE names the `rev` that it has read, in the transaction that starts the
run. The run's idempotency key is made of the schedule and the time, so that even one that
was decided twice would find the run that it has.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.utils import Error as DatabaseError

from orchestrator import clock, starting
from orchestrator.conf import conf
from orchestrator.core import codec
from orchestrator.core.definition import registry
from orchestrator.core.errors import IdempotencyConflict
from orchestrator.core.failures import clean
from orchestrator.core.scheduling import due_times
from orchestrator.database import ALIAS
from orchestrator.models import Overlap, Schedule
from orchestrator.run import Run
from orchestrator.starting import Options, Timed
from orchestrator.store import schedules as store

logger = logging.getLogger("orchestrator")

# Times of one schedule that are made up for in one transaction.
MAX_TIMES = 100


def fire_due() -> int:
    """Start what has fallen due, and let runs in line begin. How much was done."""
    if not store.are_there_any():
        return 0
    rows = store.due(_workflows())
    now = clock.now() if rows else None
    fired = sum(_fire(row, max(now, row.next_at)) for row in rows if now is not None)
    return fired + sum(_call_next(row) for row in store.lines())


def next_due() -> datetime | None:
    """When the next schedule falls due whose workflow this process knows."""
    return store.next_due(_workflows())


def start(
    row: Schedule,
    at: datetime,
    *,
    in_line: bool,
    initiator: Any = None,
    idempotency_key: str | None = None,
) -> tuple[Run[Any], bool]:
    """Start the run of a schedule for the time `at`, or find it; and whether it is new."""
    options = Options(
        idempotency_key=idempotency_key or f"@schedule {row.id} {at.isoformat()}",
        initiator=initiator or f"schedule {row.name}",
        timed=Timed(row.id, row.name, at, in_line),
    )
    return starting.start(row.workflow, codec.decode(row.input), version=None, options=options)


def start_missing(row: Schedule, at: datetime, **options: Any) -> Run[Any] | None:
    """Start the run of a schedule for the time `at`; None if that has had its run."""
    try:
        run, is_new = start(row, at, **options)
    except IdempotencyConflict:
        # It had its run, with the input that the schedule had then.
        return None
    return run if is_new else None


def _workflows() -> list[str]:
    return sorted({one.name for one in registry})


def _fire(row: Schedule, now: datetime) -> bool:
    try:
        with transaction.atomic(using=ALIAS):
            return _decide(row, now)
    except DatabaseError:
        raise
    except Exception as error:
        # Whatever it is, it is about this schedule and no other. A worker with other code
        # may be able to.
        logger.exception("schedule %s cannot start its run", row.name)
        return store.postpone(row, clean(f"{type(error).__name__}: {error}"))


def _decide(row: Schedule, now: datetime) -> bool:
    """Take the times that are due, and start their runs. False if somebody else was first."""
    due = due_times(
        row.timing,
        row.catch_up,
        next_at=row.next_at,
        now=now,
        grace=conf.SCHEDULE_GRACE,
        limit=MAX_TIMES,
    )
    kept = list(_kept(row, due.times))
    if not store.take(row, due, started=len(kept), skipped=len(due.times) - len(kept)):
        return False
    for at, in_line in kept:
        if start_missing(row, at, in_line=in_line) is None:
            logger.info("schedule %s has had its run for %s", row.name, at)
    return True


def _kept(row: Schedule, times: list[datetime]) -> Iterator[tuple[datetime, bool]]:
    """The times that get a run, each with whether it waits in line."""
    if row.overlap == Overlap.ALLOW:
        yield from ((at, False) for at in times)
        return
    is_busy = bool(times) and store.is_busy(row.id)
    for at in times:
        if not is_busy or row.overlap == Overlap.QUEUE:
            yield at, is_busy
        is_busy = True


def _call_next(row: Schedule) -> bool:
    run_id = store.call_next(row)
    if run_id is not None:
        starting.tell_workers(run_id)
    return run_id is not None
