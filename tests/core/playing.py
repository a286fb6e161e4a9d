"""Play a workflow's body against outcomes that a test makes up, instead of an engine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from orchestrator.core import codec, failures
from orchestrator.core.body import Body, Raised, Returned
from orchestrator.core.commands import Command
from orchestrator.core.context import Context, played
from orchestrator.core.info import RunInfo
from orchestrator.core.journal import (
    CANCEL,
    CANCEL_KEY,
    COMPLETED,
    FAILED,
    OPEN,
    PATCH,
    TIMED_OUT,
    Entry,
    History,
)
from orchestrator.core.notes import Log
from orchestrator.core.retry import Retry
from orchestrator.core.step import CurrentStep, executing

STARTED = datetime(2026, 3, 1, 9, tzinfo=UTC)
SECOND = timedelta(seconds=1)

Function = Callable[..., Awaitable[Any]]


def work(*args: Any) -> Any:
    """A step's function. Nobody executes it here."""


def in_step(name: str = "charge") -> Any:
    """Within, a step of this name is being executed."""
    logger = Log(lambda level, message, fields: None)
    return executing(CurrentStep(UUID(int=1), name, 1, f"run:{name}", logger))


async def pages(ctx: Any, log: list[str]) -> AsyncIterator[int]:
    try:
        for n in range(3):
            yield await ctx.step("page", work, n)
    finally:
        await ctx.step("close", work)
        log.append("closed")
        await ctx.step("report", work)


class Play:
    """One body at work, and the journal of what it was told."""

    def __init__(
        self,
        fn: Function,
        *args: Any,
        run: int = 1,
        history: History | None = None,
        effects: Any = None,
        compensates: bool = True,
    ) -> None:
        self.fn, self.args, self.run, self.effects = fn, args, run, effects
        self.compensates = compensates
        self.journal: list[Entry] = []
        self.new: list[Command] = []
        self.body = Body(STARTED, history)
        info = RunInfo(
            run_id=UUID(int=run),
            workflow="play",
            version="1",
            attempt=1,
            input=args[0] if args else None,
            initiator=None,
            tags={},
        )
        self.ctx: Context[Any] = Context(self.body, info, Retry(), effects)

    def begin(self) -> Play:
        args = (self.ctx, *self.args)
        self.body.begin(played(self.ctx, self.fn, args, compensates=self.compensates))
        self.new = self.body.take_new()
        return self

    # ---- outcomes --------------------------------------------------------------------

    def tell(self, entry: Entry) -> Play:
        self.journal.append(entry)
        self.body.deliver(entry)
        self.new = self.body.take_new()
        return self

    def answer(self, key: str, value: Any = None) -> Play:
        return self.tell(self.entry(key, value=codec.encode(value)))

    def fail(self, key: str, error: BaseException, **fields: Any) -> Play:
        return self.tell(
            self.entry(key, status=FAILED, error=failures.record(error), attempt=3, **fields)
        )

    def time_out(self, key: str, **default: Any) -> Play:
        value = codec.encode(default["default"]) if default else None
        return self.tell(self.entry(key, status=TIMED_OUT, value=value))

    def fire(self, key: str) -> Play:
        """A timer or a sleep comes due: the clock stands where it was set to."""
        return self.tell(self.entry(key, finished_at=self.body.asked[key].until))

    def cancel(self, reason: str = "") -> Play:
        return self.tell(
            Entry(
                key=CANCEL_KEY,
                kind=CANCEL,
                name="cancel",
                position=0,
                cause=self.body.seq,
                status=COMPLETED,
                seq=self.body.seq + 1,
                detail={"reason": reason},
                finished_at=self.body.now + SECOND,
            )
        )

    def entry(self, key: str, **fields: Any) -> Entry:
        command = self.body.asked[key]
        return Entry(
            key=key,
            kind=command.kind,
            name=command.name,
            position=command.position,
            cause=command.cause,
            seq=self.body.seq + 1,
            started_at=self.body.now,
            **{
                "status": COMPLETED,
                "attempt": 1,
                "finished_at": self.body.now + SECOND,
                **fields,
            },
        )

    def answer_all(self, outcomes: Mapping[str, Any]) -> Play:
        """Answer whatever the body waits for, oldest first, as long as `outcomes` has it."""
        while key := next((one.key for one in self.body.pending if one.key in outcomes), None):
            outcome = outcomes[key]
            if isinstance(outcome, BaseException):
                self.fail(key, outcome)
            else:
                self.answer(key, outcome)
        return self

    # ---- what came of it -------------------------------------------------------------

    @property
    def asked(self) -> list[str]:
        return list(self.body.asked)

    @property
    def pending(self) -> list[str]:
        return [command.key for command in self.body.pending]

    @property
    def value(self) -> Any:
        end = self.body.end
        assert isinstance(end, Returned), f"{end}, while it waits for {self.pending}"
        return end.value

    @property
    def error(self) -> BaseException:
        end = self.body.end
        assert isinstance(end, Raised), f"{end}, while it waits for {self.pending}"
        return end.error

    def replay(self, fn: Function | None = None) -> Play:
        """Another worker takes over: the same code (or `fn`) against the same journal."""
        again = Play(
            fn or self.fn,
            *self.args,
            run=self.run,
            history=self.history,
            effects=self.effects,
            compensates=self.compensates,
        ).begin()
        for entry in self.journal:
            again.tell(entry)
        return again

    @property
    def history(self) -> History:
        """The journal as another worker would load it."""
        answered = {entry.key for entry in self.journal}
        asked = [one for one in self.body.asked.values() if one.key not in answered]
        opened = [
            Entry(
                key=one.key,
                kind=one.kind,
                name=one.name,
                position=one.position,
                cause=one.cause,
                status=OPEN,
            )
            for one in asked
            if one.kind == PATCH or not one.is_abandoned
        ]
        return History.of([*self.journal, *opened])

    def retold(self, *keys: str) -> Play:
        """A replay whose journal has the outcomes in another order."""
        again = Play(self.fn, *self.args, run=self.run).begin()
        by_key = {entry.key: entry for entry in self.journal}
        for seq, key in enumerate(keys, start=1):
            again.tell(replace(by_key[key], seq=seq))
        return again

    def close(self) -> bool:
        return self.body.close()
