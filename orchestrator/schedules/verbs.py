"""What may be done to schedules. Each verb joins the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from functools import reduce
from itertools import islice
from operator import or_
from typing import Any

from django.db import transaction
from django.db.models import Q

from orchestrator import clock, models
from orchestrator.core.errors import ActionRefused, UnknownSchedule
from orchestrator.core.scheduling import Wanted
from orchestrator.database import ALIAS
from orchestrator.models import Source
from orchestrator.run import Run
from orchestrator.schedules import firing
from orchestrator.schedules.declaring import declared
from orchestrator.schedules.handle import Schedule
from orchestrator.store import schedules as store

MAX_PREVIEW = 1_000
MAX_BACKFILL = 1_000
MAX_REASON = 255


def row_of(name: str) -> models.Schedule:
    """The stored schedule. Raises UnknownSchedule."""
    row = models.Schedule.objects.filter(name=name).first()
    if row is None:
        raise UnknownSchedule(
            f"no schedule is called {name!r}"
            + (": it is stored by `migrate` or a worker's start" if name in declared else "")
        )
    return row


def all_schedules(*, with_ended: bool = False) -> list[Schedule]:
    """Every schedule, by name. One query."""
    found = models.Schedule.objects.order_by("name")
    rows = found if with_ended else found.filter(ended_at=None)
    return [Schedule(row.name, row) for row in rows]


def page(
    *, after: str, size: int, states: Collection[str], workflow: str = ""
) -> list[models.Schedule]:
    """The schedules by name that follow the name `after`, in one of these states. One query."""
    found = models.Schedule.objects.filter(_in_states(states)).order_by("name")
    if after:
        found = found.filter(name__gt=after)
    if workflow:
        found = found.filter(workflow=workflow)
    return list(found[:size])


def _in_states(states: Collection[str]) -> Q:
    is_paused, is_going = Q(paused_at__isnull=False), Q(ended_at=None)
    conditions = {"active": is_going & ~is_paused, "paused": is_going & is_paused}
    return reduce(or_, (conditions.get(one, ~is_going) for one in states))


def put(wanted: Wanted) -> Schedule:
    """Store a schedule that no code declares, or change it. Raises ActionRefused."""
    with transaction.atomic(using=ALIAS):
        row = store.put(wanted, Source.OPERATOR)
        if row is None:
            raise ActionRefused(
                f"the schedule {wanted.name!r} is declared in code ({wanted.module}): change it "
                "there, or choose another name="
            )
    return Schedule(row.name, row)


def preview(row: models.Schedule, count: int, after: datetime | None) -> list[datetime]:
    """The next times of a schedule, in its zone. Raises ValueError."""
    if not 0 < count <= MAX_PREVIEW:
        raise ValueError(f"a preview has 1 to {MAX_PREVIEW} times, not {count}")
    timing, start = row.timing, clock.now() if after is None else _aware("after", after)
    return [time.astimezone(timing.zone) for time in islice(timing.times(start), count)]


def runs(row: models.Schedule, limit: int) -> list[Run[Any]]:
    """The runs of a schedule, the last time first."""
    return [Run(one) for one in row.runs.order_by("-scheduled_at")[:limit]]


def pause(name: str, *, reason: str = "", by: Any = None) -> None:
    """Start no further run. Raises UnknownSchedule and ActionRefused."""
    label = models.initiator_label(by) or ""
    if not store.pause(name, by=label, reason=reason[:MAX_REASON]):
        raise ActionRefused(f"a schedule that {_is(name)} cannot be paused")


def resume(name: str) -> None:
    """Go on with the next time from now. Raises UnknownSchedule and ActionRefused."""
    if not store.resume(name):
        raise ActionRefused(f"a schedule that {_is(name)} cannot be resumed")


def delete(name: str) -> None:
    """End a schedule for good. Raises UnknownSchedule and ActionRefused."""
    if name in declared:
        raise ActionRefused(f"{name} is declared in code: take it out there, or pause it")
    if not store.delete(name):
        raise ActionRefused(f"a schedule that {_is(name)} cannot be deleted")


def trigger(name: str, *, initiator: Any = None, idempotency_key: str | None = None) -> Run[Any]:
    """Start a run now. Raises UnknownSchedule, ActionRefused, and what a start raises."""
    row = row_of(name)
    if row.ended_at is not None:
        raise ActionRefused("a schedule that has ended cannot be triggered")
    run, _ = firing.start(
        row, clock.now(), in_line=False, initiator=initiator, idempotency_key=idempotency_key
    )
    return run


def backfill(name: str, start: datetime, end: datetime, *, initiator: Any = None) -> list[Run[Any]]:
    """Start the runs of the past times from `start` to `end`. Raises as `Schedule.backfill`."""
    row = row_of(name)
    if _aware("end", end) > clock.now():
        raise ValueError(f"a backfill ends in the past: {end} is in the future")
    times = list(islice(row.timing.between(_aware("start", start), end), MAX_BACKFILL + 1))
    if len(times) > MAX_BACKFILL:
        raise ValueError(f"a backfill has at most {MAX_BACKFILL} runs: give a shorter range")
    in_line = row.overlap != models.Overlap.ALLOW
    with transaction.atomic(using=ALIAS):
        made = [firing.start_missing(row, at, in_line=in_line, initiator=initiator) for at in times]
    return [run for run in made if run is not None]


def _aware(what: str, instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError(f"{what}= needs a time zone: {instant!r}")
    return instant


def _is(name: str) -> str:
    state = row_of(name).state
    return "has ended" if state == "ended" else f"is {state}"
