"""The body of the workflow that a state machine is.

It takes one event after the other. Judging an event is a thing of the body, and is
recorded before anything follows from it; every action is a step. When the machine has come
to rest it keeps a checkpoint, so that a replay begins at the last event and not at the first.
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Sequence
from typing import Any

from orchestrator.core.charts import chart as charts
from orchestrator.core.charts import moving, snapshot
from orchestrator.core.charts.besides import Arrival, Besides
from orchestrator.core.charts.chart import Action, Chart, Edge, Node, Trigger
from orchestrator.core.charts.events import Event
from orchestrator.core.charts.functions import takes_event
from orchestrator.core.charts.moving import Move
from orchestrator.core.charts.selecting import Signal, place_of
from orchestrator.core.charts.snapshot import Standing
from orchestrator.core.charts.specs import NOT_GIVEN
from orchestrator.core.charts.verdicts import Ledger, Passage
from orchestrator.core.context import Context
from orchestrator.core.errors import (
    RestlessMachine,
    StepFailed,
    UndecodableValue,
    UnknownState,
)

# Transitions that may follow from one event. A machine that takes more never comes to rest.
MAX_TRANSITIONS = 1_000


async def play(chart: Chart, ctx: Context[Any], context: Any) -> Any:
    """Play a machine until it ends; the output of its final state."""
    return await Player(chart, ctx, context).run()


class Player:
    """One machine at work."""

    def __init__(self, chart: Chart, ctx: Context[Any], context: Any) -> None:
        self._chart = chart
        self._ctx = ctx
        self._body = ctx._body
        self._standing = Standing(context)
        self._ledger = Ledger(chart, self._body)
        self._besides = Besides(chart, ctx)
        # What happens to the machine by itself, with the error that it may come from.
        self._inner: deque[tuple[Signal, Exception | None]] = deque()
        # Where the machine will be when the move that is being made is done.
        self._next: set[Node] = set()

    async def run(self) -> Any:
        if self._body.checkpoint is None:
            await self._start()
        else:
            await self._go_on(self._body.checkpoint.value)
        while (end := self._standing.end) is None:
            await self._take(await self._besides.next(self._standing))
        return self._standing.outputs.get(end)

    async def _go_on(self, value: str) -> None:
        try:
            self._standing, going_on = snapshot.read(self._chart, value)
        except (UnknownState, UndecodableValue) as error:
            self._body.stop(error)
            raise
        is_changed = self._besides.go_on(self._standing, going_on)
        history = self._body.history
        if is_changed and not (history.outcomes or history.marks):
            # Nothing has happened since. The next change of the chart starts from this one.
            await self._keep()

    async def _start(self) -> None:
        event = Event(name="start", at=self._ctx.now())
        await self._make(moving.start(self._chart.root), event)
        await self._come_to_rest("start", event)
        await self._keep()

    # ---- one event -------------------------------------------------------------------

    async def _take(self, arrival: Arrival) -> None:
        """All that follows from something that has come: from rest to rest."""
        signal, key = arrival.signal, arrival.key
        passage = self._ledger.judge(
            key, signal, self._standing, event_id=arrival.event_id, fault=arrival.fault
        )
        if passage.edges or arrival.error is not None:
            with self._ledger.until_rest(passage, self._standing):
                await self._make(passage.move, signal.event)
                if not passage.edges and arrival.error is not None:
                    assert signal.node is not None
                    self._raise_inside(arrival.error, signal.event, signal.node)
                await self._come_to_rest(key, signal.event)
        await self._keep()

    async def _come_to_rest(self, key: str, event: Event) -> None:
        """Take what follows by itself, until nothing does."""
        for number in range(2, MAX_TRANSITIONS):
            found = self._following(f"{key}/{number}", event)
            if found is None:
                return
            passage, event = found
            await self._make(passage.move, event)
            self._ledger.close(passage)
        raise RestlessMachine(
            f"{self._chart.name} took {MAX_TRANSITIONS:,} transitions after {event.name!r} and "
            f"never came to rest; it is in {self._chart.shown(self._standing.active)}"
        )

    def _following(self, key: str, event: Event) -> tuple[Passage, Event] | None:
        """The next transition without an event from outside; those without any event first."""
        if self._standing.end is not None:
            return None
        always = Signal(Trigger(charts.ALWAYS), event)
        passage = self._ledger.judge(key, always, self._standing)
        while not passage.edges and self._inner:
            signal, error = self._inner.popleft()
            event = signal.event
            passage = self._ledger.judge(key, signal, self._standing)
            if not passage.edges and error is not None:
                raise error
        return (passage, event) if passage.edges else None

    # ---- one move --------------------------------------------------------------------

    async def _make(self, move: Move, event: Event) -> None:
        standing = self._standing
        self._next = move.applied(standing.active)
        standing.past.update(move.past)
        for node in move.leaving:
            await self._act(node.on_exit, event, node)
            self._leave(node)
        for edge in move.edges:
            await self._act(edge.actions, event, edge.source)
        if move.entering:
            self._body.notes.state = self._chart.shown(self._next)
        for node in move.entering:
            standing.active.add(node)
            standing.entered[node] = self._ctx.now()
            await self._act(node.on_enter, event, node)
            if node.kind == "final":
                self._end(node, event)

    def _leave(self, node: Node) -> None:
        self._besides.leave(node, self._standing)
        self._standing.active.discard(node)
        self._standing.entered.pop(node, None)
        self._standing.outputs.pop(node, None)

    async def _act(self, actions: Sequence[Action], event: Event, node: Node) -> None:
        """Execute actions, each as a step; `node` is the state in which they fail, if one does.

        Those after one that has failed are left out.
        """
        for action in actions:
            args = (self._standing.context, event)
            try:
                changed = await self._ctx.step(action.name, action.perform, *args, **action.options)
            except StepFailed as error:
                about = {"type": error.cause_type, "message": error.message, "step": error.key}
                failed = Event(name="error", payload=about, at=self._ctx.now())
                self._raise_inside(error, failed, node)
                return
            if changed is not None:
                self._standing.context = changed

    def _raise_inside(self, error: Exception, event: Event, node: Node) -> None:
        """Let a state take an error that arose in `node`. Raises it if none can."""
        place = place_of(node, self._next)
        if not any(_takes_errors(edge) for one in (place, *place.ancestors) for edge in one.edges):
            raise error
        inside = Event(name="error", payload=event.payload, at=event.at)
        self._inner.append((Signal(Trigger(charts.ERROR), inside, arose=node), error))

    def _end(self, node: Node, event: Event) -> None:
        """A final state was entered: what is around it may have come to its end."""
        output = self._output(node, event)
        self._standing.outputs[node] = output
        parent = node.parent
        if parent is None or parent.parent is None:
            return
        self._note_done(parent, output)
        for around in parent.ancestors:
            if around.kind != "parallel" or not self._standing.is_done(around):
                return
            self._note_done(around, self._standing.outputs_of(around))

    def _note_done(self, node: Node, output: Any) -> None:
        event = Event(name="done", payload=output, at=self._ctx.now())
        self._inner.append((Signal(Trigger(charts.DONE), event, node), None))

    def _output(self, node: Node, event: Event) -> Any:
        output = node.output
        if not callable(output):
            return None if output is NOT_GIVEN else output
        context = copy.deepcopy(self._standing.context)
        return output(context, event) if takes_event(output) else output(context)

    # ---- rest ------------------------------------------------------------------------

    async def _keep(self) -> None:
        """Let later replays begin here.

        What goes on from here has begun by then: a replay knows it by its keys, and gives
        up what the chart does not have any more.
        """
        if self._standing.end is None:
            self._besides.begin(self._standing)
        going_on = await self._besides.kept()
        if going_on is None:
            return
        keys = [key for one in going_on.values() for key in one.keys]
        self._body.keep(snapshot.written(self._standing, going_on), keys)


def _takes_errors(edge: Edge) -> bool:
    return edge.trigger.kind == charts.ERROR
