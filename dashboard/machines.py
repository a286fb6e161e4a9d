"""What pages show of a state machine: its picture, and what a run of it would take now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.safestring import SafeString, mark_safe

from orchestrator import diagrams
from orchestrator.core.charts.chart import ANY_EVENT, Chart
from orchestrator.core.charts.diagrams import to_svg
from orchestrator.core.definition import Definition, registry
from orchestrator.machine import Machine
from orchestrator.models import Run

# With more states than these the table of transitions says more than the picture.
READABLE = 40

HIDDEN = "a guard refuses it"


@dataclass(frozen=True, kw_only=True)
class Taken:
    """An event that has a transition where the machine is.

    `to` is where it would lead if it were sent now with nothing in it, "" if it would be
    refused; `because` then says why. `carries` is the type of what it must carry: where it
    leads depends on that.
    """

    event: str
    to: str = ""
    because: str = ""
    carries: str = ""


@dataclass(frozen=True, kw_only=True)
class Board:
    """A machine as today's code knows it. `trouble` says why it does not know it quite."""

    diagram: SafeString
    is_readable: bool
    takes: Sequence[Taken] = ()
    trouble: str = ""


def board(run: Run, *, sees_payloads: bool) -> Board | None:
    """None when this process does not have the code of the machine."""
    chart = chart_of(run)
    if chart is None:
        return None
    is_readable = len(chart.nodes) <= READABLE
    machine: Machine[Any] = Machine(run, chart)
    return Board(
        diagram=_safe(to_svg(chart, run.state)),
        is_readable=is_readable,
        takes=[_taken(machine, chart, one, sees_payloads) for one in machine.takes],
        trouble=machine.trouble,
    )


def chart_of(run: Run) -> Chart | None:
    known = registry.knows(run.workflow, run.version)
    return registry.get(run.workflow, run.version).chart if known else None


def diagram(definition: Definition) -> SafeString | None:
    """The picture of a state machine; None for what is none."""
    return _safe(to_svg(definition.chart)) if definition.chart else None


def path(run: Run) -> SafeString:
    """What a run has done so far, drawn. Two queries."""
    return _safe(diagrams.of_run(run.id))


def _safe(svg: str) -> SafeString:
    # What authors wrote in it is escaped where it is drawn.
    return mark_safe(svg)


def _taken(machine: Machine[Any], chart: Chart, event: str, sees_payloads: bool) -> Taken:
    name = "any other event" if event == ANY_EVENT else event
    if (schema := chart.schemas.get(event)) is not None:
        return Taken(event=name, carries=getattr(schema, "__name__", str(schema)))
    seen = machine.preview(event)
    if seen.accepted:
        return Taken(event=name, to=seen.to)
    # A guard may name what it has seen in the context.
    return Taken(event=name, because=seen.refused_because if sees_payloads else HIDDEN)
