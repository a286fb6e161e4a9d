"""Diagrams of what is registered and of what has run, as text: `mermaid`, `dot` and `svg`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from orchestrator import models
from orchestrator.core.charts.chart import Chart
from orchestrator.core.charts.diagrams import to_svg
from orchestrator.core.charts.dot import to_dot
from orchestrator.core.charts.mermaid import to_mermaid
from orchestrator.core.definition import registry
from orchestrator.core.drawing.picture import Arrow, Box, Picture
from orchestrator.core.drawing.svg import CURRENT, svg
from orchestrator.core.errors import ActionRefused
from orchestrator.core.journal import (
    CANCEL,
    CANCELLED,
    COMPLETED,
    FAILED,
    PATCH,
    STEP,
    TIMED_OUT,
    TRANSITION,
)

FORMATS: Mapping[str, Callable[[Chart], str]] = {
    "mermaid": to_mermaid,
    "dot": to_dot,
    "svg": to_svg,
}

# A path of more things than these is cut off: nobody could read it.
MOST = 60

# The classes of a style sheet for how something ended.
_MARKS = {COMPLETED: "is-ok", FAILED: "is-failed", TIMED_OUT: "is-failed", CANCELLED: "is-queued"}


def of_workflow(name: str, version: str | None = None, *, format: str = "mermaid") -> str:
    """The diagram of a state machine. Raises UnknownWorkflow and ActionRefused."""
    definition = registry.get(name, version)
    if definition.chart is None:
        raise ActionRefused(
            f"{name} {definition.version} is no state machine: what a workflow does is known "
            "only when it has run. Draw one of its runs"
        )
    return FORMATS[format](definition.chart)


def of_run(run_id: UUID) -> str:
    """The path that a run has taken, from its journal, as SVG. Two queries.

    An arrow leads to what was asked for when the outcome at its other end was there and had
    not led to anything else.
    """
    run = models.Run.objects.get(id=run_id)
    entries = models.Entry.objects.filter(run_id=run_id)
    asked = entries.exclude(kind__in=[CANCEL, PATCH, TRANSITION]).order_by("position")
    return svg(_Path(run, asked[: MOST + 1].defer("value", "error")).picture())


class _Path:
    """A run's journal as boxes and arrows."""

    def __init__(self, run: models.Run, entries: Any) -> None:
        self._run = run
        self._entries: Sequence[models.Entry] = list(entries)
        self._root = Box("", "")
        self._arrows: list[Arrow] = []
        # Outcomes that have led to nothing yet, by their place.
        self._ends: dict[int, Box] = {}

    def picture(self) -> Picture:
        start = self._root.add(Box("|start", "", shape="start"))
        self._ends[0] = start
        shown = self._entries[:MOST]
        by_cause: dict[int, list[models.Entry]] = {}
        for entry in shown:
            by_cause.setdefault(entry.cause, []).append(entry)
        boxes = {entry.key: self._box(entry) for entry in shown}
        outcomes = {entry.seq: boxes[entry.key] for entry in shown if entry.seq is not None}
        for cause in sorted(by_cause):
            self._reach(cause, outcomes)
            before, self._ends = self._before(cause), self._after(cause)
            for entry in by_cause[cause]:
                self._arrows += [Arrow(one, boxes[entry.key]) for one in before]
        self._reach(None, outcomes)
        self._finish()
        title = f"{self._run.workflow} {self._run.id}"
        return Picture(self._root, self._arrows, title, " ".join(self._sentences()))

    def _reach(self, cause: int | None, outcomes: dict[int, Box]) -> None:
        """Outcomes up to this place are there."""
        for seq in [seq for seq in outcomes if cause is None or seq <= cause]:
            self._ends[seq] = outcomes.pop(seq)

    def _before(self, cause: int) -> list[Box]:
        found = [box for seq, box in self._ends.items() if seq <= cause]
        return found or list(self._ends.values())[-1:]

    def _after(self, cause: int) -> dict[int, Box]:
        return {seq: box for seq, box in self._ends.items() if seq > cause}

    def _box(self, entry: models.Entry) -> Box:
        is_open = entry.seq is None and entry.status != CANCELLED
        marks = (CURRENT, "is-waiting") if is_open else (_MARKS.get(entry.status, ""),)
        lines = [] if entry.kind == STEP else [entry.kind.replace("_", " ")]
        if entry.attempt > 1:
            lines.append(f"{entry.attempt} attempts")
        if entry.status != COMPLETED:
            lines.append(entry.status.replace("_", " "))
        return self._root.add(Box(entry.key, entry.key, lines=lines, marks=marks))

    def _finish(self) -> None:
        """What came last leads to the end, or to what is left out."""
        if len(self._entries) > MOST:
            end = Box("|more", "… and more", shape="region")
        elif self._run.is_final:
            end = Box("|end", str(self._run.status), shape="final")
        else:
            return
        self._root.add(end)
        self._arrows += [Arrow(box, end) for box in self._ends.values()]

    def _sentences(self) -> Iterator[str]:
        yield f"The path of a run of {self._run.workflow}, which is {self._run.status}."
        for arrow in self._arrows:
            if arrow.target.title:
                yield f"{arrow.source.title or 'The start'} leads to {arrow.target.title}."
