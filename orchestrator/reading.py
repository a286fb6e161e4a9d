"""What a run shows of itself: its steps, its events, its waits. Reads only."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from orchestrator import models
from orchestrator.core import codec
from orchestrator.core.charts.chart import AND, Chart
from orchestrator.core.errors import UndecodableValue, UnknownRun
from orchestrator.core.journal import CANCEL, QUEUED, REFUSED_KEY, STEP
from orchestrator.run import EventInfo, StepInfo, WaitInfo


def refresh(run: models.Run) -> None:
    """Read a run again. Raises UnknownRun."""
    try:
        run.refresh_from_db()
    except models.Run.DoesNotExist:
        raise UnknownRun(f"run {run.id} is gone: retention has removed it") from None


def steps(run: models.Run) -> list[StepInfo]:
    """Everything that the run asked for, in the order in which it asked."""
    entries = models.Entry.objects.filter(run_id=run.id).exclude(kind=CANCEL)
    entries = entries.exclude(key__startswith=REFUSED_KEY).order_by("position")
    now = {one["key"]: _in_flight(one) for one in executing(run)}
    known = [_step(entry, now.pop(entry.key, None)) for entry in entries]
    return known + list(now.values())


def waits(run: models.Run) -> list[WaitInfo]:
    """What the run waits for, and of steps that it has handed out who executes them.

    A query more than `waiting_on` for a run that waits for such steps.
    """
    known = waiting_on(run)
    keys = [one.key for one in known if one.kind == STEP]
    places = {task.key: _place(task) for task in handed_out(run).filter(key__in=keys)}
    return [
        replace(one, detail=(one.detail or {}) | places.get(one.key, _ENDED))
        if one.kind == STEP
        else one
        for one in known
    ]


# Its end is reported, and the run has yet to hear of it.
_ENDED = {"state": "ended", "worker": None}


def _place(task: models.StepTask) -> dict[str, Any]:
    if task.owned:
        return {"state": "executing", "worker": task.worker}
    return {"state": "handed_out", "worker": None}


def handed_out(run: models.Run) -> QuerySet[models.StepTask]:
    """The steps that the run waits for and that other workers execute, or are to.

    No query if it waits for none.
    """
    if run.is_final or not any(wait["kind"] == STEP for wait in run.waiting_on):
        return models.StepTask.objects.none()
    return models.StepTask.objects.filter(run_id=run.id).defer("args").order_by("id")


def executing(run: models.Run) -> list[dict[str, Any]]:
    """The steps that have been executing for a while, here or elsewhere: as `Run.in_flight`.

    A query only when the run waits for steps that it has handed out.
    """
    shown = list(run.in_flight) if run.owned else []
    return shown + [
        {
            "key": task.key,
            "attempt": task.number,
            "started_at": (task.started_at or task.created_at).isoformat(),
            "details": task.details,
            "worker": task.worker,
        }
        for task in handed_out(run).filter(owned=True)
    ]


def events(run: models.Run) -> list[EventInfo]:
    """The events that the run has received, in their order."""
    return [
        EventInfo(
            name=event.name,
            key=event.correlation,
            payload=value(event.payload),
            received_at=event.created_at,
            consumed_at=event.consumed_at,
            consumed_by=event.consumed_by,
            event_id=event.event_id,
        )
        for event in models.Event.objects.filter(run_id=run.id)
        .exclude(name__startswith=models.REPORT)
        .order_by("id")
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


def machines(
    chart: Chart, state: str | None, *, status: str | None, limit: int
) -> list[models.Run]:
    """The newest machines of a chart, in a state or with a status. Raises ValueError."""
    found = models.Run.objects.filter(workflow=chart.name)
    if state is not None:
        found = found.filter(is_in(chart, state))
    if status is not None:
        found = found.filter(status=status)
    return list(found.order_by("-id")[:limit])


def is_in(chart: Chart, state: str) -> Q:
    """Machines in this state, or in one inside it. Raises ValueError for one that is none."""
    if state not in chart.nodes or not state:
        names = ", ".join(name for name in chart.nodes if name)
        raise ValueError(f"{chart.name} has no state {state!r}. It has: {names}")
    node = chart.nodes[state]
    if not any(one.kind == "parallel" for one in (*node.walk(), *node.ancestors)):
        return Q(state__in=[one.id for one in node.walk() if one.is_leaf])
    # A machine in parallel regions shows several states, which no index has apart.
    alone = Q(state=state) | Q(state__startswith=f"{state}.")
    for sign in (AND, "."):
        alone |= Q(state__contains=f"{AND}{state}{sign}") | Q(state__startswith=f"{state}{sign}")
    return alone | Q(state__endswith=f"{AND}{state}")


def _step(entry: models.Entry, now: StepInfo | None) -> StepInfo:
    if now is not None and entry.status == QUEUED:
        return replace(now, name=entry.name)
    return StepInfo(
        key=entry.key,
        name=entry.name,
        kind=entry.kind,
        status=entry.status,
        attempts=entry.attempt,
        started_at=entry.started_at,
        completed_at=entry.finished_at if entry.seq is not None else None,
        result=value(entry.value),
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


def value(text: str | None) -> Any:
    """A stored value; its text when today's code cannot read it."""
    if text is None:
        return None
    try:
        return codec.decode(text)
    except UndecodableValue:
        return text


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
