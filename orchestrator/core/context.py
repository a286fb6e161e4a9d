"""The context: everything that a workflow's body may ask for."""

from __future__ import annotations

import inspect
import random
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar, TypeVarTuple, overload
from uuid import UUID

from orchestrator.core.body import Body
from orchestrator.core.commands import NOT_GIVEN, StepCall, Timer, Wait
from orchestrator.core.durations import Duration, parse_duration
from orchestrator.core.errors import NestedStep
from orchestrator.core.journal import EVENT, SLEEP, STEP, Entry
from orchestrator.core.retry import Retry
from orchestrator.core.step import executing_key

T = TypeVar("T")
I = TypeVar("I")  # noqa: E741 - the input type
Ts = TypeVarTuple("Ts")

MAX_NAME = 180  # with `#n` a key still fits its column


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInfo:
    """What a body may know of its run. The same on every replay."""

    run_id: UUID
    workflow: str
    version: str
    attempt: int
    input: Any
    initiator: str | None
    tags: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StepMetadata:
    """What is recorded of a step that has its outcome."""

    key: str
    status: str
    attempts: int
    started_at: datetime | None
    completed_at: datetime | None

    @property
    def duration(self) -> timedelta | None:
        if self.started_at is None or self.completed_at is None:
            return None
        return max(self.completed_at - self.started_at, timedelta(0))


class Steps(Mapping[str, StepMetadata]):
    """`ctx.steps[key]`: the steps and waits whose outcome the body has seen."""

    def __init__(self, seen: Mapping[str, Entry]) -> None:
        self._seen = seen

    def __getitem__(self, key: str) -> StepMetadata:
        entry = self._seen[key]
        return StepMetadata(key, entry.status, entry.attempt, entry.started_at, entry.finished_at)

    def __iter__(self) -> Iterator[str]:
        return iter(self._seen)

    def __len__(self) -> int:
        return len(self._seen)


class Context(Generic[I]):
    """Handed to a workflow's body as `ctx`. Everything it does is recorded in the journal."""

    def __init__(self, body: Body, info: RunInfo, step_retry: Retry) -> None:
        self._body = body
        self._info = info
        self._step_retry = step_retry
        self.random = random.Random(info.run_id.int)
        """Random numbers that are the same on every replay."""
        self.steps: Mapping[str, StepMetadata] = Steps(body.seen)
        """Metadata of the steps whose outcome the body has seen, by key."""

    @property
    def run_id(self) -> UUID:
        return self._info.run_id

    @property
    def workflow(self) -> str:
        return self._info.workflow

    @property
    def version(self) -> str:
        return self._info.version

    @property
    def attempt(self) -> int:
        """Which attempt of the whole run this is, from 1."""
        return self._info.attempt

    @property
    def input(self) -> I:
        return self._info.input  # type: ignore[no-any-return]

    @property
    def initiator(self) -> str | None:
        """Who started the run, as given to `start(initiator=…)`; a user's name for a user."""
        return self._info.initiator

    @property
    def tags(self) -> Mapping[str, Any]:
        return self._info.tags

    def now(self) -> datetime:
        """The time of the last outcome, in UTC by the database's clock. Replays see the same."""
        return self._body.now

    def uuid4(self) -> UUID:
        """A random UUID that is the same on every replay."""
        return UUID(int=self.random.getrandbits(128), version=4)

    @overload
    async def step(
        self,
        name: str,
        fn: Callable[[*Ts], Awaitable[T]],
        /,
        *args: *Ts,
        retry: Retry | None = None,
        timeout: Duration | None = None,
        idempotency_key: str | None = None,
        atomic: bool = False,
    ) -> T: ...

    @overload
    async def step(
        self,
        name: str,
        fn: Callable[[*Ts], T],
        /,
        *args: *Ts,
        retry: Retry | None = None,
        timeout: Duration | None = None,
        idempotency_key: str | None = None,
        atomic: bool = False,
    ) -> T: ...

    async def step(  # type: ignore[misc] # mypy does not match *args: Any with *args: *Ts
        self,
        name: str,
        fn: Callable[..., Any],
        /,
        *args: Any,
        retry: Retry | None = None,
        timeout: Duration | None = None,
        idempotency_key: str | None = None,
        atomic: bool = False,
    ) -> Any:
        """Run `fn(*args)` once, record its result, and return it.

        The body runs at least once, and its result is recorded exactly once: a crash
        between the effect and the record repeats the effect, with the same
        `current_step().idempotency_key`. With `atomic=True` the function runs in the
        database transaction that records its result, so its ORM writes happen exactly
        once.

        A failed attempt is tried again as `retry` says, and a waiting retry holds no
        worker. When the attempts are used up, the original error is raised here, as an
        instance of its class and of `StepFailed`. An attempt that takes longer than
        `timeout` fails with `StepTimeout`; a sync function cannot be stopped, so its late
        result is ignored.
        """
        self._check(name)
        if not callable(fn):
            raise TypeError(f"step {name!r}: {fn!r} is not a function (pass it without calling it)")
        if atomic and inspect.iscoroutinefunction(fn):
            raise TypeError(f"step {name!r}: an atomic step must be a sync function")
        command = self._body.ask(
            StepCall,
            kind=STEP,
            name=name,
            fn=fn,
            args=args,
            retry=retry or self._step_retry,
            timeout=None if timeout is None else parse_duration(timeout),
            idempotency_key=idempotency_key,
            atomic=atomic,
        )
        return await command.future

    async def sleep(
        self, duration: Duration | None = None, /, *, name: str = "sleep", **parts: float
    ) -> None:
        """Wait for `duration`, or for `days=1, hours=2` and the like. Holds nothing but a row."""
        if (duration is None) == (not parts):
            raise TypeError("sleep takes a duration, or its parts such as days=1, hours=2")
        length = timedelta(**parts) if duration is None else parse_duration(duration)
        await self._sleep_until(self._body.now + parse_duration(length), name)

    async def sleep_until(self, instant: datetime, /, *, name: str = "sleep") -> None:
        """Wait until `instant`, which must carry a time zone."""
        if instant.tzinfo is None:
            raise ValueError(f"sleep_until needs a time zone: {instant!r}")
        await self._sleep_until(instant, name)

    async def wait_for_event(
        self,
        name: str,
        key: str | None = None,
        *,
        timeout: Duration | None = None,
        default: Any = NOT_GIVEN,
        schema: Any = None,
    ) -> Any:
        """Wait for the next event of that name (and key), and return its payload.

        Events that came before the wait count. On timeout: `default`, or `EventTimeout`
        when none was given. `schema` (a type, a pydantic model or a callable that
        raises) is checked at the sender.
        """
        return await self.wait(
            name,
            kind=EVENT,
            event=name,
            correlation=key,
            timeout=timeout,
            default=default,
            schema=schema,
        )

    async def wait(
        self,
        name: str,
        *,
        kind: str,
        event: str | None = None,
        correlation: str | None = None,
        timeout: Duration | None = None,
        default: Any = NOT_GIVEN,
        schema: Any = None,
        detail: dict[str, Any] | None = None,
    ) -> Any:
        """Wait in a way that an app has registered with `orchestrator.waits.register`.

        `detail` is JSON; the app's `opened` gets it in the transaction that records the
        wait. Without `event` the wait is answered by `orchestrator.waits.answer`.
        """
        self._check(name)
        until = None if timeout is None else self._body.now + parse_duration(timeout)
        command = self._body.ask(
            Wait,
            kind=kind,
            name=name,
            event=event or "",
            correlation=correlation,
            until=until,
            default=default,
            detail=detail or {},
            schema=schema,
        )
        return await command.future

    async def _sleep_until(self, instant: datetime, name: str) -> None:
        self._check(name)
        command = self._body.ask(Timer, kind=SLEEP, name=name, until=instant)
        await command.future

    def _check(self, name: str) -> None:
        if outer := executing_key():
            raise NestedStep(
                f"{name!r} was asked for inside the step {outer!r}. A step is one thing: "
                "ask for both in the workflow's body."
            )
        if not name or len(name) > MAX_NAME or "\x00" in name:
            raise ValueError(f"a step's name is a text of 1 to {MAX_NAME} characters, not {name!r}")
        if name.startswith("@"):
            raise ValueError(f"names that start with @ are the engine's own: {name!r}")
