"""The context: everything that a workflow's body may ask for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Literal, TypeVarTuple, overload
from uuid import UUID

from typing_extensions import TypeVar

from orchestrator.core.about import AboutRun, I
from orchestrator.core.body import Body
from orchestrator.core.changes import changes_in
from orchestrator.core.children import ChildRun, HasId, Startable, id_of, name_of, output_of
from orchestrator.core.codec import encode
from orchestrator.core.commands import (
    NOT_GIVEN,
    Command,
    OnAmbiguous,
    Remote,
    StepCall,
    Timer,
    Wait,
)
from orchestrator.core.durations import Duration, from_parts, later
from orchestrator.core.errors import CompensationFailed, StepFailed
from orchestrator.core.info import Effects, RunInfo
from orchestrator.core.journal import CHILD, COMPLETED, EVENT, PATCH, SLEEP, STEP
from orchestrator.core.names import MAX_NAME, check_choice, check_key, check_remote, check_step
from orchestrator.core.retry import Retry
from orchestrator.core.schemas import check_schema, payload_check

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

Detail = dict[str, Any] | Callable[[], dict[str, Any]]


class Context(AboutRun[I]):
    """Handed to a workflow's body as `ctx`. Everything it does is recorded in the journal."""

    def __init__(self, body: Body, info: RunInfo, step_retry: Retry, effects: Effects) -> None:
        super().__init__(body, info)
        self._step_retry = step_retry
        self._effects = effects
        self._patches: dict[str, bool] = {}
        # Changes that this run took when it began, or else never.
        self._changes: frozenset[str] = frozenset()
        self._undo: list[tuple[str, Callable[[Any], Any], Any]] = []

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
        queue: str | None = None,
        remote: bool = False,
        compensate: Callable[[Any], Any] | None = None,
        at_most_once: bool = False,
        on_ambiguous: OnAmbiguous = "ask",
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
        queue: str | None = None,
        remote: bool = False,
        compensate: Callable[[Any], Any] | None = None,
        at_most_once: bool = False,
        on_ambiguous: OnAmbiguous = "ask",
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
        queue: str | None = None,
        remote: bool = False,
        compensate: Callable[[Any], Any] | None = None,
        at_most_once: bool = False,
        on_ambiguous: OnAmbiguous = "ask",
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

        With an `idempotency_key`, the first result recorded under it for this workflow, by
        any run, is returned instead of running the function again. `compensate` is called
        with the step's result when what was done is to be undone: see `compensate`. With
        `at_most_once=True` the intent is recorded first; when a worker dies between that
        and the result, the function is not run again: an operator decides
        (`on_ambiguous="ask"`), or it fails, or is run again after all.

        With `remote=True` any worker that serves the run's queue may execute it, and with
        `queue=` any that serves that one, so that a run can use many of them; it holds none
        while it waits. Then `fn` must be a function that another process finds by its name,
        and `args` must be storable: else a TypeError says what to write instead.
        """
        self._check(name)
        check_step(name, fn, retry=retry, compensate=compensate, atomic=atomic)
        check_key(f"step {name!r}: idempotency_key", idempotency_key)
        check_choice(f"step {name!r}: on_ambiguous", on_ambiguous, ("ask", "fail", "retry"))
        check_remote(name, queue=queue, remote=remote)
        command = self._body.ask(
            StepCall,
            kind=STEP,
            name=name,
            fn=fn,
            args=args,
            retry=retry or self._step_retry,
            timeout=None if timeout is None else later(self._body.now, timeout) - self._body.now,
            idempotency_key=idempotency_key,
            atomic=atomic,
            at_most_once=at_most_once,
            on_ambiguous=on_ambiguous,
            remote=self._remote(name, fn, args, queue) if remote or queue else None,
        )
        result = await command.future
        if compensate is not None:
            self._undo.append((command.key, compensate, result))
        return result

    def _remote(
        self, name: str, fn: Callable[..., Any], args: tuple[Any, ...], queue: str | None
    ) -> Remote:
        made = self._body.new_detail(name, lambda: self._effects.handed(name, fn, args))
        return Remote(queue=queue, function=made.get("function"), args=made.get("args"))

    async def compensate(self) -> None:
        """Undo the steps that were given `compensate=`, the last one first.

        Each is a recorded, retried step named `undo <key>`. Called by itself when the body
        fails, unless the workflow says `compensate=False`. All are tried; raises
        CompensationFailed if any could not be done.
        """
        failed: list[StepFailed] = []
        while self._undo:
            key, undo, result = self._undo[-1]
            try:
                await self.step(f"undo {key}"[:MAX_NAME], undo, result)
            except StepFailed as error:
                failed.append(error)
            # Not before: a cancel meanwhile must not make it forgotten.
            self._undo.pop()
        if failed:
            names = ", ".join(error.key for error in failed)
            raise CompensationFailed(f"not undone: {names}") from failed[0]

    async def start_child(
        self,
        workflow: Startable,
        input: Any = None,
        *,
        name: str | None = None,
        wait: bool = True,
        on_parent_cancel: Literal["cancel", "abandon"] = "cancel",
    ) -> Any:
        """Start a run of another workflow, and wait for its output.

        Raises RunFailed or RunCancelled with the child's error. With `wait=False` it
        returns at once what `send_event` takes as its target: a `ChildRun` with the
        child's id. When this run is cancelled its children are too, unless
        `on_parent_cancel="abandon"`.
        """
        check_choice("on_parent_cancel", on_parent_cancel, ("cancel", "abandon"))
        child = name_of(workflow)
        if not wait:
            start = self._effects.start_child
            child_id = await self.step(
                name or child, start, child, input, on_parent_cancel, atomic=True
            )
            return ChildRun(child_id)
        return await self.wait(
            name or child,
            kind=CHILD,
            detail=lambda: self._effects.child_detail(child, input, on_parent_cancel),
            read=output_of,
        )

    async def send_event(
        self, target: HasId | UUID | str, name: str, payload: Any = None, *, key: str | None = None
    ) -> dict[str, Any]:
        """Send an event to another run, once. Returns `{"delivered": …, "reason": …}`."""
        target_id, send = id_of(target), self._effects.send_event
        sent: dict[str, Any] = await self.step(
            f"send {name}"[:MAX_NAME], send, target_id, name, payload, key, atomic=True
        )
        return sent

    def patched(self, change: str) -> bool:
        """Whether this run takes the changed branch.

        True for runs that began after the change was deployed, and then on every replay;
        False for those that were under way. Write the text of the change where it is used:
        of one that is made at run time nobody knows whether it was there when the run began,
        and it is False only for runs that had passed this place.
        """
        self._check(change)
        known, name = self._patches.get(change), f"@patch {change}"
        if known is None:
            is_new = not self._body.is_replaying and change not in self._changes
            known = name in self._body.history.patches or is_new
            self._patches[change] = known
            if known and name not in self._body.history.patches:
                self._body.ask(Command, kind=PATCH, name=name).answered = True
        return known

    def take_changes(self, changes: frozenset[str]) -> None:
        """Called once, before the body: a run that begins takes each change of its code."""
        if not self._body.history.keys:
            for change in sorted(changes):
                self.patched(change)
        self._changes = changes

    async def sleep(
        self, duration: Duration | None = None, /, *, name: str = "sleep", **parts: float
    ) -> None:
        """Wait for `duration`, or for `days=1, hours=2` and the like. Holds nothing but a row."""
        if (duration is None) == (not parts):
            raise TypeError("sleep takes a duration, or its parts such as days=1, hours=2")
        length = from_parts(parts) if duration is None else duration
        await self._sleep_until(later(self._body.now, length), name)

    async def sleep_until(self, instant: datetime, /, *, name: str = "sleep") -> None:
        """Wait until `instant`, which must carry a time zone."""
        if not isinstance(instant, datetime):
            raise TypeError(f"sleep_until takes a datetime, not {instant!r}; see also sleep")
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
        detail: Detail | None = None,
        read: Callable[[Any], Any] | None = None,
    ) -> Any:
        """Wait in a way that an app has registered with `orchestrator.waits.register`.

        `detail` is JSON, or a function that makes it and is called for a new wait alone;
        the app's `opened` gets it in the transaction that records the wait. Without
        `event` the wait is answered by `orchestrator.waits.answer`.
        """
        self._check(name)
        check_key(f"wait {name!r}: key", correlation)
        check_schema(f"wait {name!r}: schema", schema)
        if default is not NOT_GIVEN:
            encode(default, root="default")  # It is stored when the time is over: too late.
        until = None if timeout is None else later(self._body.now, timeout)
        if callable(detail):
            detail = self._body.new_detail(name, detail)
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
            read=read,
        )
        result = await command.future
        # The sender checks too, but not an event that came before the wait.
        if schema is not None and self._body.seen[command.key].status == COMPLETED:
            return payload_check(schema, result, name)
        return result

    async def _sleep_until(self, instant: datetime, name: str) -> None:
        self._check(name)
        command = self._body.ask(Timer, kind=SLEEP, name=name, until=instant)
        await command.future


async def played(
    ctx: Context[Any], fn: Callable[..., Any], args: tuple[Any, ...], *, compensates: bool
) -> Any:
    """The body, and the undoing of its steps when it fails."""
    ctx.take_changes(changes_in(fn))
    try:
        return await fn(*args)
    except Exception:
        if compensates:
            await ctx.compensate()
        raise
