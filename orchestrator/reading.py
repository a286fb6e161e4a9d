"""What a run shows of itself: its steps, its events, its waits. Reads only."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from orchestrator import models
from orchestrator.core import codec
from orchestrator.core.errors import UndecodableValue, UnknownRun
from orchestrator.core.journal import CANCEL, STEP
from orchestrator.run import EventInfo, StepInfo, WaitInfo


def refresh(run: models.Run) -> None:
    """Read a run again. Raises UnknownRun."""
    try:
        run.refresh_from_db()
    except models.Run.DoesNotExist:
        raise UnknownRun(f"run {run.id} is gone: retention has removed it") from None


def steps(run: models.Run) -> list[StepInfo]:
    """Everything that the run asked for, in the order in which it asked."""
    entries = models.Entry.objects.filter(run_id=run.id).exclude(kind=CANCEL).order_by("position")
    known = [_step(entry) for entry in entries]
    keys = {one.key for one in known if one.completed_at is not None}
    return known + [_in_flight(one) for one in run.in_flight if one["key"] not in keys]


def events(run: models.Run) -> list[EventInfo]:
    """The events that the run has received, in their order."""
    return [
        EventInfo(
            name=event.name,
            key=event.correlation,
            payload=_value(event.payload),
            received_at=event.created_at,
            consumed_at=event.consumed_at,
            consumed_by=event.consumed_by,
            event_id=event.event_id,
        )
        for event in models.Event.objects.filter(run_id=run.id).order_by("id")
    ]


def waiting_on(run: models.Run) -> list[WaitInfo]:
    """What the run waits for, as it was when it parked."""
    if run.is_final or run.owned:
        return []
    return [
        WaitInfo(
            kind=wait["kind"],
            name=wait["name"],
            key=wait["key"],
            since=_instant(wait["since"]),
            until=_instant(wait["until"]),
            detail=wait.get("detail"),
        )
        for wait in run.waiting_on
    ]


def _step(entry: models.Entry) -> StepInfo:
    return StepInfo(
        key=entry.key,
        name=entry.name,
        kind=entry.kind,
        status=entry.status,
        attempts=entry.attempt,
        started_at=entry.started_at,
        completed_at=entry.finished_at if entry.seq is not None else None,
        result=_value(entry.value),
        error=entry.error,
        details=(entry.detail or {}).get("details") if entry.kind == STEP else None,
    )


def _in_flight(step: dict[str, Any]) -> StepInfo:
    return StepInfo(
        key=step["key"],
        name=step["key"],
        kind="step",
        status="running",
        attempts=step["attempt"],
        started_at=_instant(step["started_at"]),
        completed_at=None,
        details=step.get("details"),
    )


def _value(text: str | None) -> Any:
    """A stored value; its text when today's code cannot read it."""
    if text is None:
        return None
    try:
        return codec.decode(text)
    except UndecodableValue:
        return text


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
