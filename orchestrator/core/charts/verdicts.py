"""What is decided of each event, and the record of it.

A decision is recorded before anything follows from it, and a replay takes it from the
record: a guard is asked once.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from orchestrator.core.body import Body
from orchestrator.core.charts import chart as charts
from orchestrator.core.charts.chart import AND, Chart, Edge
from orchestrator.core.charts.moving import Move, move
from orchestrator.core.charts.selecting import Judge, Judged, Signal, select
from orchestrator.core.charts.snapshot import Standing
from orchestrator.core.errors import GuardFailed, NonDeterminism
from orchestrator.core.failures import clean
from orchestrator.core.journal import CANCELLED, COMPLETED, FAILED, REFUSED, TRANSITION, Entry

MAX_TEXT = 1_000
MAX_NAME = 200

# What happens to a machine by itself. That nothing follows from it is not worth a note, but
# for the end of a state, which comes once.
_INSIDE = (charts.ALWAYS, charts.DONE, charts.ERROR)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is decided of a signal: the transitions to take; or why none is."""

    edges: Sequence[Edge] = ()
    judged: Sequence[Judged] = ()
    because: str = ""
    error: GuardFailed | None = None


@dataclass(frozen=True, slots=True)
class Passage:
    """The transitions to take, what that does, and the record of it; empty if none is."""

    edges: Sequence[Edge] = ()
    move: Move = field(default_factory=Move)
    entry: Entry | None = None


def decide(chart: Chart, signal: Signal, standing: Standing) -> Verdict:
    """Judge a signal. Changes nothing."""
    judge = Judge(standing.context, signal.event)
    try:
        edges = select(signal, standing.active, standing.past, judge)
    except GuardFailed as error:
        return Verdict((), judge.judged, str(error), error)
    if edges:
        return Verdict(edges, judge.judged)
    refusals = "; ".join(one.because for one in judge.judged)
    return Verdict((), judge.judged, refusals or _not_taken(chart, signal, standing))


def _not_taken(chart: Chart, signal: Signal, standing: Standing) -> str:
    state, taken = chart.shown(standing.active), chart.takes(standing.active)
    known = f"it takes {', '.join(taken)}" if taken else "it takes no event"
    return f"{state} does not take {signal.event.name}; {known}"


class Ledger:
    """Decides and records, or reads what was decided before."""

    def __init__(self, chart: Chart, body: Body) -> None:
        self._chart = chart
        self._body = body

    def judge(
        self,
        key: str,
        signal: Signal,
        standing: Standing,
        *,
        event_id: int | None = None,
        fault: str = "",
    ) -> Passage:
        """What comes of a signal. `fault` is what is wrong with the event itself, if anything.

        Raises NonDeterminism, and GuardFailed for what happens by itself.
        """
        marks, kind = self._body.history.marks, signal.trigger.kind
        in_vain = f"{key}|{signal.node.order}" if kind == charts.DONE and signal.node else ""
        if in_vain and (known := marks.get(f"@{in_vain}")) is not None:
            return self._recorded(known, signal, standing)
        if (known := marks.get(f"@{key}")) is not None:
            return self._recorded(known, signal, standing)
        verdict = Verdict(because=fault) if fault else decide(self._chart, signal, standing)
        if verdict.edges or kind == charts.ON:
            return self._noted(key, signal, standing, verdict, event_id)
        if verdict.error is not None and kind in _INSIDE:
            raise verdict.error
        if not verdict.judged or (kind in _INSIDE and not in_vain):
            return Passage()
        # What follows by itself may yet be something else, and gets the key.
        return self._noted(in_vain or key, signal, standing, verdict, event_id)

    def _recorded(self, known: Entry, signal: Signal, standing: Standing) -> Passage:
        detail = known.detail or {}
        taken = detail.get("taken", ())
        edges = [self._chart.edges[one] for one in taken if one in self._chart.edges]
        if len(edges) < len(taken):
            gone = ", ".join(set(taken) - self._chart.edges.keys())
            what = f"that {self._chart.name} does not have any more: {gone}"
            raise self._changed(known, what, "no such transition")
        if taken and signal.trigger.kind in _INSIDE and not any(map(signal.fits, edges)):
            return Passage()  # The note is of something else that happened inside.
        planned = move(edges, standing.active, standing.past)
        leads_to = self._chart.shown(planned.applied(standing.active))
        # Regions may have changed places.
        if taken and {*leads_to.split(AND)} != {*detail["to"].split(AND)}:
            what = f"that leads to {detail['to']!r}, and in {self._chart.name} now to {leads_to!r}"
            raise self._changed(known, what, leads_to)
        return Passage(edges, planned, self._mark(known.key, known.name, detail))

    def _changed(self, known: Entry, what: str, got: str) -> NonDeterminism:
        """A transition has begun that today's chart does not have as it was."""
        detail = known.detail or {}
        error = NonDeterminism(
            f"the machine has begun a transition {what}",
            expected=f"{', '.join(detail.get('taken', ()))} to {detail.get('to', '')}",
            got=got,
            position=known.position,
        )
        self._body.stop(error)
        return error

    def _noted(
        self, key: str, signal: Signal, standing: Standing, verdict: Verdict, event_id: int | None
    ) -> Passage:
        planned = move(verdict.edges, standing.active, standing.past)
        trigger = signal.trigger
        label = signal.event.name if trigger.kind == charts.ON else trigger.label
        detail = {
            "event": label,
            "trigger": trigger.kind,
            "id": event_id,
            "from": self._chart.shown(standing.active),
            "to": self._chart.shown(planned.applied(standing.active)),
            "taken": [edge.id for edge in verdict.edges],
            "guards": [shown(one) for one in verdict.judged],
            "because": clean(verdict.because)[:MAX_TEXT],
        }
        entry = self._mark(f"@{key}", label[:MAX_NAME], detail)
        if not verdict.edges:
            self._body.close_mark(entry, REFUSED)
        return Passage(verdict.edges, planned, entry)

    def _mark(self, key: str, name: str, detail: dict[str, Any]) -> Entry:
        return self._body.mark(key, kind=TRANSITION, name=name, detail=detail)

    @contextmanager
    def until_rest(self, passage: Passage, standing: Standing) -> Iterator[None]:
        """Within, all is done that follows from an event. Then its record says where that led."""
        entry = passage.entry if passage.edges else None
        try:
            yield
        except asyncio.CancelledError:
            self._close(entry, CANCELLED)
            raise
        except Exception:
            self._close(entry, FAILED)
            raise
        self._close(entry, COMPLETED, value=json.dumps(self._chart.shown(standing.active)))

    def close(self, passage: Passage) -> None:
        """What the passage asked for is done."""
        self._close(passage.entry, COMPLETED)

    def _close(self, entry: Entry | None, status: str, **fields: Any) -> None:
        if entry is not None:
            self._body.close_mark(entry, status, **fields)


def shown(judged: Judged) -> dict[str, Any]:
    """What a guard has said, as it is recorded."""
    guard, targets = judged.edge.guard, judged.edge.targets
    return {
        "guard": guard.label if guard else "",
        "to": " + ".join(target.id for target in targets),
        "passed": judged.passed,
        "because": clean(judged.because)[:MAX_TEXT],
    }
