"""A chart: the states of a machine as a tree, and the transitions between them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

from orchestrator.core.charts.specs import NOT_GIVEN

Kind = Literal["atomic", "compound", "parallel", "final", "history"]

# Between the states of a machine that is in several at once.
AND = " + "

# What makes a transition be taken.
ON = "on"  # an event from outside
AFTER = "after"  # a delay that began when the state was entered
ALWAYS = "always"  # nothing
DONE = "done"  # the state has come to its end
ERROR = "error"  # an action has failed
INVOKED = "invoked"  # what the state invoked has ended
BROKEN = "broken"  # what the state invoked has failed

ANY_EVENT = "*"


@dataclass(frozen=True, slots=True)
class Trigger:
    """What makes a transition be taken: its kind, and the event's name, the delay and so on."""

    kind: str
    name: str = ""

    @property
    def label(self) -> str:
        """As a person reads it."""
        match self.kind:
            case "on":
                return "any event" if self.name == ANY_EVENT else self.name
            case "after":
                return f"after {self.name}"
            case "invoked":
                return f"{self.name} done"
            case "broken":
                return f"{self.name} failed"
        return self.kind


@dataclass(frozen=True, slots=True)
class Guard:
    """A condition. `label` is how it is shown: a function's name, or a lambda's text."""

    fn: Callable[..., Any]
    takes_event: bool
    label: str

    def __call__(self, context: Any, event: Any) -> Any:
        return self.fn(context, event) if self.takes_event else self.fn(context)


@dataclass(frozen=True, slots=True)
class Action:
    """What is executed as a step. `perform` takes a context and an event."""

    name: str
    label: str
    perform: Callable[[Any, Any], Any]
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Invoke:
    """What goes on while a state is active."""

    name: str
    target: Any
    input: Callable[[Any], Any] | None


@dataclass(frozen=True, slots=True)
class Delay:
    """How long after its state was entered a transition is due. `text` is as written."""

    text: str
    length: timedelta


@dataclass(slots=True, eq=False)
class Node:
    """One state. Its `id` is the path to it: `shipping.packed`; the chart's own is empty."""

    id: str
    kind: Kind
    parent: Node | None
    # Its place in the document: parents before their children, in the order of writing.
    order: int = 0
    children: list[Node] = field(default_factory=list)
    # Where a compound state starts, or where a history state leads the first time.
    initial: tuple[Node, ...] = ()
    edges: list[Edge] = field(default_factory=list)
    on_enter: tuple[Action, ...] = ()
    on_exit: tuple[Action, ...] = ()
    delays: tuple[Delay, ...] = ()
    invokes: tuple[Invoke, ...] = ()
    deep: bool = False
    output: Any = NOT_GIVEN

    def __repr__(self) -> str:
        return f"<Node {self.id or '(root)'}>"

    @property
    def name(self) -> str:
        return self.id.rpartition(".")[2]

    @property
    def is_leaf(self) -> bool:
        """Whether a machine can be in it without being in a state inside it."""
        return self.kind in ("atomic", "final")

    @property
    def ancestors(self) -> Iterator[Node]:
        """The states around it, from the inside out, the chart itself last."""
        found = self.parent
        while found is not None:
            yield found
            found = found.parent

    def is_inside(self, other: Node) -> bool:
        return any(one is other for one in self.ancestors)

    @property
    def states(self) -> list[Node]:
        """The states inside it, without those that only stand for others."""
        return [one for one in self.children if one.kind != "history"]

    def walk(self) -> Iterator[Node]:
        """It and all states inside it, in the order of the document."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True, eq=False)
class Edge:
    """A transition. Without targets nothing is left or entered."""

    id: str
    source: Node
    trigger: Trigger
    targets: tuple[Node, ...]
    guard: Guard | None
    actions: tuple[Action, ...]
    internal: bool

    def __repr__(self) -> str:
        return f"<Edge {self.id}>"


class Chart:
    """A definition that can work. `nodes` has every state by its id, in order."""

    def __init__(
        self, name: str, root: Node, *, first: Iterable[Node], schemas: Mapping[str, Any]
    ) -> None:
        self.name = name
        self.root = root
        # Where a machine is before it has begun.
        self.first_state = self.shown(first)
        self.schemas = schemas
        self.nodes: dict[str, Node] = {node.id: node for node in root.walk()}
        self.edges: dict[str, Edge] = {
            edge.id: edge for node in self.nodes.values() for edge in node.edges
        }

    def shown(self, active: Iterable[Node]) -> str:
        """Where a machine is: the innermost active states, in the order of the document."""
        return AND.join(node.id for node in in_order(active) if node.is_leaf)

    def known(self, state: str) -> list[Node]:
        """The leaves of what `shown` has made, as far as there are such states today."""
        return [self.nodes[name] for name in state.split(AND) if name in self.nodes]

    def takes(self, active: Iterable[Node]) -> list[str]:
        """The events that active states have transitions for, `*` among them."""
        nodes = in_order(active)
        names = (edge.trigger.name for node in nodes for edge in node.edges if _is_on(edge))
        return list(dict.fromkeys(names))

    @property
    def events(self) -> list[str]:
        """Every event that any state has a transition for, in the order of the document."""
        return self.takes(self.nodes.values())


def _is_on(edge: Edge) -> bool:
    return edge.trigger.kind == ON


def in_order(nodes: Iterable[Node]) -> list[Node]:
    """States in the order of the document."""
    return sorted(nodes, key=lambda node: node.order)
