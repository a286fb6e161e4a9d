"""What a transition leaves and enters, and in which order: the rules of SCXML.

States are left from the inside out and entered from the outside in. Which they are depends
on the chart and on where the machine is, and not on what actions do; so a move is known
before any of it is done.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field

from orchestrator.core.charts.chart import Edge, Node, in_order

# Where each history state leads: what was active when its parent was last left.
Past = Mapping[Node, Sequence[Node]]


@dataclass(frozen=True, slots=True)
class Move:
    """What is to be done, in this order: leave states, take transitions, enter states."""

    edges: Sequence[Edge] = ()
    leaving: Sequence[Node] = ()
    entering: Sequence[Node] = ()
    past: Past = field(default_factory=dict)

    def applied(self, active: Set[Node]) -> set[Node]:
        """Where the machine is afterwards."""
        return (set(active) - set(self.leaving)) | set(self.entering)


def move(edges: Sequence[Edge], active: Set[Node], past: Past) -> Move:
    """What taking these transitions does. They do not conflict: see `selecting`."""
    leaving = in_order({node for edge in edges for node in left(edge, active, past)})
    leaving.reverse()
    remembered = _remembered(leaving, active)
    entered: set[Node] = set()
    for edge in edges:
        _enter_targets(edge, {**past, **remembered}, entered)
    return Move(edges, leaving, in_order(entered), remembered)


def start(root: Node) -> Move:
    """What starting a machine does."""
    return Move(entering=in_order(default_entry(root)))


def left(edge: Edge, active: Set[Node], past: Past) -> set[Node]:
    """The active states that a transition leaves."""
    domain = _domain(edge, past)
    return set() if domain is None else {node for node in active if node.is_inside(domain)}


def default_entry(node: Node) -> set[Node]:
    """The states that are entered with `node`, which is entered for itself, by default."""
    entered: set[Node] = set()
    _enter(node, {}, entered)
    return entered


def lowest_common_ancestor(nodes: Sequence[Node], *, compound: bool = False) -> Node:
    """The innermost state around all of these; of those that are not parallel, if asked."""
    first, *others = nodes
    for candidate in first.ancestors:
        if compound and candidate.kind != "compound":
            continue
        if all(one.is_inside(candidate) for one in others):
            return candidate
    raise ValueError(f"nothing is around {first.id!r}: it is the chart itself")


def _domain(edge: Edge, past: Past) -> Node | None:
    """The state in which a transition takes place: all that is active inside it is left."""
    targets = _effective(edge.targets, past)
    if not targets:
        return None
    source = edge.source
    is_own = source.kind == "compound" and all(one.is_inside(source) for one in targets)
    if source.parent is None or (edge.internal and is_own):
        return source
    return lowest_common_ancestor([source, *targets], compound=True)


def _effective(targets: Iterable[Node], past: Past) -> list[Node]:
    """The targets, with what history states stand for in their place."""
    found: list[Node] = []
    for target in targets:
        if target.kind == "history":
            found += _effective(_recalled(target, past), past)
        else:
            found.append(target)
    return found


def _recalled(history: Node, past: Past) -> Sequence[Node]:
    parent = history.parent
    assert parent is not None
    if known := past.get(history) or history.initial:
        return known
    return parent.states if parent.kind == "parallel" else parent.initial


def _remembered(leaving: Sequence[Node], active: Set[Node]) -> dict[Node, Sequence[Node]]:
    return {
        history: in_order(
            node
            for node in active
            if (node.is_leaf and node.is_inside(parent) if history.deep else node.parent is parent)
        )
        for parent in leaving
        for history in parent.children
        if history.kind == "history"
    }


# ---- entering ------------------------------------------------------------------------


def _enter_targets(edge: Edge, past: Past, entered: set[Node]) -> None:
    domain = _domain(edge, past)
    for target in edge.targets:
        _enter(target, past, entered)
    for target in _effective(edge.targets, past):
        _enter_around(target, domain, past, entered)


def _enter(node: Node, past: Past, entered: set[Node]) -> None:
    """Enter a state, and what is entered with it."""
    if node.kind == "history":
        _enter_all(_recalled(node, past), node.parent, past, entered)
        return
    entered.add(node)
    if node.kind == "compound":
        _enter_all(node.initial, node, past, entered)
    elif node.kind == "parallel":
        _enter_regions(node, past, entered)


def _enter_all(nodes: Sequence[Node], within: Node | None, past: Past, entered: set[Node]) -> None:
    """Enter these first: what is around them adds only what is missing."""
    for one in nodes:
        _enter(one, past, entered)
    for one in nodes:
        _enter_around(one, within, past, entered)


def _enter_around(node: Node, domain: Node | None, past: Past, entered: set[Node]) -> None:
    """Enter the states between `node` and `domain`, and the other regions of parallel ones."""
    for around in node.ancestors:
        if around is domain:
            return
        entered.add(around)
        if around.kind == "parallel":
            _enter_regions(around, past, entered)


def _enter_regions(parallel: Node, past: Past, entered: set[Node]) -> None:
    for region in parallel.states:
        if not any(one is region or one.is_inside(region) for one in entered):
            _enter(region, past, entered)
