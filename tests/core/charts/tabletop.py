"""Play a state machine on the table: its body against a journal, without an engine.

After each thing that happens, a second body is started from what was recorded. It must
stand where the first one stands: so every test of a chart is also one of going on after a
crash.
"""

from __future__ import annotations

import asyncio
import copy
import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from orchestrator.core import codec, failures
from orchestrator.core.body import Body, Raised, Returned
from orchestrator.core.charts.compiling import compiled
from orchestrator.core.charts.playing import play
from orchestrator.core.charts.specs import StateSpec, state
from orchestrator.core.checkpoints import Checkpoint
from orchestrator.core.commands import Command, StepCall, Timer, Wait
from orchestrator.core.context import Context, played
from orchestrator.core.errors import NonDeterminism, NonRetryable
from orchestrator.core.info import RunInfo
from orchestrator.core.journal import COMPLETED, FAILED, OPEN, TRANSITION, Entry, History
from orchestrator.core.retry import Retry

STARTED = datetime(2026, 3, 1, 9, tzinfo=UTC)


class Effects:
    """Children are only noted."""

    def child_detail(self, workflow: str, input: Any, on_parent_cancel: str) -> dict[str, Any]:
        return {"workflow": workflow, "input": codec.encode(input)}


def say(word: str) -> Callable[[dict[str, Any]], None]:
    """An action that says a word."""

    def act(ctx: dict[str, Any]) -> None:
        ctx.setdefault("said", []).append(word)

    act.__name__ = f"say {word}"
    return act


def fail(word: str) -> Callable[[dict[str, Any]], None]:
    """An action that fails."""

    def act(ctx: dict[str, Any]) -> None:
        raise ValueError(word)

    act.__name__ = f"fail {word}"
    return act


class Table:
    """One machine, and all that is recorded of it."""

    def __init__(
        self,
        states: Mapping[str, StateSpec] | None = None,
        *,
        context: Any = None,
        root: StateSpec | None = None,
        schemas: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> None:
        if root is None:
            assert states is not None
            root = state(states=states, **{"initial": next(iter(states)), **options})
        context = {} if context is None else context
        self.chart = compiled("table", root, context_type=type(context), schemas=schemas)
        self.context_text = codec.encode(context)
        self.journal: dict[str, Entry] = {}
        self.checkpoint: Checkpoint | None = None
        self.state = self.chart.first_state
        self.mail = 0
        # While it holds a step back, steps are not executed.
        self.is_held = False
        self.begin()
        self.work()

    # ---- the body --------------------------------------------------------------------

    def begin(self) -> None:
        """Start a body from what is recorded."""
        checkpoint = self.checkpoint
        known = [entry for entry in self.journal.values() if _is_needed(entry, checkpoint)]
        history = History.of(copy.deepcopy(known))
        self.body = Body(STARTED, history, checkpoint)
        self.new: dict[str, Command] = {}
        info = RunInfo(
            run_id=UUID(int=1),
            workflow="table",
            version="1",
            attempt=1,
            input=None,
            initiator=None,
            tags={},
        )
        ctx: Context[Any] = Context(self.body, info, Retry(max_attempts=1), Effects())
        context = codec.decode(self.context_text)

        async def body(ctx: Context[Any]) -> Any:
            return await play(self.chart, ctx, context)

        self.body.begin(played(ctx, body, (ctx,), compensates=False))
        self._absorb()
        for entry in history.outcomes:
            self.body.deliver(entry)
            self._absorb()
        for key in history.open:
            if key not in self.body.asked:
                raise NonDeterminism(f"{key} was not asked for again")

    def _absorb(self) -> None:
        """Record what the body has asked for and noted."""
        for command in self.body.take_new():
            self.new[command.key] = command
            if isinstance(command, Timer | Wait):
                self.journal.setdefault(
                    command.key, _entry(command, OPEN, getattr(command, "detail", None))
                )
        for key in [key for key, one in self.new.items() if one.is_abandoned or one.answered]:
            del self.new[key]
        for entry in list(self.journal.values()):
            known = self.body.asked.get(entry.key)
            if entry.status == OPEN and known is not None and known.is_abandoned:
                self.journal[entry.key] = replace(entry, status="cancelled")
        notes = self.body.notes
        for entry in notes.marks.values():
            assert self.journal.get(entry.key, entry).seq is None
            self.journal[entry.key] = entry
        self.checkpoint = notes.checkpoint or self.checkpoint
        self.state = self.state if notes.state is None else notes.state
        notes.clear()

    def tell(self, key: str, status: str = COMPLETED, **fields: Any) -> None:
        """An outcome."""
        command = self.body.asked[key]
        assert self.journal.get(key, _entry(command, OPEN)).seq is None, f"{key} recorded twice"
        at = fields.pop("at", self.body.now)
        entry = replace(
            _entry(command, status), seq=self.last_seq + 1, attempt=1, finished_at=at, **fields
        )
        self.journal[key] = entry
        self.body.deliver(entry)
        self._absorb()

    @property
    def last_seq(self) -> int:
        return max([entry.seq or 0 for entry in self.journal.values()], default=0)

    # ---- what happens ----------------------------------------------------------------

    def work(self) -> None:
        """Execute steps until the machine rests."""
        while not self.is_held and (step := self.step) is not None:
            self._execute(step)
        self.check()

    @property
    def step(self) -> StepCall | None:
        return next((one for one in self.new.values() if isinstance(one, StepCall)), None)

    def _execute(self, step: StepCall) -> None:
        try:
            value = step.fn(*copy.deepcopy(step.args))
            if inspect.iscoroutine(value):
                value = asyncio.run(value)
            self.tell(step.key, value=codec.encode(value))
        except (ValueError, NonRetryable) as error:
            self.tell(step.key, FAILED, error=failures.record(error))

    def send(self, name: str, payload: Any = None, *, actor: str = "") -> Table:
        """An event comes."""
        self.mail += 1
        letter = {
            "id": self.mail,
            "name": name,
            "payload": payload,
            "sent_by": actor,
            "at": self.body.now.isoformat(),
        }
        [key] = [one.key for one in self.body.pending if one.name == "@events"]
        self.tell(key, value=codec.encode(letter))
        self.work()
        return self

    def fire(self, name: str) -> Table:
        """A delay is over."""
        timer = next(one for one in self.body.pending if one.name == name)
        assert isinstance(timer, Timer)
        self.tell(timer.key, at=timer.until)
        self.work()
        return self

    def answer(self, key: str, value: Any = None) -> Table:
        self.tell(key, value=codec.encode(value))
        self.work()
        return self

    def break_(self, key: str, error: Exception) -> Table:
        self.tell(key, FAILED, error=failures.record(error))
        self.work()
        return self

    def wait(self, duration: timedelta) -> Table:
        """Time goes by, which the machine sees with the next outcome."""
        self.body._advance(self.body.now + duration)
        return self

    def crash(self) -> Table:
        """The worker dies; another one goes on from what is recorded."""
        self.body.close()
        self.begin()
        self.work()
        return self

    def check(self) -> None:
        """A body that is started from what is recorded stands where this one stands."""
        if self.body.end is not None or self.is_held:
            return
        twin = copy.copy(self)
        twin.journal = dict(self.journal)
        twin.begin()
        assert twin.state == self.state
        assert twin.pending == self.pending
        assert twin.journal.keys() == self.journal.keys()
        assert twin.checkpoint == self.checkpoint or twin.checkpoint is not None
        twin.body.close()

    # ---- what came of it -------------------------------------------------------------

    @property
    def pending(self) -> list[str]:
        return sorted(one.key for one in self.body.pending)

    @property
    def context(self) -> Any:
        assert self.checkpoint is not None
        return codec.decode(self.checkpoint.value)["context"]

    @property
    def said(self) -> list[str]:
        """What actions have said since this was last asked."""
        said = self.context.get("said", [])
        known, self._known = getattr(self, "_known", 0), len(said)
        return said[known:]

    @property
    def records(self) -> list[Entry]:
        found = [entry for entry in self.journal.values() if entry.kind == TRANSITION]
        return sorted(found, key=lambda entry: entry.position)

    @property
    def last(self) -> Mapping[str, Any]:
        """What was decided last, with its status."""
        entry = self.records[-1]
        return {**(entry.detail or {}), "status": entry.status}

    @property
    def output(self) -> Any:
        assert isinstance(self.body.end, Returned), self.body.end
        return self.body.end.value

    @property
    def error(self) -> BaseException:
        assert isinstance(self.body.end, Raised), self.body.end
        return self.body.end.error


def _is_needed(entry: Entry, checkpoint: Checkpoint | None) -> bool:
    if checkpoint is None:
        return True
    return entry.position > checkpoint.position or entry.key in checkpoint.kept


def _entry(command: Command, status: str, detail: dict[str, Any] | None = None) -> Entry:
    return Entry(
        key=command.key,
        kind=command.kind,
        name=command.name,
        position=command.position,
        cause=command.cause,
        status=status,
        detail=detail,
    )
