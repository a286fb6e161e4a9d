"""Where a machine stands, as a value: what a checkpoint of its run holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from orchestrator.core.charts.chart import AND, Chart, Node, in_order
from orchestrator.core.codec import decode, encode
from orchestrator.core.errors import UnknownState


@dataclass(slots=True)
class Standing:
    """Where a machine stands between two events.

    `entered` has when each active state was entered, `past` where each history state leads,
    `outputs` what final states inside others have given.
    """

    context: Any
    active: set[Node] = field(default_factory=set)
    entered: dict[Node, datetime] = field(default_factory=dict)
    past: dict[Node, Sequence[Node]] = field(default_factory=dict)
    outputs: dict[Node, Any] = field(default_factory=dict)
    # Counts what was begun to go on beside it, such as delays; and what of it is over in
    # this visit of its state.
    begun: int = 0
    over: set[str] = field(default_factory=set)

    @property
    def end(self) -> Node | None:
        """The final state that ended the machine; None while it goes on."""
        ends = (one for one in self.active if one.kind == "final" and one.parent)
        return next((one for one in ends if one.parent and one.parent.parent is None), None)

    def outputs_of(self, parallel: Node) -> dict[str, Any]:
        """What the regions of a state that has come to its end have given, by name."""
        return {
            region.name: next(
                (self.outputs[one] for one in region.states if one in self.outputs), None
            )
            for region in parallel.states
        }

    def is_done(self, node: Node) -> bool:
        """Whether an active state has come to its end: a final state, in each of its regions."""
        if node.kind == "parallel":
            return all(self.is_done(region) for region in node.states)
        return any(one.kind == "final" and one in self.active for one in node.children)


@dataclass(frozen=True, slots=True)
class Kept:
    """Something that goes on beside a machine: its number, and its keys in the journal.

    `context` is the one that it began with.
    """

    number: int
    keys: Sequence[str]
    context: Any = None


def written(standing: Standing, going_on: Mapping[str, Kept]) -> str:
    """A standing as text, with what goes on in it by name."""
    return encode(
        {
            "states": _ids(standing.active),
            "entered": {node.id: at for node, at in standing.entered.items()},
            "past": {node.id: _ids(nodes) for node, nodes in standing.past.items()},
            "outputs": {node.id: output for node, output in standing.outputs.items()},
            "context": standing.context,
            "begun": standing.begun,
            "over": sorted(standing.over),
            "going_on": {
                name: [one.number, list(one.keys), one.context] for name, one in going_on.items()
            },
        },
        root="machine",
    )


def read(chart: Chart, text: str) -> tuple[Standing, dict[str, Kept]]:
    """What `written` has made. Raises UnknownState, and UndecodableValue."""
    stored = decode(text)
    names, known = stored["states"], chart.nodes
    if fault := fault_of(chart, names):
        raise UnknownState(advice(chart, fault))
    return (
        Standing(
            context=stored["context"],
            active={known[name] for name in names},
            entered={known[name]: at for name, at in stored["entered"].items()},
            # A history of states that are gone is none.
            past={
                known[name]: [known[one] for one in past]
                for name, past in stored["past"].items()
                if {name, *past} <= known.keys()
            },
            outputs={known[name]: one for name, one in stored["outputs"].items()},
            begun=stored["begun"],
            over=set(stored["over"]),
        ),
        {name: Kept(*fields) for name, fields in stored["going_on"].items()},
    )


def advice(chart: Chart, fault: str) -> str:
    """What to do about a fault, with the fault."""
    return (
        f"the machine is {fault}: give {chart.name} back that state, with a transition to "
        "where such machines shall go"
    )


def fault_of(chart: Chart, names: Iterable[str]) -> str:
    """Why a machine cannot be in these states by today's definition; "" if it can."""
    names = list(names)
    if gone := [name for name in names if name not in chart.nodes]:
        return f"in {', '.join(map(repr, gone))}, which is no state any more"
    active = {chart.nodes[name] for name in names}
    for node in active:
        inside = sum(child in active for child in node.children)
        expected = {"compound": 1, "parallel": len(node.states)}.get(node.kind, 0)
        if inside != expected:
            return f"in {node.id!r}, whose states inside have changed"
        if node.parent is not None and node.parent not in active:
            return f"in {node.id!r}, but not in the state that is now around it"
    return ""


def fault_of_state(chart: Chart, state: str) -> str:
    """Why a machine that shows itself in `state` cannot be there today; "" if it can."""
    if not state:
        return ""
    shown = state.split(AND)
    # With what is around them: that is all that can be told of a machine from outside.
    around = {name[:end] for name in shown for end in _ends(name)}
    return fault_of(chart, ["", *around])


def _ends(name: str) -> list[int]:
    return [place for place, sign in enumerate(f"{name}.") if sign == "."]


def context_of(text: str) -> Any:
    """The context alone."""
    return decode(text)["context"]


def _ids(nodes: Iterable[Node]) -> list[str]:
    return [node.id for node in in_order(nodes)]
