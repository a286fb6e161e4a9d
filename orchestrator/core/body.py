"""A body at work: the author's coroutine, driven by outcomes alone.

`begin`, `deliver` and `cancel` each run the body until it waits again. What it asked for
meanwhile is in `take_new()`; whether it has ended, in `end`. The body does no I/O, and
nothing here does: the engine executes, the body decides.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

from orchestrator.core.checkpoints import Checkpoint, branch
from orchestrator.core.commands import Command, Timer
from orchestrator.core.errors import NestedStep, NonDeterminism, TooManyAtOnce
from orchestrator.core.info import Seen
from orchestrator.core.journal import CANCEL, OPEN, PATCH, TIMER, Entry, History
from orchestrator.core.loop import Loop, NumberedTask
from orchestrator.core.notes import Notes

C = TypeVar("C", bound=Command)


@dataclass(frozen=True, slots=True)
class Returned:
    value: Any


@dataclass(frozen=True, slots=True)
class Raised:
    error: BaseException


class Dropped(BaseException):
    """Unwinds a suspended coroutine. Not an Exception, so `except Exception` lets it pass.

    Not GeneratorExit either: Python closes what a coroutine awaits before it throws that,
    and forbids it to wait again, as `finally: await ctx.step(…)` does.
    """


# What a run may wait for at once. Not a setting: a replay must come to the same.
MAX_PENDING = 2_000

# A coroutine may wait again in each of its `finally`s. One that goes on for ever is stuck.
MAX_DROPS = 100


@dataclass(slots=True, eq=False)
class FiredTimer(Timer):
    """A timer that asyncio set. Its outcome makes the handle's callback ready."""

    handle: asyncio.TimerHandle = field(kw_only=True)
    fire: Callable[[asyncio.TimerHandle], None] = field(kw_only=True)

    @property
    def is_abandoned(self) -> bool:
        return not self.answered and self.handle.cancelled()

    def answer(self, entry: Entry) -> None:
        self.answered = True
        self.fire(self.handle)


class Body:
    """One live execution of a workflow's function."""

    def __init__(
        self,
        started_at: datetime,
        history: History | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> None:
        self.history = history or History()
        self.checkpoint = checkpoint
        self.notes = Notes()
        self.started_at = started_at
        self.now = started_at
        self.seq = 0
        # When the body was told of a cancel, and why.
        self.cancelled_at: datetime | None = None
        self.cancel_reason = ""
        self.asked: dict[str, Command] = {}
        self.seen: dict[str, Seen] = {}
        # Runs' numbers lie apart: asyncio has a set of the tasks of all loops.
        number = int(started_at.timestamp() * 1_000_000) << 16
        self.loop = Loop(self._ask_timer, first_number=number)  # type: ignore[abstract] # the rest is refused, see there
        self._new: list[Command] = []
        self._names: Counter[str] = Counter()
        self._places = 0
        self._main: asyncio.Task[Any] | None = None
        # What was asked for and never got an outcome, when it was counted last.
        self._given_up = 0
        self._stopped: Exception | None = None
        if checkpoint is not None:
            self.seq, self._places = checkpoint.seq, checkpoint.position
            self._names.update(checkpoint.names)
            self.notes.made = checkpoint.lines
            self._advance(checkpoint.now)

    # ---- driven by the engine --------------------------------------------------------

    def begin(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        """Start the coroutine and run it until it waits."""
        # Whatever the driver's context holds is none of the body's business.
        self._main = self.loop.create_task(coroutine, context=contextvars.Context())
        self._run()

    def deliver(self, entry: Entry) -> None:
        """Hand over the next outcome and run until the body waits again.

        Raises NonDeterminism when the body has not asked for this entry, and
        UndecodableValue.
        """
        # What is from before the checkpoint does not turn back the count.
        self.seq = max(self.seq, entry.seq or self.seq + 1)
        if entry.finished_at is not None:
            self._advance(entry.finished_at)
        if entry.kind == CANCEL:
            self._cancel(entry)
        else:
            command = self._asked_for(entry)
            self.seen[entry.key] = Seen(
                entry.seq, entry.status, entry.attempt, entry.started_at, entry.finished_at
            )
            command.answer(entry)
        self._run()

    def _run(self) -> None:
        self.loop.run_until_idle()
        if self._stopped is not None:
            raise self._stopped

    def take_new(self) -> list[Command]:
        """What was asked for since the last call, in order, less what was given up again."""
        new, self._new = self._new, []
        return [command for command in new if not command.is_abandoned]

    @property
    def end(self) -> Returned | Raised | None:
        """How the body has ended; None while it goes on."""
        main = self._main
        if main is None or not main.done():
            return None
        if main.cancelled():
            return Raised(asyncio.CancelledError())
        error = main.exception()
        return Returned(main.result()) if error is None else Raised(error)

    @property
    def is_cancelled(self) -> bool:
        return self.cancelled_at is not None

    @property
    def pending(self) -> list[Command]:
        """What the body waits for now."""
        return [one for one in self.asked.values() if not one.answered and not one.is_abandoned]

    def close(self) -> bool:
        """Drop the body where it stands. False if it would not be dropped in silence.

        It is unwound with an exception that `except Exception` does not see. A body that
        catches even that took a suspension for an error.
        """
        self.loop.is_closing = True
        with self.loop.running():
            # A list, not a generator: every task must be dropped, also after a bad one.
            silent = [_drop(task, self.loop) for task in self.loop.tasks if not task.done()]
        self.loop.tasks.clear()
        return all(silent)

    @property
    def first_position(self) -> int:
        """The place before the first that this body takes."""
        return self.checkpoint.position if self.checkpoint else 0

    @property
    def is_replaying(self) -> bool:
        """Whether the body has been here before, as far as the journal can tell."""
        return self.seq < self.history.last_seq or self.seq <= self.history.last_cause

    # ---- asked by the context and the loop -------------------------------------------

    def ask(self, make: Callable[..., C], *, kind: str, name: str, **fields: Any) -> C:
        """Note a new command under a key of its own."""
        if asyncio._get_running_loop() is not self.loop:
            raise NestedStep(
                f"{name!r} was asked for outside of the workflow's body: in a thread, in a step "
                "or in another run"
            )
        self._check_pending()
        name = str.__str__(name)  # of a StrEnum, say: a key is plain text
        part = branch.get()
        known = part and part.known_key(name)
        # A change that was taken is not asked for again: it must not move the others. What
        # is asked for again after a checkpoint has its place.
        self._places += kind != PATCH and not known
        if known:
            key = known
        else:
            key, self._names[name] = self._free_key(name)
        if part is not None and not known:
            part.keys.append(key)
        command = make(
            key=key,
            kind=kind,
            name=name,
            position=self._places,
            cause=self.seq,
            future=self.loop.create_future(),
            **fields,
        )
        if not self.loop.is_closing:
            self.asked[command.key] = command
            self._new.append(command)
        return command

    def _check_pending(self) -> None:
        """Raises TooManyAtOnce. All are looked at only when they may be too many."""
        if len(self.asked) - len(self.seen) - self._given_up < MAX_PENDING:
            return
        pending = len(self.pending)
        self._given_up = len(self.asked) - len(self.seen) - pending
        if pending >= MAX_PENDING and not self.loop.is_closing:
            raise TooManyAtOnce(MAX_PENDING)

    def new_detail(self, name: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What `make` makes of a wait that is about to be asked for; {} if it is recorded.

        So what is recorded is not judged again by what code and settings say today.
        """
        key, number = self._free_key(name)
        part = branch.get()
        if key in self.history.keys or (part is not None and part.asks_again):
            return {}
        try:
            return make()
        except Exception:
            # Its key is used up: else a replay would take the next wait of that name for it.
            self._names[name] = number
            raise

    # ---- checkpoints -----------------------------------------------------------------

    def keep(self, value: str, keys: Iterable[str]) -> None:
        """Let later replays begin here, with this value. They ask again for these keys."""
        if self.loop.is_closing or self.is_cancelled:
            return
        self.notes.checkpoint = Checkpoint(
            seq=self.seq,
            position=self._places,
            now=self.now,
            names=dict(self._names),
            lines=self.notes.made,
            kept=list(keys),
            value=value,
        )

    def mark(self, key: str, *, kind: str, name: str, detail: dict[str, Any]) -> Entry:
        """Note something that is recorded with the next save; what was noted before stands."""
        self._places += 1
        entry = self.history.marks.get(key)
        if entry is None:
            entry = Entry(
                key=key,
                kind=kind,
                name=name,
                position=self._places,
                cause=self.seq,
                status=OPEN,
                detail=detail,
                started_at=self.now,
            )
            self._note(entry)
        return entry

    def close_mark(self, entry: Entry, status: str, **fields: Any) -> None:
        """Say what became of what was noted."""
        if self.history.marks.get(entry.key, entry).status != status:
            self._note(replace(entry, status=status, finished_at=self.now, **fields))

    def _note(self, entry: Entry) -> None:
        if not self.loop.is_closing:
            self.notes.marks[entry.key] = self.history.marks[entry.key] = entry

    def let_go(self, keys: Iterable[str]) -> None:
        """What was asked for before the checkpoint and is not wanted any more."""
        entries = {one.key: one for one in (*self.history.outcomes, *self.history.open.values())}
        for key in keys:
            if (entry := entries.get(key)) is not None:
                command = Command(
                    key=key,
                    kind=entry.kind,
                    name=entry.name,
                    position=entry.position,
                    cause=entry.cause,
                    future=self.loop.create_future(),
                )
                command.future.cancel()
                self.asked[key] = command

    def stop(self, error: Exception) -> None:
        """The run cannot go on, and is blocked with this error."""
        self._stopped = error

    def _ask_timer(self, handle: asyncio.TimerHandle) -> None:
        try:
            until = self.started_at + timedelta(seconds=handle.when())
        except (OverflowError, ValueError) as error:  # inf and nan, too
            raise ValueError(
                f"asyncio was asked for a timer that no calendar has: {handle.when()} seconds "
                "after the run's start"
            ) from error
        self.ask(
            FiredTimer, kind=TIMER, name="timer", until=until, handle=handle, fire=self.loop.fire
        )

    def _free_key(self, name: str) -> tuple[str, int]:
        """The key that `name` gets when it is asked for next, and its number."""
        number = self._names[name] + 1
        while (key := name if number == 1 else f"{name}#{number}") in self.asked:
            number += 1
        return key, number

    def _advance(self, at: datetime) -> None:
        # Never backwards: workers' clocks may differ by a little.
        self.now = max(self.now, at)
        self.loop.seconds = (self.now - self.started_at).total_seconds()

    def _cancel(self, entry: Entry) -> None:
        self.cancelled_at = self.now
        self.cancel_reason = str((entry.detail or {}).get("reason") or "")
        if self._main is not None:
            self._main.cancel((entry.detail or {}).get("reason") or None)

    def _asked_for(self, entry: Entry) -> Command:
        command = self.asked.get(entry.key)
        if command is None or command.kind != entry.kind or command.answered:
            got = ", ".join(f"{one.kind} {one.key!r}" for one in self.pending) or "nothing"
            if self.end is not None:
                got = "the body has ended"
            expected = f"{entry.kind} {entry.key!r}"
            raise NonDeterminism(
                f"journal position {entry.seq}: the journal holds {expected}, "
                f"but the code asked for: {got}",
                expected=expected,
                got=got,
                position=entry.seq or 0,
            )
        return command


def _drop(task: NumberedTask, loop: Loop) -> bool:
    """Unwind a task's coroutine. False if it would not be unwound."""
    # The task is never run again; without this asyncio would complain about that.
    task._log_destroy_pending = False  # type: ignore[attr-defined]
    # A TaskGroup or a timeout in a `finally` asks which task it is in.
    asyncio.tasks._enter_task(loop, task)
    try:
        # The stubs allow for tasks without one; ours are made of coroutines.
        coroutine = cast(Coroutine[Any, Any, Any], task.get_coro())
        # A `finally` that resets a context variable can do so only in the task's own context.
        return task.context_vars.run(_unwind, coroutine)
    finally:
        asyncio.tasks._leave_task(loop, task)


def _unwind(coroutine: Coroutine[Any, Any, Any]) -> bool:
    first = thrown = Dropped()
    for _ in range(MAX_DROPS):
        try:
            coroutine.throw(thrown)
        except BaseException as error:
            return _is_unwinding(error, first)
        # It waits again, in a `finally`. Nothing was asked; go on from there.
        thrown = Dropped()
    return False


def _is_unwinding(error: BaseException, first: Dropped) -> bool:
    """Whether `error` ends what `first` began. A new one had nothing to be raised during."""
    if isinstance(error, BaseExceptionGroup):  # A TaskGroup wraps what its body raised.
        return all(_is_unwinding(one, first) for one in error.exceptions)
    found: BaseException | None = error if isinstance(error, Dropped) else None
    while found is not None and found is not first:
        found = found.__context__
    return found is first
