"""Executes one attempt of a step, somewhere, and hands back how it ended.

A sync function runs in a thread of the pool, or at once in the driver's own thread when
it is known to be quick; an async one on the process's real event loop. A sync step with
a timeout has a thread of its own: it cannot be stopped, and when it hangs it must not
take a place in the pool with it.
"""

from __future__ import annotations

import asyncio
import copy
import inspect
import logging
import threading
import time
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from django.db import close_old_connections, connections, transaction

from orchestrator import failpoints
from orchestrator.clock import Estimate
from orchestrator.conf import conf
from orchestrator.core.codec import encode
from orchestrator.core.errors import StepTimeout
from orchestrator.core.journal import Entry
from orchestrator.core.notes import LEVELS, Line, Log, line
from orchestrator.core.step import CurrentStep, Pulse, executing
from orchestrator.database import ALIAS
from orchestrator.engine.pool import Pool
from orchestrator.engine.real_loop import RealLoop

logger = logging.getLogger("orchestrator.step")

# A function that took no longer than this on average runs in the driver's own thread.
QUICK_SECONDS = 0.002
SAMPLES = 3

_IMMUTABLE = (str, int, float, bool, bytes, type(None), datetime, date, timedelta, Decimal, UUID)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One attempt of a step, to be executed."""

    run_id: UUID
    key: str
    number: int
    fn: Callable[..., Any]
    args: tuple[Any, ...]
    timeout: timedelta | None
    idempotency_key: str
    atomic: bool = False
    # Whether the author gave the key: then it counts for every run of the workflow.
    is_shared: bool = False
    # What the attempt before has told.
    details: Any = None
    # What the step's logger writes, to be stored with how the attempt ends.
    lines: list[Line] = field(default_factory=list)
    pulse: Pulse = field(default_factory=Pulse)

    @property
    def told(self) -> Any:
        """What the next attempt finds. One that tells nothing leaves what it has found."""
        return self.details if self.pulse.details is None else self.pulse.details

    @property
    def is_async(self) -> bool:
        return inspect.iscoroutinefunction(self.fn)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How an attempt ended: with a value (as text), or with an error."""

    call: Call
    started_at: datetime
    finished_at: datetime
    value: str | None = None
    error: BaseException | None = None
    # The error as it was recorded where it happened, if that was elsewhere.
    failure: dict[str, Any] | None = None
    # The outcome, when an atomic step has recorded it itself.
    recorded: Entry | None = None
    # Another step with the same idempotency key had this result before.
    is_known: bool = False


# Records an atomic step: called in its transaction with its encoded result. Returns the
# outcome, if it is for the journal.
Record = Callable[[Call, str, datetime, datetime], Entry | None]


class Executor:
    """Executes attempts, sync ones in up to `threads` threads, async ones on the `loop`.

    `inline` ones wait for each attempt.
    """

    def __init__(
        self,
        clock: Estimate,
        *,
        inline: bool = False,
        threads: int | None = None,
        loop: RealLoop | None = None,
    ) -> None:
        self.clock = clock
        self._inline = inline
        self._paces: dict[str, tuple[int, float]] = {}
        self._pool = Pool(conf.STEP_THREADS if threads is None else threads)
        self._loop = loop or RealLoop()

    def execute(
        self, call: Call, done: Callable[[Ended], None], record: Record | None = None
    ) -> Ended | None:
        """Execute `call`. Returns how it ended if that is known at once; else calls `done`."""
        if call.is_async:
            return self._execute_async(call, done)
        work = partial(self._attempt, call, record)
        if self._inline or (call.timeout is None and self._is_quick(call.fn)):
            return work()
        if call.timeout is None:
            self._pool.submit(partial(self._in_thread, work, call, done))
        else:
            thread = threading.Thread(
                target=self._in_own_thread,
                args=(work, call, done),
                name=f"step {call.key}",
                daemon=True,
            )
            thread.start()
        return None

    @property
    def is_full(self) -> bool:
        """Whether attempts wait for a thread."""
        return self._pool.is_full

    def close(self) -> None:
        """Take no more attempts. Those in threads are left to end with the process."""
        self._pool.close()
        self._loop.stop()

    # ---- one attempt -----------------------------------------------------------------

    def _attempt(self, call: Call, record: Record | None) -> Ended:
        started_at, began = self.clock.now(), time.perf_counter()
        try:
            with self._executing(call):
                value, recorded = self._call(call, record, started_at)
        except Exception as error:
            return Ended(
                call=call, started_at=started_at, finished_at=self.clock.now(), error=error
            )
        except (SystemExit, asyncio.CancelledError) as error:
            return Ended(
                call=call, started_at=started_at, finished_at=self.clock.now(), error=error
            )
        self._note_pace(call.fn, time.perf_counter() - began)
        return Ended(
            call=call,
            started_at=started_at,
            finished_at=self.clock.now(),
            value=value,
            recorded=recorded,
        )

    def _call(
        self, call: Call, record: Record | None, started_at: datetime
    ) -> tuple[str, Entry | None]:
        if record is None:
            return self._value_of(call), None
        with transaction.atomic(using=ALIAS):
            value = self._value_of(call)
            # The fence comes last: a page that updates the same business rows and then
            # sends an event takes the locks in this order too.
            return value, record(call, value, started_at, self.clock.now())

    def _value_of(self, call: Call) -> str:
        _hit("before_body", call)
        value = call.fn(*_own_copies(call.args))
        _hit("after_body", call)
        if inspect.iscoroutine(value):
            # `lambda: fetch(url, retries=3)` with an async `fetch`.
            value = self._awaited(call, value)
        return encode(value, root="result", limit=conf.MAX_PAYLOAD)

    def _awaited(self, call: Call, coroutine: Coroutine[Any, Any, Any]) -> Any:
        if call.atomic:
            coroutine.close()
            raise TypeError(f"step {call.key!r}: an atomic step must be a sync function")

        async def executing() -> Any:
            with self._executing(call):
                return await coroutine

        return asyncio.run_coroutine_threadsafe(executing(), self._loop.running()).result()

    # ---- where it runs ---------------------------------------------------------------

    def _in_thread(
        self, work: Callable[[], Ended], call: Call, done: Callable[[Ended], None]
    ) -> None:
        close_old_connections()
        try:
            done(work())
        except BaseException as error:
            done(self._died(call, error))
        finally:
            close_old_connections()

    def _in_own_thread(
        self, work: Callable[[], Ended], call: Call, done: Callable[[Ended], None]
    ) -> None:
        try:
            self._in_thread(work, call, done)
        finally:
            connections.close_all()

    def _died(self, call: Call, error: BaseException) -> Ended:
        now = self.clock.now()
        return Ended(call=call, started_at=now, finished_at=now, error=error)

    def _execute_async(self, call: Call, done: Callable[[Ended], None]) -> Ended | None:
        future = asyncio.run_coroutine_threadsafe(self._attempt_async(call), self._loop.running())
        if self._inline:
            return future.result()
        future.add_done_callback(
            lambda ended: done(
                self._died(call, error) if (error := ended.exception()) else ended.result()
            )
        )
        return None

    async def _attempt_async(self, call: Call) -> Ended:
        started_at = self.clock.now()
        value, error = None, None
        try:
            with self._executing(call):
                value = await self._value_of_async(call)
        except (Exception, SystemExit, asyncio.CancelledError) as raised:
            error = raised
        return Ended(
            call=call, started_at=started_at, finished_at=self.clock.now(), value=value, error=error
        )

    async def _value_of_async(self, call: Call) -> str:
        _hit("before_body", call)
        seconds = None if call.timeout is None else call.timeout.total_seconds()
        limit = asyncio.timeout(seconds)
        try:
            async with limit:
                value = await call.fn(*_own_copies(call.args))
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise timed_out(call) from error
        _hit("after_body", call)
        return encode(value, root="result", limit=conf.MAX_PAYLOAD)

    def _executing(self, call: Call) -> AbstractContextManager[None]:
        def write(level: str, message: str, fields: dict[str, Any]) -> None:
            where = {"key": call.key, "attempt": call.number, "at": self.clock.now()}
            made = line(level, message, fields, **where)
            call.lines.append(made)
            extra = {"run_id": str(call.run_id), "step": call.key, "fields": made.fields}
            logger.log(LEVELS[level], made.message, extra=extra)

        step = CurrentStep(
            run_id=call.run_id,
            name=call.key,
            attempt=call.number,
            idempotency_key=call.idempotency_key,
            logger=Log(write),
            details=call.details,
            _pulse=call.pulse,
        )
        return executing(step)

    # ---- which functions are quick ---------------------------------------------------

    def _is_quick(self, fn: Callable[..., Any]) -> bool:
        samples, average = self._paces.get(_name(fn), (0, 0.0))
        return samples >= SAMPLES and average <= QUICK_SECONDS

    def _note_pace(self, fn: Callable[..., Any], seconds: float) -> None:
        samples, average = self._paces.get(_name(fn), (0, seconds))
        # A moving average: one slow call sends the function back to the pool.
        self._paces[_name(fn)] = (samples + 1, average + (seconds - average) * 0.3)


def _hit(failpoint: str, call: Call) -> None:
    failpoints.hit(
        failpoint, [call.run_id], steps=[call.key], attempt=call.number, limit=call.timeout
    )


def timed_out(call: Call) -> StepTimeout:
    """The error of an attempt that took longer than its timeout."""
    assert call.timeout is not None
    return StepTimeout.of(call.key, call.timeout)


def _own_copies(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Arguments that the step may change without changing what the body holds.

    A replay does not run the step again, so the body must not see its changes at first
    either. What cannot be copied (a client, a lock) is passed as it is.
    """
    return tuple(arg if isinstance(arg, _IMMUTABLE) else _copy(arg) for arg in args)


def _copy(value: Any) -> Any:
    try:
        return copy.deepcopy(value)
    except Exception:
        return value


def _name(fn: Callable[..., Any]) -> str:
    while isinstance(fn, partial):
        fn = fn.func
    return f"{getattr(fn, '__module__', '')}.{getattr(fn, '__qualname__', type(fn).__qualname__)}"
