"""From what an author wrote to a chart, or to a list of all that is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from orchestrator.core.charts import chart, checks
from orchestrator.core.charts.chart import Action, Chart, Delay, Edge, Guard, Invoke, Kind, Node
from orchestrator.core.charts.contexts import ContextType
from orchestrator.core.charts.functions import called, label, performing, takes_event
from orchestrator.core.charts.moving import default_entry
from orchestrator.core.charts.specs import (
    ActionSpec,
    InvokeSpec,
    StateSpec,
    TransitionSpec,
)
from orchestrator.core.charts.targets import resolve
from orchestrator.core.durations import parse_duration
from orchestrator.core.errors import InvalidMachine

_KINDS = {"final": "final", "parallel": "parallel", "history": "history"}


def compiled(
    name: str, root: StateSpec, *, context_type: Any, schemas: Mapping[str, Any] | None = None
) -> Chart:
    """The chart of a machine. Raises InvalidMachine with all that is wrong."""
    compiler = _Compiler(ContextType(context_type))
    tree = compiler.node("", root, None)
    for order, node in enumerate(tree.walk()):
        node.order = order
    compiler.connect()
    made = Chart(name, tree, first=default_entry(tree), schemas=dict(schemas or {}))
    problems = [*compiler.problems, *checks.problems(made)]
    if problems:
        places = {node.id or "the machine": node.order for node in tree.walk()}
        problems.sort(key=lambda one: places.get(one.partition(": ")[0], len(places)))
        raise InvalidMachine(name, list(dict.fromkeys(problems)))
    return made


class _Compiler:
    """Makes nodes first, then the transitions between them. Keeps what is wrong."""

    def __init__(self, context_type: ContextType) -> None:
        self.problems: list[str] = []
        self._context_type = context_type
        self._specs: list[tuple[Node, StateSpec]] = []

    # ---- states ----------------------------------------------------------------------

    def node(self, path: str, spec: StateSpec, parent: Node | None) -> Node:
        node = Node(path, self._kind(path, spec), parent, deep=spec.deep, output=spec.output)
        self._specs.append((node, spec))
        node.on_enter = tuple(self._actions(spec.on_enter, path, "on_enter", f"enter {path}"))
        node.on_exit = tuple(self._actions(spec.on_exit, path, "on_exit", f"leave {path}"))
        node.invokes = tuple(self._invokes(spec, path))
        for name, child in self._inside(path, spec):
            node.children.append(self.node(f"{path}.{name}" if path else name, child, node))
        return node

    def _kind(self, path: str, spec: StateSpec) -> Kind:
        if spec.type is None:
            return "compound" if spec.states or not path else "atomic"
        if spec.type in _KINDS:
            return _KINDS[spec.type]  # type: ignore[return-value]
        self._wrong(path, f"type is 'final', 'parallel' or 'history', not {spec.type!r}")
        return "compound" if spec.states else "atomic"

    def _inside(self, path: str, spec: StateSpec) -> Iterator[tuple[str, StateSpec]]:
        if not isinstance(spec.states, Mapping | None):
            self._wrong(path, "states is a dictionary of names and state(…)")
            return
        for name, child in (spec.states or {}).items():
            if fault := checks.fault_of_name(name):
                self._wrong(path, f"state {name!r}: {fault}")
            elif not isinstance(child, StateSpec):
                self._wrong(path, f"{name!r} is a {type(child).__name__}; write state(…)")
            else:
                yield name, child

    def _wrong(self, path: str, what: str) -> None:
        self.problems.append(f"{path or 'the machine'}: {what}")

    # ---- transitions -----------------------------------------------------------------

    def connect(self) -> None:
        for node, spec in self._specs:
            self._connect(node, spec)

    def _connect(self, node: Node, spec: StateSpec) -> None:
        node.initial = self._initial(node, spec)
        for event, given in self._items(node, "on", spec.on):
            self._add(node, chart.Trigger(chart.ON, event), given)
        self._add(node, chart.Trigger(chart.ALWAYS), spec.always)
        self._add(node, chart.Trigger(chart.DONE), spec.on_done)
        self._add(node, chart.Trigger(chart.ERROR), spec.on_error)
        for one in _listed(spec.invoke):
            if isinstance(one, InvokeSpec):
                name = _invoked_name(one)
                self._add(node, chart.Trigger(chart.INVOKED, name), one.on_done)
                self._add(node, chart.Trigger(chart.BROKEN, name), one.on_error)
        node.delays = tuple(self._delays(node, spec))

    def _initial(self, node: Node, spec: StateSpec) -> tuple[Node, ...]:
        if node.kind == "history":
            if spec.initial is not None:
                self._wrong(node.id, "a history state has a target and no initial")
            # Beside it: inside its parent.
            return self._targets(node, spec.target, "target") if spec.target else ()
        if spec.target is not None:
            self._wrong(node.id, "target is for history states; write initial")
        if node.kind in ("atomic", "final") and spec.initial is not None:
            self._wrong(node.id, "initial is for states with states inside")
            return ()
        if not node.states:
            return ()
        found = self._targets(node, spec.initial, "initial") if spec.initial is not None else ()
        if node.kind != "compound" or found:
            return found
        if spec.initial is None:
            names = ", ".join(one.name for one in node.states)
            self._wrong(node.id, f"initial= is missing: one of {names}")
        # The other checks go on as if it were the first.
        return tuple(node.states[:1])

    def _delays(self, node: Node, spec: StateSpec) -> Iterator[Delay]:
        for text, given in self._items(node, "after", spec.after):
            try:
                length = parse_duration(text)
            except ValueError as error:
                self._wrong(node.id, f"after: {error}")
                continue
            yield Delay(text, length)
            self._add(node, chart.Trigger(chart.AFTER, text), given)

    def _items(self, node: Node, option: str, given: Any) -> Iterator[tuple[str, Any]]:
        if given is None:
            return
        if not isinstance(given, Mapping):
            self._wrong(node.id, f"{option} is a dictionary of names and transition(…)")
            return
        for name, one in given.items():
            if option == "on" and (fault := checks.fault_of_event(name)):
                self._wrong(node.id, f"on {name!r}: {fault}")
            elif one is None or (isinstance(one, list | tuple) and not one):
                what = "to take it and stay, write transition()"
                self._wrong(node.id, f"{option} {name!r}: there is no transition; {what}")
            else:
                yield name, one

    def _add(self, node: Node, trigger: chart.Trigger, given: Any) -> None:
        for number, one in enumerate(_listed(given)):
            spec = TransitionSpec(one, None, None, False) if isinstance(one, str) else one
            if not isinstance(spec, TransitionSpec):
                what = f"{trigger.label}: {one!r} is no transition; write transition(…)"
                self._wrong(node.id, what)
                continue
            node.edges.append(self._edge(node, trigger, number, spec))

    def _edge(self, node: Node, trigger: chart.Trigger, number: int, spec: TransitionSpec) -> Edge:
        where, step = trigger.label, f"{trigger.label} in {node.id or 'any state'}"
        targets = () if spec.target is None else self._targets(node, spec.target, where)
        return Edge(
            id=f"{node.id}|{trigger.kind}|{trigger.name}|{number}",
            source=node,
            trigger=trigger,
            targets=targets,
            guard=self._guard(spec.guard, node.id, where),
            actions=tuple(self._actions(spec.action, node.id, where, step)),
            internal=bool(spec.internal),
        )

    def _targets(self, node: Node, given: Any, where: str) -> tuple[Node, ...]:
        found = []
        for name in _listed(given):
            target = resolve(node, name) if isinstance(name, str) else None
            if target is None:
                self._wrong(node.id, f"{where}: {checks.no_such_state(node, name)}")
            else:
                found.append(target)
        return tuple(found)

    # ---- functions -------------------------------------------------------------------

    def _guard(self, fn: Any, path: str, where: str) -> Guard | None:
        if fn is None or not self._is_function(fn, path, f"{where}: guard"):
            return None
        if checks.is_async(fn):
            self._wrong(path, f"{where}: guard {called(fn)!r} is async; a guard is a plain `def`")
            return None
        return Guard(fn, self._takes_event(fn, path, f"{where}: guard"), label(fn))

    def _actions(self, given: Any, path: str, where: str, step: str) -> Iterator[Action]:
        for one in _listed(given):
            spec = one if isinstance(one, ActionSpec) else ActionSpec(one)
            if not self._is_function(spec.fn, path, where):
                continue
            name = spec.name or called(spec.fn) or step[: checks.MAX_STEP]
            if fault := checks.fault_of_step(name):
                self._wrong(path, f"{where}: {fault}")
                continue
            if spec.options.get("atomic") and checks.is_async(spec.fn):
                self._wrong(path, f"{where}: {name!r} is async, and an atomic action is not")
            with_event = self._takes_event(spec.fn, path, where)
            perform = performing(spec.fn, self._context_type, with_event=with_event)
            yield Action(name, spec.name or label(spec.fn), perform, spec.options)

    def _invokes(self, spec: StateSpec, path: str) -> Iterator[Invoke]:
        names: set[str] = set()
        for one in _listed(spec.invoke):
            if not isinstance(one, InvokeSpec):
                self._wrong(path, f"{one!r} is nothing to invoke; write invoke(…)")
                continue
            name = _invoked_name(one)
            if fault := checks.fault_of_invoke(one, name, names):
                self._wrong(path, f"invoke {name!r}: {fault}")
            names.add(name)
            yield Invoke(name, one.target, one.input)

    def _is_function(self, fn: Any, path: str, where: str) -> bool:
        if callable(fn):
            return True
        self._wrong(path, f"{where}: {fn!r} is not a function (pass it without calling it)")
        return False

    def _takes_event(self, fn: Callable[..., Any], path: str, where: str) -> bool:
        try:
            return takes_event(fn)
        except TypeError as error:
            name = called(fn) or "a lambda"
            self._wrong(path, f"{where}: {name} {error}; it is called with (ctx) or (ctx, event)")
            return True


def _listed(given: Any) -> Iterable[Any]:
    if given is None:
        return ()
    return given if isinstance(given, list | tuple) else (given,)


def _invoked_name(spec: InvokeSpec) -> str:
    named = spec.name or getattr(spec.target, "name", None)
    return str(named or (called(spec.target) if callable(spec.target) else "") or "invoke")
