"""What operators do to schedules: make, change, pause, resume, trigger, make up for, end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import transaction

from orchestrator import models
from orchestrator.core.errors import ActionRefused, InvalidInput, UnknownWorkflow
from orchestrator.core.scheduling import Wanted
from orchestrator.database import ALIAS
from orchestrator.operating.deeds import Deed, Operator, tell
from orchestrator.run import Run
from orchestrator.schedules import verbs

# Says why a schedule (None: there is none) is not the one that its operator meant; "" when
# it is.
Judge = Callable[[models.Schedule | None], str]


@transaction.atomic(using=ALIAS)
def put(
    wanted: Wanted, by: Operator, *, reason: str = "", judge: Judge | None = None
) -> tuple[Deed, bool]:
    """Store a schedule that no code declares, or change it; and whether it is new.

    A refusal is said by the deed: code declares it, or it is not what `judge` expects.
    """
    known = models.Schedule.objects.select_for_update(no_key=True).filter(name=wanted.name)
    row = known.first()
    deed = Deed(operator=by, verb="put schedule", schedule=wanted.name, reason=reason)
    return _act(deed, row, lambda: verbs.put(wanted), judge), row is None


def pause(name: str, by: Operator, *, reason: str = "", judge: Judge | None = None) -> Deed:
    """Start no further run. Raises UnknownSchedule; a refusal is said by the deed."""
    deed = Deed(operator=by, verb="pause schedule", schedule=name, reason=reason)
    return _on(deed, lambda: verbs.pause(name, reason=reason, by=by.label), judge)


def resume(name: str, by: Operator, *, reason: str = "", judge: Judge | None = None) -> Deed:
    """Go on with the next time from now. Raises UnknownSchedule."""
    deed = Deed(operator=by, verb="resume schedule", schedule=name, reason=reason)
    return _on(deed, lambda: verbs.resume(name), judge)


def delete(name: str, by: Operator, *, reason: str = "", judge: Judge | None = None) -> Deed:
    """End a schedule that no code declares. Raises UnknownSchedule."""
    deed = Deed(operator=by, verb="delete schedule", schedule=name, reason=reason)
    return _on(deed, lambda: verbs.delete(name), judge)


def trigger(
    name: str,
    by: Operator,
    *,
    idempotency_key: str | None = None,
    reason: str = "",
    judge: Judge | None = None,
) -> Deed:
    """Start a run of it now; `made` is its id. Raises UnknownSchedule.

    Refused also when today's code is not there or does not take the schedule's input.
    """
    deed = Deed(operator=by, verb="trigger schedule", schedule=name, reason=reason)

    def act() -> Run[Any]:
        return verbs.trigger(name, initiator=by.initiator, idempotency_key=idempotency_key)

    return _on(deed, act, judge)


@transaction.atomic(using=ALIAS)
def backfill(
    name: str, start: datetime, end: datetime, by: Operator, *, reason: str = ""
) -> list[Run[Any]]:
    """Start the runs of the past times from `start` to `end` that had none. Raises
    UnknownSchedule, and ValueError for a range in the future or of too many times.
    """
    made = verbs.backfill(name, start, end, initiator=by.initiator)
    detail = f"{len(made)} runs from {start.isoformat()} to {end.isoformat()}"
    tell(Deed(operator=by, verb="backfill schedule", schedule=name, reason=reason, detail=detail))
    return made


@transaction.atomic(using=ALIAS)
def _on(deed: Deed, act: Callable[[], object], judge: Judge | None) -> Deed:
    verbs.row_of(deed.schedule)
    locked = models.Schedule.objects.select_for_update(no_key=True)
    return _act(deed, locked.get(name=deed.schedule), act, judge)


def _act(
    deed: Deed, row: models.Schedule | None, act: Callable[[], object], judge: Judge | None
) -> Deed:
    """Do it to the schedule that was meant, and tell the witnesses either way."""
    before = row.state if row is not None else ""
    seen = replace(deed, before=before, after=before, is_refused=True)
    if judge is not None and (stale := judge(row)):
        return tell(replace(seen, detail=stale, is_stale=True))
    try:
        with transaction.atomic(using=ALIAS):
            made = act()
    except (ActionRefused, UnknownWorkflow, InvalidInput) as refused:
        return tell(replace(seen, detail=str(refused)))
    run_id = made.id if isinstance(made, Run) else None
    after = models.Schedule.objects.get(name=deed.schedule).state
    return tell(replace(seen, run_id=run_id, made=run_id, after=after, is_refused=False))
