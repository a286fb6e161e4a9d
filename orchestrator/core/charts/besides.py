"""What goes on beside a machine while it rests: delays, what its states invoke, and events.

Each is a branch of the body. It is begun when its state is entered, for that visit alone,
and given up when the state is left. What has come of it waits until the machine is at rest.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from orchestrator.core.charts import chart as charts
from orchestrator.core.charts.chart import ANY_EVENT, Chart, Delay, Invoke, Node, Trigger, in_order
from orchestrator.core.charts.checks import is_workflow
from orchestrator.core.charts.events import Event
from orchestrator.core.charts.selecting import Signal
from orchestrator.core.charts.snapshot import Kept, Standing
from orchestrator.core.checkpoints import Branch, branch
from orchestrator.core.commands import ANY_EVENT as ANY_MAIL
from orchestrator.core.commands import NO_EVENT, Wait
from orchestrator.core.context import Context
from orchestrator.core.durations import later
from orchestrator.core.errors import InvalidInput, NonDeterminism, RunFailed, StepFailed
from orchestrator.core.journal import EVENT
from orchestrator.core.schemas import payload_check

EVENTS = "@events"
MAX_SHOWN = 200

# Turns of the loop in which what was given up must have ended: else it cleans up.
TURNS = 10

# Turns in which what was begun asks for its first things, alone or in tasks of its own.
FIRST_TURNS = 2


@dataclass(slots=True, eq=False)
class GoingOn:
    """One such thing. `context` is the machine's, as it was when it began."""

    name: str
    number: int
    branch: Branch
    context: Any = None
    # For the wait for events: those that it was begun for.
    shown: str = ""
    task: asyncio.Task[None] = field(init=False)


@dataclass(frozen=True, slots=True)
class Arrival:
    """Something has come. `key` names it in the journal, `fault` is what is wrong with it."""

    of: GoingOn
    key: str
    signal: Signal
    event_id: int | None = None
    error: Exception | None = None
    fault: str = ""


class Besides:
    """All that goes on beside one machine, and what has come of it."""

    def __init__(self, chart: Chart, ctx: Context[Any]) -> None:
        self._chart = chart
        self._ctx = ctx
        self._body = ctx._body
        self._inbox: asyncio.Queue[Arrival] = asyncio.Queue()
        self._going_on: dict[str, GoingOn] = {}
        self._ending: list[asyncio.Task[None]] = []

    # ---- beginning and ending --------------------------------------------------------

    def begin(self, standing: Standing) -> bool:
        """Begin what belongs to the active states and does not go on yet. False if nothing does."""
        before = standing.begun
        for name, (node, what) in _wanted(standing).items():
            if name not in self._going_on and name not in standing.over:
                standing.begun += 1
                context = standing.context if isinstance(what, Invoke) else None
                made = GoingOn(name, standing.begun, Branch(), copy.deepcopy(context))
                self._begin(made, node, what, standing.entered[node])
        return standing.begun > before

    def go_on(self, standing: Standing, kept: Mapping[str, Kept]) -> bool:
        """Begin again what went on at a checkpoint, and what today's chart has besides.

        Gives up what it does not want any more. False if nothing has changed.
        """
        wanted, is_less = _wanted(standing), False
        for name, one in kept.items():
            made = GoingOn(name, one.number, Branch(one.keys), one.context)
            if name == EVENTS:
                known = self._body.history.open.get(one.keys[0])
                made.shown = (known.detail or {}).get("event", "") if known else ""
                self._start(made, partial(self._hear, made))
            elif name in wanted:
                node, what = wanted[name]
                self._begin(made, node, what, standing.entered[node])
            else:
                self._body.let_go(one.keys)
                is_less = True
        return self.begin(standing) or is_less

    def leave(self, node: Node, standing: Standing) -> None:
        """The state is left: give up what went on while the machine was in it."""
        for name in _names_of(node):
            standing.over.discard(name)
            if (gone := self._going_on.pop(name, None)) is not None:
                self._give_up(gone)

    async def next(self, standing: Standing) -> Arrival:
        """What has come first and still counts."""
        while True:
            if self._inbox.empty():
                self._listen(standing)
            arrival = await self._inbox.get()
            if self._going_on.get(arrival.of.name) is arrival.of:
                del self._going_on[arrival.of.name]
                if arrival.of.name != EVENTS:
                    standing.over.add(arrival.of.name)
                return arrival

    async def kept(self) -> dict[str, Kept] | None:
        """What goes on, for a checkpoint; None while something that was given up cleans up."""
        for turn in range(TURNS):
            self._ending = [task for task in self._ending if not task.done()]
            if not self._ending and turn >= FIRST_TURNS:
                return {
                    one.name: Kept(one.number, one.branch.keys, one.context)
                    for one in self._going_on.values()
                }
            await asyncio.sleep(0)
        return None

    def _begin(self, made: GoingOn, node: Node, what: Delay | Invoke, since: datetime) -> None:
        if isinstance(what, Delay):
            self._start(made, partial(self._delay, made, node, what, since))
        else:
            self._start(made, partial(self._invoke, made, node, what))

    def _start(self, made: GoingOn, work: Callable[[], Awaitable[None]]) -> None:
        async def in_branch() -> None:
            branch.set(made.branch)
            try:
                await work()
            except NonDeterminism as error:
                self._body.stop(error)

        self._going_on[made.name] = made
        made.task = asyncio.create_task(in_branch())

    def _give_up(self, gone: GoingOn) -> None:
        gone.task.cancel()
        self._ending.append(gone.task)

    def _come(self, of: GoingOn, signal: Signal, **more: Any) -> None:
        key = more.pop("key", None) or f"{of.name} ({of.number})"
        self._inbox.put_nowait(Arrival(of, key, signal, **more))

    # ---- delays ----------------------------------------------------------------------

    async def _delay(self, made: GoingOn, node: Node, delay: Delay, since: datetime) -> None:
        await self._ctx.sleep_until(later(since, delay.length), name=made.name)
        trigger = Trigger(charts.AFTER, delay.text)
        event = Event(name=trigger.label, at=self._ctx.now())
        self._come(made, Signal(trigger, event, node))

    # ---- what states invoke ----------------------------------------------------------

    async def _invoke(self, made: GoingOn, node: Node, what: Invoke) -> None:
        error: Exception | None = None
        trigger = Trigger(charts.INVOKED, what.name)
        try:
            payload = await self._invoked(made, what)
        except NonDeterminism:
            raise
        except Exception as raised:
            error, trigger = raised, Trigger(charts.BROKEN, what.name)
            payload = {"type": _type_of(raised), "message": str(raised), "step": ""}
        event = Event(name=trigger.label, payload=payload, at=self._ctx.now())
        self._come(made, Signal(trigger, event, node), error=error)

    async def _invoked(self, made: GoingOn, what: Invoke) -> Any:
        context = copy.deepcopy(made.context)
        if not is_workflow(what.target):
            return await what.target(self._ctx, context)
        value = context if what.input is None else what.input(context)
        return await self._ctx.start_child(what.target, value, name=what.name)

    # ---- events ----------------------------------------------------------------------

    def _listen(self, standing: Standing) -> None:
        """Wait for the next event, and show for which ones."""
        names = [
            "any event" if one == ANY_EVENT else one for one in self._chart.takes(standing.active)
        ]
        shown = (", ".join(names) or NO_EVENT)[:MAX_SHOWN]
        known = self._going_on.pop(EVENTS, None)
        if known is not None and known.shown == shown:
            self._going_on[EVENTS] = known
            return
        if known is not None:
            self._give_up(known)
        made = GoingOn(EVENTS, 0, Branch(), shown=shown)
        self._start(made, partial(self._hear, made))

    async def _hear(self, made: GoingOn) -> None:
        command = self._body.ask(
            Wait, kind=EVENT, name=EVENTS, event=ANY_MAIL, detail={"event": made.shown, "key": None}
        )
        letter = await command.future
        name, payload, fault = letter["name"], letter["payload"], ""
        if (schema := self._chart.schemas.get(name)) is not None:
            try:
                payload = payload_check(schema, payload, name)
            except InvalidInput as error:
                fault = str(error)
        event = Event(
            name=name,
            payload=payload,
            actor=letter["sent_by"],
            at=datetime.fromisoformat(letter["at"]),
        )
        number = letter["id"]
        signal = Signal(Trigger(charts.ON, name), event)
        self._come(made, signal, key=f"event {number}", event_id=number, fault=fault)


def _wanted(standing: Standing) -> dict[str, tuple[Node, Delay | Invoke]]:
    """What belongs to the active states, by name."""
    return {
        name: (node, what)
        for node in in_order(standing.active)
        for name, what in _names_of(node).items()
    }


def _names_of(node: Node) -> dict[str, Delay | Invoke]:
    found: dict[str, Delay | Invoke] = {}
    for delay in node.delays:
        found[f"after {delay.text} in {node.id}"] = delay
    for one in node.invokes:
        found[f"{one.name} in {node.id}"] = one
    return found


def _type_of(error: Exception) -> str:
    """The class of the error that was raised first, be it in a step or in a child run."""
    if isinstance(error, RunFailed) and (first := error.error.get("type")):
        return str(first).rpartition(":")[2]
    return error.cause_type if isinstance(error, StepFailed) else type(error).__name__
