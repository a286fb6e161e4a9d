"""The deterministic event loop that drives a workflow's body.

It has a clock that only outcomes move, a ready queue that runs in FIFO order, and
nothing else: what needs a real loop is refused with an error that says what to do.
Tried with `gather`, `TaskGroup`, `wait`, `as_completed`, `timeout`, `Lock`, `Semaphore`
and `Queue` of CPython 3.11 to 3.13.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import itertools
import sys
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from contextvars import Context as ContextVars
from contextvars import copy_context
from types import FunctionType
from typing import Any

# A body that asks for nothing and never rests would hold its worker for ever.
MAX_CALLBACKS = 1_000_000


class NeverIdle(RuntimeError):
    """The body went on for a million callbacks without waiting for anything durable."""


class NumberedTask(asyncio.Task[Any]):
    """A task whose hash is its number in its run, and not its place in memory.

    asyncio keeps tasks in sets. What `asyncio.wait` returns, and the order in which a
    TaskGroup cancels its tasks, would else change from one replay to the next.
    """

    def __init__(
        self,
        number: int,
        coro: Coroutine[Any, Any, Any],
        *,
        context: ContextVars | None = None,
        **options: Any,
    ) -> None:
        self.number = number  # first: to be a task is to be in a set
        # Who drops the task needs it, and asyncio tells it only since 3.12.
        self.context_vars = copy_context() if context is None else context
        super().__init__(coro, context=self.context_vars, **options)

    def __hash__(self) -> int:
        return self.number


class NumberedFuture(asyncio.Future[Any]):
    """A future whose hash is its number: `asyncio.shield` makes them, and `wait` takes them."""

    def __init__(self, number: int, *, loop: asyncio.AbstractEventLoop) -> None:
        self.number = number
        super().__init__(loop=loop)

    def __hash__(self) -> int:
        return self.number


class Loop(asyncio.AbstractEventLoop):
    """Runs coroutines until they all wait.

    `ask_timer` is called for each timer that asyncio sets, with its handle.
    """

    def __init__(
        self, ask_timer: Callable[[asyncio.TimerHandle], None], *, first_number: int = 0
    ) -> None:
        self.seconds = 0.0
        self.is_closing = False
        self.tasks: list[NumberedTask] = []
        self._ask_timer = ask_timer
        self._ready: deque[asyncio.Handle] = deque()
        self._numbers = itertools.count(first_number)
        self._names = itertools.count(1)
        self._prune_at = 64

    def run_until_idle(self) -> None:
        """Run what is ready, in order, until nothing is."""
        with self.running():
            for _ in range(MAX_CALLBACKS):
                if not self._ready:
                    return
                handle = self._ready.popleft()
                if not handle.cancelled():
                    # SystemExit ends the task, which holds it, and not the worker.
                    with contextlib.suppress(SystemExit):
                        handle._run()
        raise NeverIdle("the workflow's body never came to rest")

    @contextmanager
    def running(self) -> Iterator[None]:
        """Be the running loop of this thread; give the place back afterwards."""
        before, hooks = asyncio._get_running_loop(), sys.get_asyncgen_hooks()
        asyncio._set_running_loop(self)
        sys.set_asyncgen_hooks(firstiter=None, finalizer=self._finish)
        try:
            yield
        finally:
            sys.set_asyncgen_hooks(*hooks)
            asyncio._set_running_loop(before)

    def take_number(self) -> int:
        """A number that the same thing gets in every replay, and nothing else in this run."""
        return next(self._numbers)

    def fire(self, handle: asyncio.TimerHandle) -> None:
        """Make a timer's callback ready."""
        self._ready.append(handle)

    def _finish(self, generator: AsyncGenerator[Any, Any]) -> None:
        """The body left an asynchronous generator before its end: run its `finally`."""
        if asyncio._get_running_loop() is self and not self.is_closing:
            self.create_task(generator.aclose())

    # ---- what asyncio's own code calls -----------------------------------------------

    def time(self) -> float:
        return self.seconds

    def call_soon(  # type: ignore[override] # the stub's *args: *Ts
        self, callback: Callable[..., Any], *args: Any, context: ContextVars | None = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        if not self.is_closing:
            self._ready.append(handle)
        return handle

    def call_later(  # type: ignore[override]
        self,
        delay: float,
        callback: Callable[..., Any],
        *args: Any,
        context: ContextVars | None = None,
    ) -> asyncio.TimerHandle:
        return self.call_at(self.seconds + delay, callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self,
        when: float,
        callback: Callable[..., Any],
        *args: Any,
        context: ContextVars | None = None,
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        if not self.is_closing:
            self._ask_timer(handle)
        return handle

    def create_future(self) -> asyncio.Future[Any]:
        return NumberedFuture(self.take_number(), loop=self)

    def create_task(  # type: ignore[override] # 3.13 has keywords that 3.11's Task refuses
        self, coro: Coroutine[Any, Any, Any], *, name: object = None, **options: Any
    ) -> asyncio.Task[Any]:
        # asyncio's own names count the tasks of the whole process.
        label = f"Task-{next(self._names)}" if name is None else str(name)
        task = NumberedTask(self.take_number(), coro, loop=self, name=label, **options)
        if len(self.tasks) >= self._prune_at and not self.is_closing:
            self.tasks = [one for one in self.tasks if not one.done()]
            self._prune_at = 2 * len(self.tasks) + 64
        self.tasks.append(task)
        return task

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return self.is_closing

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Say nothing: a branch that nobody awaits is as silent on replay as at first."""

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        pass


def _refusal(name: str) -> Callable[..., Any]:
    def refuse(self: Loop, *args: Any, **options: Any) -> Any:
        raise RuntimeError(
            f"a workflow's body has no real event loop ({name}): do this in a step, "
            "`await ctx.step(name, function)`"
        )

    return refuse


for _name in vars(asyncio.AbstractEventLoop).keys() - vars(Loop).keys():
    if not _name.startswith("_"):
        setattr(Loop, _name, _refusal(_name))


def _copy_of(fn: Any) -> Any:
    copy = FunctionType(fn.__code__, fn.__globals__, fn.__name__, fn.__defaults__, fn.__closure__)
    copy.__kwdefaults__ = fn.__kwdefaults__
    return functools.update_wrapper(copy, fn)


# asyncio's own, however often this module is imported.
_as_completed = vars(asyncio.as_completed).setdefault("__wrapped__", _copy_of(asyncio.as_completed))


def as_completed(fs: Iterable[Any], timeout: float | None) -> Any:
    """asyncio's makes a set of coroutines, and starts them in an order that is chance."""
    is_ours = isinstance(asyncio._get_running_loop(), Loop)
    if is_ours and not (asyncio.isfuture(fs) or asyncio.iscoroutine(fs)):
        fs = [asyncio.ensure_future(one) for one in dict.fromkeys(fs)]
    return _as_completed(fs, timeout=timeout)


def _forward(fs: Iterable[Any], *, timeout: float | None = None) -> Any:
    # Executed as asyncio's: it has none of this module's names.
    from orchestrator.core.loop import as_completed  # noqa: PLC0415

    return as_completed(fs, timeout)


# The function itself, and not its name: an author's module may have imported it before.
asyncio.as_completed.__code__ = _forward.__code__


def _hash_of_gather(self: Any) -> int:
    """The hash of what `asyncio.gather` returns: in a body, a number, as of tasks."""
    loop = self.get_loop()
    if not isinstance(loop, Loop):
        return object.__hash__(self)
    # Given when it is first put into a set. That place is the same in every replay.
    if not hasattr(self, "number"):
        self.number = loop.take_number()
    return int(self.number)


# asyncio makes these itself, without asking its loop.
vars(asyncio.tasks)["_GatheringFuture"].__hash__ = _hash_of_gather
