"""What can be wrong with a chart. Each check is a generator of sentences for its author."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterator
from difflib import get_close_matches
from itertools import combinations
from typing import Any

from orchestrator.core.charts import chart
from orchestrator.core.charts.chart import Chart, Edge, Node, Trigger
from orchestrator.core.charts.moving import default_entry, lowest_common_ancestor
from orchestrator.core.charts.specs import NOT_GIVEN, InvokeSpec
from orchestrator.core.names import check_name

MAX_STATE = 120  # of a path, so that the keys of its timers fit their column
MAX_INVOKED = 160  # likewise
MAX_DELAY = 20
MAX_EVENT = 200
MAX_STEP = 180
MAX_SHOWN = 255

# What separates states where they are listed, and what is the engine's own.
_RESERVED = (".", "+", "|", "@", "\n", "\x00")


def problems(made: Chart) -> Iterator[str]:
    """All that is wrong with a chart whose parts are well-formed, one sentence each."""
    for node in made.nodes.values():
        name = node.id or "the machine"
        found = (*_of_lengths(node), *_of_kind(node), *_of_start(node), *_of_edges(node))
        for problem in found:
            yield f"{name}: {problem}"
    yield from _unreachable(made)
    yield from _restless(made)
    yield from _unknown_schemas(made)


# ---- names ---------------------------------------------------------------------------


def fault_of_name(name: Any) -> str:
    """What is wrong with the name of a state; "" if nothing is."""
    if not isinstance(name, str) or not name.strip() or name != name.strip():
        return "a state's name is a text, without spaces around it"
    if found := [sign for sign in _RESERVED if sign in name]:
        return f"a state's name cannot hold {found[0]!r}"
    return "" if len(name) <= MAX_STATE else f"a state's name has at most {MAX_STATE} characters"


def fault_of_event(name: Any) -> str:
    """What is wrong with the name of an event; "" if nothing is."""
    if not isinstance(name, str) or not 0 < len(name) <= MAX_EVENT or "\x00" in name:
        return f"an event's name is a text of 1 to {MAX_EVENT} characters"
    return "names that start with @ are the engine's own" if name.startswith("@") else ""


def fault_of_step(name: str) -> str:
    """What is wrong with the name of an action's step; "" if nothing is."""
    try:
        check_name(name)
    except ValueError as error:
        return str(error)
    # A checkpoint counts the uses of a name, and does not know all keys.
    return f"{name!r}: the number of its use stands behind the #" if "#" in name else ""


def fault_of_invoke(spec: InvokeSpec, name: str, known: set[str]) -> str:
    """What is wrong with something to be invoked; "" if nothing is."""
    if name in known:
        return "the state invokes two things of this name; give one of them name="
    if name.startswith("after "):
        return "names that start with 'after ' are those of delays"
    if fault := fault_of_name(name):
        return fault.replace("state's", "thing's")
    if not is_workflow(spec.target) and not is_async(spec.target):
        return "what is invoked is a workflow, or an `async def` that takes ctx and the context"
    if spec.input is not None and not is_workflow(spec.target):
        return "input= is for workflows; the function gets the machine's context"
    return "" if spec.input is None or callable(spec.input) else "input= is a function of ctx"


def no_such_state(node: Node, name: Any) -> str:
    """That a target is not there, and what may have been meant."""
    root = [node, *node.ancestors][-1]
    known = {one.id: one.id for one in root.walk() if one.id}
    known |= {one.name: one.id for one in root.walk() if one.id and one.parent is root}
    text = f"{name!r} is no state"
    close = get_close_matches(str(name), known, n=1)
    named = [one for one in root.walk() if one.name == name]
    if named or close:
        text += f"; did you mean {named[0].id if named else known[close[0]]!r}?"
    return text


def is_async(fn: Any) -> bool:
    return inspect.iscoroutinefunction(fn.func if isinstance(fn, functools.partial) else fn)


def is_workflow(target: Any) -> bool:
    """Whether a run of it can be started as a child."""
    return hasattr(target, "definition") and hasattr(target, "name")


# ---- states --------------------------------------------------------------------------


def _of_lengths(node: Node) -> Iterator[str]:
    if len(node.id) > MAX_STATE:
        yield f"the path to a state has at most {MAX_STATE} characters"
    if any(len(f"{one.name} in {node.id}") > MAX_INVOKED for one in node.invokes):
        yield f"a path and the name of what is invoked have at most {MAX_INVOKED} characters"
    if any(len(one.text) > MAX_DELAY for one in node.delays):
        yield f"after: a delay is written in at most {MAX_DELAY} characters"


def _of_kind(node: Node) -> Iterator[str]:
    if node.kind in ("final", "history"):
        yield from _of_pseudo(node)
    if node.kind == "parallel":
        yield from _of_regions(node)
    if node.kind != "final" and node.output is not NOT_GIVEN:
        yield "output= is for final states"
    if node.kind != "history" and node.deep:
        yield "deep= is for history states"
    if node.kind == "atomic" and _has(node, chart.DONE):
        yield "on_done is for states with states inside; for what it invokes: invoke(…, on_done=…)"
    if node.kind == "compound" and _has(node, chart.DONE) and not _has_end(node):
        yield "on_done: none of its states is final, so it never comes to its end"


def _of_regions(node: Node) -> Iterator[str]:
    if not node.states:
        yield "a parallel state needs states= for its regions"
    if _widest(node) > MAX_SHOWN:
        yield f"what its regions show of themselves together has more than {MAX_SHOWN} characters"


def _widest(node: Node) -> int:
    """The most characters that `Chart.shown` may make of what is active in a state."""
    inside = [_widest(one) for one in node.states]
    if node.kind == "parallel":
        return sum(inside) + len(chart.AND) * (len(inside) - 1)
    return max(inside, default=len(node.id))


def _of_pseudo(node: Node) -> Iterator[str]:
    kind = f"a {node.kind} state"
    if node.edges:
        labels = ", ".join(dict.fromkeys(edge.trigger.label for edge in node.edges))
        yield f"{kind} has no transitions ({labels})"
    if node.children:
        yield f"{kind} has no states inside"
    if node.invokes:
        yield f"{kind} invokes nothing"
    if node.kind == "history" and (node.on_enter or node.on_exit):
        yield f"{kind} has no actions; nothing is ever in it"
    if node.kind == "history" and (node.parent is None or node.parent.parent is None):
        yield f"{kind} stands inside another state; the machine itself is never left"
    if node.kind == "final" and node.on_exit and node.parent and node.parent.parent is None:
        yield "on_exit: the machine ends here, so it is never left"
    if node.kind == "final" and node.parent and node.parent.kind == "parallel":
        yield "a region of a parallel state is a state with states inside, not a final one"


def _of_start(node: Node) -> Iterator[str]:
    inside = all(one.is_inside(node) for one in node.initial)
    if node.kind == "compound":
        if not node.states:
            yield "it has no states"
        elif not inside:
            yield f"initial {_names(node.initial)} is not inside it"
        yield from _together(node.initial, "initial")
    elif node.kind == "parallel" and node.initial:
        yield "a parallel state starts in all of its regions; it has no initial"
    elif node.kind == "history":
        parent = node.parent
        if parent is not None and not all(one.is_inside(parent) for one in node.initial):
            yield f"target {_names(node.initial)} is not beside it"
        yield from _together(node.initial, "target")


def _together(targets: tuple[Node, ...], what: str) -> Iterator[str]:
    """Several targets must be in different regions of one parallel state."""
    for one, other in combinations(targets, 2):
        is_same = one is other or one.is_inside(other) or other.is_inside(one)
        if is_same or lowest_common_ancestor([one, other]).kind != "parallel":
            yield f"{what}: a machine cannot be in {one.id!r} and in {other.id!r} at once"


# ---- transitions ---------------------------------------------------------------------


def _of_edges(node: Node) -> Iterator[str]:
    first: dict[Trigger, Edge] = {}
    for edge in node.edges:
        label = edge.trigger.label
        if edge.trigger in first:
            yield f"{label}: nothing comes after the transition that has no guard"
        elif edge.guard is None:
            first[edge.trigger] = edge
        yield from _together(edge.targets, label)
        is_own = node.kind == "compound" and all(one.is_inside(node) for one in edge.targets)
        if edge.internal and edge.targets and not is_own:
            yield f"{label}: an internal transition leads to a state inside its own, {node.name!r}"
        if edge.trigger.kind == chart.ALWAYS and not edge.targets:
            yield "always: without a target it would be taken for ever"


def _has(node: Node, kind: str) -> bool:
    return any(edge.trigger.kind == kind for edge in node.edges)


def _has_end(node: Node) -> bool:
    return any(one.kind == "final" for one in node.children)


def _names(nodes: tuple[Node, ...]) -> str:
    return ", ".join(repr(one.id) for one in nodes)


# ---- the chart as a whole ------------------------------------------------------------


def _unreachable(made: Chart) -> Iterator[str]:
    reached: set[Node] = set()
    found = default_entry(made.root)
    while found - reached:
        reached |= found
        targets = [one for node in reached for edge in node.edges for one in edge.targets]
        targets += [one for node in reached for one in node.initial]
        # What only stands for others is not entered, but something must lead to it, too.
        found = {*targets, *(one for target in targets for one in _entered(target))} - reached
    for node in made.nodes.values():
        if node not in reached and (node.parent is None or node.parent in reached):
            yield f"{node.id or 'the machine'}: no transition leads to it"


def _entered(target: Node) -> set[Node]:
    """What is entered with a state, at least."""
    around = set(target.ancestors)
    beside = [child for one in around if one.kind == "parallel" for child in one.states]
    return around.union(default_entry(target), *map(default_entry, beside))


def _restless(made: Chart) -> Iterator[str]:
    """Transitions without event and guard that lead round in a circle."""
    for node in made.nodes.values():
        path = [node]
        while (following := _always(path[-1])) is not None and following not in path:
            path.append(following)
        if following is node:
            circle = " to ".join(repr(one.id) for one in [*path, node])
            if node.order == min(one.order for one in path):
                yield f"{node.id}: always leads round in a circle without a guard: {circle}"


def _always(node: Node) -> Node | None:
    """Where a state is left for at once, whatever its context is."""
    for edge in node.edges:
        if edge.trigger.kind == chart.ALWAYS and edge.guard is None and edge.targets:
            entered = default_entry(edge.targets[0])
            return next((one for one in entered if _leaves_at_once(one)), edge.targets[0])
    return None


def _leaves_at_once(node: Node) -> bool:
    return any(one.trigger.kind == chart.ALWAYS and one.guard is None for one in node.edges)


def _unknown_schemas(made: Chart) -> Iterator[str]:
    for name in made.schemas:
        if name not in made.events and chart.ANY_EVENT not in made.events:
            yield f"events: no state has a transition for {name!r}"
