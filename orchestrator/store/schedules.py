"""Schedules as they are stored. What becomes of a time is decided by whoever is first.

Each change names the `rev` that its author has read, so of any number of workers that see
the same time one decides it, in the transaction that starts its run.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from orchestrator import clock
from orchestrator.core.scheduling import Due, Wanted
from orchestrator.database import ALIAS
from orchestrator.models import UNFINISHED, Run, Schedule, Source, Status

# How many due schedules are looked at in one go.
BATCH = 20

# After a time whose run could not be started.
RETRY_AFTER = timedelta(seconds=30)

# A declaration that was gone for less than this (an old worker started again in the middle
# of a deploy) goes on as if it had always been there.
BACK_SOON = timedelta(hours=1)

# A run that waits until the ones before it have ended: it has no time at which to look.
IN_LINE = Q(status=Status.SCHEDULED, due_at__isnull=True)


# ---- the sweep ---------------------------------------------------------------------------


def are_there_any() -> bool:
    """Whether there is anything to sweep: most projects and most tests have no schedule."""
    return Schedule.objects.exists()


def due(workflows: Collection[str]) -> list[Schedule]:
    """The schedules of these workflows whose time has come, the most overdue first."""
    found = Schedule.objects.filter(due_at__lte=clock.Now(), workflow__in=workflows)
    return list(found.order_by("due_at")[:BATCH])


def next_due(workflows: Collection[str]) -> datetime | None:
    """When the next schedule of these workflows falls due; None when none will."""
    found = Schedule.objects.filter(due_at__isnull=False, workflow__in=workflows)
    return found.order_by("due_at").values_list("due_at", flat=True).first()


def take(row: Schedule, due: Due, *, started: int, skipped: int) -> bool:
    """Decide what becomes of times that are due. False if somebody else was first."""
    return _change(
        row,
        last_at=due.last_at,
        next_at=due.next_at,
        due_at=due.next_at,
        started=F("started") + started,
        skipped=F("skipped") + skipped,
        missed=F("missed") + due.missed,
        error="",
    )


def postpone(row: Schedule, error: str) -> bool:
    """Look again later: the run could not be started."""
    return _change(row, due_at=clock.Now(RETRY_AFTER), error=error)


def is_busy(schedule_id: UUID) -> bool:
    """Whether a run of the schedule has not ended, or waits in line."""
    return Run.objects.filter(schedule=schedule_id, status__in=UNFINISHED).exists()


def lines() -> list[Schedule]:
    """The schedules with runs in line and none before them."""
    of_it = Run.objects.filter(schedule=OuterRef("pk"), status__in=UNFINISHED)
    waiting, before = Exists(of_it.filter(IN_LINE)), Exists(of_it.exclude(IN_LINE))
    return list(Schedule.objects.filter(waiting, ~before, paused_at=None)[:BATCH])


@transaction.atomic(using=ALIAS)
def call_next(row: Schedule) -> UUID | None:
    """Let the first run in the line of a schedule begin. None if somebody else was first."""
    if not _change(row):
        return None
    line = Run.objects.filter(IN_LINE, schedule=row).order_by("scheduled_at", "id")
    first = line.values_list("id", flat=True).first()
    if first is None:
        return None
    begun = Run.objects.filter(IN_LINE, id=first).update(
        status=Status.PENDING,
        due_at=clock.Now(),
        waiting_on=[],
        waiting_since=None,
        rev=F("rev") + 1,
    )
    return first if begun else None


def _change(row: Schedule, **changes: Any) -> bool:
    mine = Schedule.objects.filter(id=row.id, rev=row.rev)
    return bool(mine.update(rev=F("rev") + 1, **changes))


# ---- definitions -------------------------------------------------------------------------


@transaction.atomic(using=ALIAS)
def put(wanted: Wanted, source: Source) -> Schedule | None:
    """Make the schedule be as it is wanted: new, changed or back again.

    None, and nothing is changed, when code has declared what an operator wants to change.
    """
    now = clock.now()
    next_at = wanted.timing.after(now)
    new = Schedule(created_at=now, next_at=next_at, due_at=next_at, **_definition(wanted, source))
    Schedule.objects.bulk_create([new], ignore_conflicts=True)
    row = _locked(Schedule.objects.filter(name=wanted.name)).get()
    if row.source == Source.CODE and row.ended_at is None and source != Source.CODE:
        return None
    if changes := _changes(row, wanted, source, now):
        Schedule.objects.filter(id=row.id).update(rev=F("rev") + 1, error="", **changes)
        row.refresh_from_db()
    return row


def _definition(wanted: Wanted, source: Source) -> dict[str, Any]:
    return {
        "name": wanted.name,
        "source": source,
        "module": wanted.module,
        "workflow": wanted.workflow,
        "input": wanted.input,
        "cron": wanted.timing.cron,
        "every": wanted.timing.every,
        "tz": wanted.timing.tz,
        "overlap": wanted.overlap,
        "catch_up": wanted.catch_up,
    }


def _changes(row: Schedule, wanted: Wanted, source: Source, now: datetime) -> dict[str, Any]:
    definition = _definition(wanted, source)
    changes = {name: value for name, value in definition.items() if getattr(row, name) != value}
    is_back_late = row.ended_at is not None and now - row.ended_at > BACK_SOON
    next_at = row.next_at
    if is_back_late or row.timing != wanted.timing:
        next_at = changes["next_at"] = wanted.timing.after(now)
    if changes or row.ended_at is not None:
        changes["due_at"] = None if row.paused_at else next_at
        changes["ended_at"] = None
    return changes


def end_others(names: Collection[str], *, is_ours: Callable[[Schedule], bool]) -> list[str]:
    """End what code has declared and, by these names, does not any more. Their names."""
    declared = Schedule.objects.filter(source=Source.CODE, ended_at=None)
    gone = [row for row in declared.exclude(name__in=names) if is_ours(row)]
    return [row.name for row in gone if _change(row, ended_at=clock.Now(), due_at=None)]


# ---- what operators do -------------------------------------------------------------------


def pause(name: str, *, by: str, reason: str) -> bool:
    """Start no further run. False if it is paused already, or has ended."""
    active = Schedule.objects.filter(name=name, paused_at=None, ended_at=None)
    note = {"paused_by": by, "pause_reason": reason}
    changed = active.update(rev=F("rev") + 1, due_at=None, paused_at=clock.Now(), **note)
    return bool(changed)


@transaction.atomic(using=ALIAS)
def resume(name: str) -> bool:
    """Go on with the next time from now. False if it is not paused, or has ended."""
    paused = Schedule.objects.filter(name=name, paused_at__isnull=False, ended_at=None)
    row = _locked(paused).first()
    if row is None:
        return False
    next_at = row.timing.after(clock.now())
    note = {"paused_at": None, "paused_by": "", "pause_reason": ""}
    return _change(row, next_at=next_at, due_at=next_at, error="", **note)


def delete(name: str) -> bool:
    """End a schedule for good. Its history stays. False if it has ended."""
    going = Schedule.objects.filter(name=name, ended_at=None)
    note = {"paused_at": None, "paused_by": "", "pause_reason": ""}
    return bool(going.update(rev=F("rev") + 1, due_at=None, ended_at=clock.Now(), **note))


def _locked(rows: QuerySet[Schedule]) -> QuerySet[Schedule]:
    # SQLite has no row locks: its transaction has locked all of it.
    return rows.select_for_update(no_key=True)
