"""`state_machine`: registers a chart as a workflow, and makes the object that starts machines."""

from __future__ import annotations

import copy
import sys
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Generic, TypeVar, get_origin, is_typeddict, overload
from uuid import UUID

from orchestrator.core.charts.chart import Chart
from orchestrator.core.charts.compiling import compiled
from orchestrator.core.charts.diagrams import to_svg
from orchestrator.core.charts.dot import to_dot
from orchestrator.core.charts.mermaid import to_mermaid
from orchestrator.core.charts.playing import play
from orchestrator.core.charts.specs import StateSpec, Target, Transitions, state
from orchestrator.core.context import Context
from orchestrator.core.definition import Definition, registry
from orchestrator.core.durations import Duration, duration_option, keeping_option
from orchestrator.core.errors import UnknownRun
from orchestrator.core.retry import Retry
from orchestrator.machine import Machine
from orchestrator.workflow import Workflow

C = TypeVar("C")  # the type of the context


class StateMachine(Workflow[C, Any], Generic[C]):
    """A registered state machine. Call `start` to begin a machine of it."""

    @property
    def chart(self) -> Chart:
        assert self.definition.chart is not None
        return self.definition.chart

    def start(
        self,
        input: C | None = None,
        *,
        version: str | None = None,
        idempotency_key: str | None = None,
        delay: Duration | None = None,
        at: datetime | None = None,
        queue: str | None = None,
        priority: int | None = None,
        initiator: Any = None,
        tags: Mapping[str, Any] | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> Machine[C]:
        """Start a machine with this context, and return its handle. See `Workflow.start`."""
        run = super().start(
            input,
            version=version,
            idempotency_key=idempotency_key,
            delay=delay,
            at=at,
            queue=queue,
            priority=priority,
            initiator=initiator,
            tags=tags,
            attributes=attributes,
        )
        return self._machine(run._row)

    def get(self, run_id: UUID | str) -> Machine[C]:
        """The machine with this id. Raises UnknownRun."""
        from orchestrator import client  # noqa: PLC0415

        row = client.get_run(run_id)._row
        if row.workflow != self.name:
            raise UnknownRun(f"{run_id} is a {row.workflow}, not a {self.name}")
        return self._machine(row)

    def find(
        self, state: str | None = None, *, status: str | None = None, limit: int = 100
    ) -> list[Machine[C]]:
        """The machines that are in a state, or in one inside it; the newest first. One query.

        Raises ValueError for a state that the machine does not have.
        """
        from orchestrator import reading  # noqa: PLC0415

        rows = reading.machines(self.chart, state, status=status, limit=limit)
        return [self._machine(row) for row in rows]

    def to_mermaid(self) -> str:
        """The chart as text for Mermaid. The same text each time, as are the others."""
        return to_mermaid(self.chart)

    def to_dot(self) -> str:
        """The chart as text for Graphviz."""
        return to_dot(self.chart)

    def to_svg(self, current: str | None = None) -> str:
        """The chart as SVG, which needs no script and no style sheet.

        `current` marks the state in which a machine is, as `Machine.state` shows it. One
        that the chart does not have any more is not marked.
        """
        return to_svg(self.chart, current)

    def _machine(self, row: Any) -> Machine[C]:
        chart = registry.get(row.workflow, row.version).chart
        assert chart is not None
        return Machine(row, chart)

    def __repr__(self) -> str:
        return f"<StateMachine {self.name} {self.version}>"


@overload
def state_machine(
    *,
    name: str,
    initial: Target,
    states: Mapping[str, StateSpec],
    context: type[C],
    events: Mapping[str, Any] | None = None,
    on: Mapping[str, Transitions] | None = None,
    version: str = "1",
    default: bool = False,
    step_retry: Retry | None = None,
    timeout: Duration | None = None,
    idempotency_key: str | None = None,
    queue: str | None = None,
    priority: int = 0,
    retention: Duration | None = None,
    payload_retention: Duration | None = None,
    tags: Mapping[str, Any] | None = None,
) -> StateMachine[C]: ...


@overload
def state_machine(
    *,
    name: str,
    initial: Target,
    states: Mapping[str, StateSpec],
    context: C,
    events: Mapping[str, Any] | None = None,
    on: Mapping[str, Transitions] | None = None,
    version: str = "1",
    default: bool = False,
    step_retry: Retry | None = None,
    timeout: Duration | None = None,
    idempotency_key: str | None = None,
    queue: str | None = None,
    priority: int = 0,
    retention: Duration | None = None,
    payload_retention: Duration | None = None,
    tags: Mapping[str, Any] | None = None,
) -> StateMachine[C]: ...


@overload
def state_machine(
    *,
    name: str,
    initial: Target,
    states: Mapping[str, StateSpec],
    context: None = None,
    events: Mapping[str, Any] | None = None,
    on: Mapping[str, Transitions] | None = None,
    version: str = "1",
    default: bool = False,
    step_retry: Retry | None = None,
    timeout: Duration | None = None,
    idempotency_key: str | None = None,
    queue: str | None = None,
    priority: int = 0,
    retention: Duration | None = None,
    payload_retention: Duration | None = None,
    tags: Mapping[str, Any] | None = None,
) -> StateMachine[dict[str, Any]]: ...


def state_machine(
    *,
    name: str,
    initial: Target,
    states: Mapping[str, StateSpec],
    context: Any = None,
    events: Mapping[str, Any] | None = None,
    on: Mapping[str, Transitions] | None = None,
    version: str = "1",
    default: bool = False,
    step_retry: Retry | None = None,
    timeout: Duration | None = None,
    idempotency_key: str | None = None,
    queue: str | None = None,
    priority: int = 0,
    retention: Duration | None = None,
    payload_retention: Duration | None = None,
    tags: Mapping[str, Any] | None = None,
) -> StateMachine[Any]:
    """Register a state machine.

    `states` are its states, `initial` the one in which it starts. `context` is the type of
    what it knows: a pydantic model, a dataclass, a TypedDict or `dict`. An instance of one
    is what a machine starts with when `start` is given nothing. `events` has types of
    payloads by event, which are checked at the sender. `on` has transitions that count in
    every state. The other options are those of `workflow`; `step_retry` is for actions.

    Raises InvalidMachine with all that is wrong, at import.
    """
    kind, initial_context = _context(context)
    root = state(initial=initial, states=states, on=on)
    chart = compiled(name, root, context_type=kind, schemas=events)
    definition = Definition(
        name=name,
        version=version,
        fn=_body(chart, kind, initial_context, module=sys._getframe(1).f_globals["__name__"]),
        is_default=default,
        step_retry=step_retry,
        timeout=None if timeout is None else duration_option("timeout", timeout),
        # What a machine has done is undone by a transition, if at all.
        compensate=False,
        idempotency_key=idempotency_key,
        queue=queue,
        priority=priority,
        retention=keeping_option("retention", retention),
        payload_retention=keeping_option("payload_retention", payload_retention),
        tags=tags or {},
        chart=chart,
    )
    registry.add(definition)
    return StateMachine(definition)


_NONE: Any = object()


def _context(given: Any) -> tuple[Any, Any]:
    """The type of a machine's context, and the context that it has by default."""
    if given is None:
        return dict, {}
    if isinstance(given, type) or is_typeddict(given) or get_origin(given):
        return given, _NONE
    return type(given), copy.deepcopy(given)


def _body(chart: Chart, kind: Any, initial: Any, *, module: str) -> Any:
    async def body(ctx: Context[Any], context: Any) -> Any:
        return await play(chart, ctx, context)

    body.__annotations__ = {"context": kind, "return": Any}
    if initial is not _NONE:
        body.__defaults__ = (initial,)
    # Its place in the code: the same name in another module is another machine.
    body.__module__, body.__qualname__ = module, chart.name
    return body
