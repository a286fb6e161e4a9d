"""What a run shows of itself: its steps, its events, its waits. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from orchestrator import models
from orchestrator.core import codec
from orchestrator.core.charts.chart import AND, Chart
from orchestrator.core.errors import UndecodableValue, UnknownRun
from orchestrator.core.journal import CANCEL, OPEN, QUEUED, REFUSED, STEP, TRANSITION
from orchestrator.machine import Transition
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
            payload=_value(event.payload),
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


def transitions(run: models.Run) -> list[Transition]:
    """What came of each event of a machine, and of each delay, in order. Two queries."""
    entries = models.Entry.objects.filter(run_id=run.id, kind=TRANSITION).order_by("position")
    events = {event.id: event for event in models.Event.objects.filter(run_id=run.id)}
    found = [_transition(entry, events.get(_number(entry) or 0)) for entry in entries]
    if not run.is_final:
        return found
    judged = {one.number for one in found}
    unjudged = [event for number, event in events.items() if number not in judged]
    late = [event for event in unjudged if not event.name.startswith("@")]
    return found + [_came_too_late(run, event) for event in sorted(late, key=lambda one: one.id)]


def some_transitions(
    run: models.Run, *, after: int, size: int
) -> tuple[list[Transition], int | None]:
    """A page of `transitions`, and the place after which the next begins. Three queries.

    The last page also has the events that came too late, as many of them as fit a page.
    """
    entries = models.Entry.objects.filter(run_id=run.id, kind=TRANSITION, position__gt=after)
    found = list(entries.order_by("position")[: size + 1])
    page, more = found[:size], len(found) > size
    shown = _judged(page)
    if more:
        return shown, page[-1].position
    return shown + (_late(run, size) if run.is_final else []), None


def _late(run: models.Run, size: int) -> list[Transition]:
    """What came to a machine that has ended, and was never judged."""
    entries = models.Entry.objects.filter(run_id=run.id, kind=TRANSITION)
    judged = {number for one in entries.only("detail") if (number := _number(one)) is not None}
    events = models.Event.objects.filter(run_id=run.id).exclude(name__startswith="@")
    late = events.exclude(id__in=judged).order_by("id")[:size]
    return [_came_too_late(run, event) for event in late]


def last_transitions(
    run: models.Run, *, before: int | None, size: int
) -> tuple[list[Transition], int | None]:
    """Up to `size` of what a machine has judged, the last first, and where to go on from.

    `before` is what the page before has returned. Two queries.
    """
    entries = models.Entry.objects.filter(run_id=run.id, kind=TRANSITION)
    if before is not None:
        entries = entries.filter(position__lt=before)
    found = list(entries.order_by("-position")[: size + 1])
    return _judged(found[:size]), found[size - 1].position if len(found) > size else None


def _judged(entries: Sequence[models.Entry]) -> list[Transition]:
    """These entries with the events that they came of. One query."""
    numbers = [number for one in entries if (number := _number(one)) is not None]
    events = models.Event.objects.in_bulk(numbers)
    return [_transition(one, events.get(_number(one) or 0)) for one in entries]


def _number(entry: models.Entry) -> int | None:
    """The number of the event that a transition came of."""
    return (entry.detail or {}).get("id")


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


def verdict(run: models.Run, number: int) -> Transition | None:
    """What came of the event with this number; None if it was not judged yet.

    Three queries at most. Reads `run` again.
    """
    entry = models.Entry.objects.filter(run_id=run.id, key=f"@event {number}").first()
    run.refresh_from_db()
    if entry is None and not run.is_final:
        return None
    event = models.Event.objects.filter(id=number, run_id=run.id).first()
    if entry is not None:
        return _transition(entry, event)
    return None if event is None else _came_too_late(run, event)


def number_of(run_id: UUID, event_id: str) -> int | None:
    """The number of the event that was sent to a run with this id."""
    found = models.Event.objects.filter(run_id=run_id, event_id=event_id)
    return found.values_list("id", flat=True).first()


def _transition(entry: models.Entry, event: models.Event | None) -> Transition:
    detail = entry.detail or {}
    is_refused = entry.status == REFUSED
    led_to = _value(entry.value) if entry.value and not is_refused else detail["to"]
    return Transition(
        event=detail["event"],
        from_=detail["from"],
        to=led_to,
        accepted=not is_refused,
        # What guards have said is removed with the payloads.
        refused_because=detail.get("because", ""),
        is_done=entry.status != OPEN,
        guards=tuple(detail.get("guards", ())),
        actor=event.sent_by if event else "",
        payload=_value(event.payload) if event else None,
        sent_at=event.created_at if event else None,
        at=entry.started_at,
        number=detail["id"],
    )


def _came_too_late(run: models.Run, event: models.Event) -> Transition:
    return Transition(
        event=event.name,
        from_=run.state,
        to=run.state,
        accepted=False,
        refused_because=f"the machine had {run.status} before it came to this event",
        actor=event.sent_by,
        payload=_value(event.payload),
        sent_at=event.created_at,
        number=event.id,
    )


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
