"""Which transitions an event enables: the rules of SCXML.

Each innermost active state is asked in the order of the document, then the states around
it. Of what conflicts, the transition of the inner state wins, or else the first.

An error is the one thing that we tell the place of: only that place and what is around it
are asked, so that no region of a parallel state takes what went wrong in another.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from typing import Any

from orchestrator.core.charts import chart
from orchestrator.core.charts.chart import Edge, Node, Trigger, in_order
from orchestrator.core.charts.events import Event
from orchestrator.core.charts.moving import Past, left
from orchestrator.core.errors import GuardFailed, Refused


@dataclass(frozen=True, slots=True)
class Signal:
    """Something that happens to a machine. With a `node` it concerns that state alone.

    `arose` is the state in which an error arose.
    """

    trigger: Trigger
    event: Event
    node: Node | None = None
    arose: Node | None = None

    def fits(self, edge: Edge) -> bool:
        """Whether the transition is for this, `*` apart."""
        return edge.trigger == self.trigger and self.node in (None, edge.source)


@dataclass(frozen=True, slots=True)
class Judged:
    """What a guard has said of a transition."""

    edge: Edge
    passed: bool
    because: str = ""


class Judge:
    """Asks guards, with copies: what a guard changes is lost."""

    def __init__(self, context: Any, event: Event) -> None:
        self.judged: list[Judged] = []
        self._context = context
        self._event = event

    def __call__(self, edge: Edge) -> bool:
        if edge.guard is None:
            return True
        # A guard of a state around several active ones is asked once.
        for known in self.judged:
            if known.edge is edge:
                return known.passed
        found = self._ask(edge)
        self.judged.append(found)
        return found.passed

    def _ask(self, edge: Edge) -> Judged:
        assert edge.guard is not None
        try:
            if edge.guard(copy.deepcopy(self._context), copy.deepcopy(self._event)):
                return Judged(edge, True)
        except Refused as refused:
            return Judged(edge, False, str(refused) or edge.guard.label)
        except Exception as error:
            text = f"its guard ({edge.guard.label}) raised {type(error).__name__}: {error}"
            self.judged.append(Judged(edge, False, text))
            raise GuardFailed(text) from error
        return Judged(edge, False, f"not so: {edge.guard.label}")


def select(
    signal: Signal, active: Set[Node], past: Past, passes: Callable[[Edge], bool]
) -> list[Edge]:
    """The transitions that a signal enables, without conflicts. Raises GuardFailed."""
    enabled: list[Edge] = []
    for first in _asked(signal, active):
        edge = _first(signal, first, passes)
        if edge is not None and edge not in enabled:
            enabled.append(edge)
    return _without_conflicts(enabled, active, past)


def place_of(arose: Node, active: Set[Node]) -> Node:
    """The state that is asked first about an error; then those around it are.

    It is the innermost active one where the error arose: there, or in what is around if that
    was left meanwhile. The regions of a parallel state are none of it.
    """
    place = next(node for node in (arose, *arose.ancestors) if node in active)
    while place.kind == "compound":
        place = next(child for child in place.children if child in active)
    return place


def _asked(signal: Signal, active: Set[Node]) -> list[Node]:
    if signal.arose is not None:
        return [place_of(signal.arose, active)]
    return in_order(node for node in active if node.is_leaf)


def _first(signal: Signal, first: Node, passes: Callable[[Edge], bool]) -> Edge | None:
    for node in (first, *first.ancestors):
        for edge in _of(node, signal):
            if passes(edge):
                return edge
    return None


def _of(node: Node, signal: Signal) -> list[Edge]:
    """The transitions of a state for a signal, those for any event last."""
    own = [edge for edge in node.edges if signal.fits(edge)]
    if signal.trigger.kind != chart.ON:
        return own
    others = Trigger(chart.ON, chart.ANY_EVENT)
    return own + [edge for edge in node.edges if edge.trigger == others and edge not in own]


def _without_conflicts(enabled: Sequence[Edge], active: Set[Node], past: Past) -> list[Edge]:
    kept: list[Edge] = []
    for edge in enabled:
        leaves = left(edge, active, past)
        rivals = [one for one in kept if leaves & left(one, active, past)]
        if all(edge.source.is_inside(one.source) for one in rivals):
            kept = [one for one in kept if one not in rivals] + [edge]
    return kept
