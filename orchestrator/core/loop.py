"""The deterministic event loop that drives a workflow's body.

It has a clock that only outcomes move, a ready queue that runs in FIFO order, and
nothing else: what needs a real loop is refused with an error that says what to do.
Tried with `gather`, `TaskGroup`, `wait`, `as_completed`, `timeout`, `Lock`, `Semaphore`
and `Queue` of CPython 3.11 to 3.13.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import Context as ContextVars
from typing import Any

# A body that asks for nothing and never rests would hold its worker for ever.
MAX_CALLBACKS = 1_000_000


class NeverIdle(RuntimeError):
    """The body went on for a million callbacks without waiting for anything durable."""


class Loop(asyncio.AbstractEventLoop):
    """Runs coroutines until they all wait.

    `ask_timer` is called for each timer that asyncio sets, with its handle.
    """

    def __init__(self, ask_timer: Callable[[asyncio.TimerHandle], None]) -> None:
        self.seconds = 0.0
        self.is_closing = False
        self.tasks: list[asyncio.Task[Any]] = []
        self._ask_timer = ask_timer
        self._ready: deque[asyncio.Handle] = deque()

    def run_until_idle(self) -> None:
        """Run what is ready, in order, until nothing is."""
        with self.running():
            for _ in range(MAX_CALLBACKS):
                if not self._ready:
                    return
                handle = self._ready.popleft()
                if not handle.cancelled():
                    handle._run()
        raise NeverIdle("the workflow's body never came to rest")

    @contextmanager
    def running(self) -> Iterator[None]:
        """Be the running loop of this thread; give the place back afterwards."""
        before = asyncio._get_running_loop()
        asyncio._set_running_loop(self)
        try:
            yield
        finally:
            asyncio._set_running_loop(before)

    def fire(self, handle: asyncio.TimerHandle) -> None:
        """Make a timer's callback ready."""
        self._ready.append(handle)

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
        self._refuse_when_closing()
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self._ask_timer(handle)
        return handle

    def create_future(self) -> asyncio.Future[Any]:
        self._refuse_when_closing()
        return asyncio.Future(loop=self)

    def create_task(  # type: ignore[override] # 3.13 has keywords that 3.11's Task refuses
        self, coro: Coroutine[Any, Any, Any], *, name: object = None, **options: Any
    ) -> asyncio.Task[Any]:
        if self.is_closing:
            coro.close()
            raise GeneratorExit
        task = asyncio.Task(coro, loop=self, name=None if name is None else str(name), **options)
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

    def _refuse_when_closing(self) -> None:
        # Library code that would wait while its coroutine is being closed (a TaskGroup
        # waits for its children) must unwind at once instead.
        if self.is_closing:
            raise GeneratorExit


def _refusal(name: str) -> Callable[..., Any]:
    def refuse(self: Loop, *args: Any, **options: Any) -> Any:
        raise RuntimeError(
            f"a workflow's body has no real event loop ({name}): do this in a step, "
            "`await ctx.step(name, function)`"
        )

    return refuse


for _name in [
    "run_in_executor",
    "run_forever",
    "run_until_complete",
    "call_soon_threadsafe",
    "add_reader",
    "remove_reader",
    "add_writer",
    "remove_writer",
    "sock_recv",
    "sock_recv_into",
    "sock_sendall",
    "sock_connect",
    "sock_accept",
    "create_connection",
    "create_server",
    "create_unix_connection",
    "create_unix_server",
    "create_datagram_endpoint",
    "connect_read_pipe",
    "connect_write_pipe",
    "subprocess_shell",
    "subprocess_exec",
    "getaddrinfo",
    "getnameinfo",
    "add_signal_handler",
    "remove_signal_handler",
    "start_tls",
    "sendfile",
    "sock_sendfile",
    "set_default_executor",
    "stop",
    "close",
]:
    setattr(Loop, _name, _refusal(_name))
