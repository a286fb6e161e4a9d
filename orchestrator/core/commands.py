"""What a body can ask for. A command is asked once and answered once, by an outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from orchestrator.core import failures
from orchestrator.core.codec import decode
from orchestrator.core.errors import EventTimeout, RunCancelled, RunFailed
from orchestrator.core.journal import FAILED, TIMED_OUT, Entry
from orchestrator.core.retry import Retry

NOT_GIVEN: Any = object()

# The event of a wait that takes whatever comes, and gets all that is known of it.
ANY_EVENT = "@any"

# What is shown of a wait for which no event means anything: a machine that minds other things.
NO_EVENT = "no event"
GONE: Any = None

# What becomes of an at-most-once step whose worker died in the middle of it.
OnAmbiguous = Literal["ask", "fail", "retry"]


@dataclass(slots=True, kw_only=True, eq=False)
class Command:
    """Something the body asked for. Its key names it in the journal."""

    key: str
    kind: str
    name: str
    position: int
    cause: int
    future: asyncio.Future[Any]
    answered: bool = False

    @property
    def is_abandoned(self) -> bool:
        """Whether the body no longer waits for it: its branch was cancelled."""
        return not self.answered and self.future.done()

    def _read(self, value: Any) -> Any:
        return value

    def answer(self, entry: Entry) -> None:
        """Hand the outcome to the body. Raises UndecodableValue."""
        result: Any = None
        error: Exception | None = None
        if entry.status == FAILED:
            error = failures.restore(entry.error or {}, key=self.key, attempts=entry.attempt)
        elif entry.value is not None:
            try:
                result = self._read(decode(entry.value))
            except (RunFailed, RunCancelled) as ended:
                error = ended
        abandoned, self.answered = self.future.done(), True
        if abandoned:
            self.future = GONE
            return
        if error is not None:
            self.future.set_exception(error)
        elif entry.status == TIMED_OUT and entry.value is None:
            self.future.set_exception(EventTimeout(f"no {self.name!r} came in time"))
        else:
            self.future.set_result(result)
        # What the body has let go of is let go: a command is kept for its key alone.
        self.future = GONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """How a step is executed by whichever worker takes it.

    `queue` is whose workers may; None: those of the run's own queue. `function` is its name
    and `args` what it gets, as text; None for a step that the journal knows already.
    """

    queue: str | None
    function: str | None
    args: str | None


@dataclass(slots=True, kw_only=True, eq=False)
class StepCall(Command):
    """Run a function once and record its result."""

    fn: Callable[..., Any]
    args: tuple[Any, ...]
    retry: Retry
    timeout: timedelta | None = None
    idempotency_key: str | None = None
    atomic: bool = False
    at_most_once: bool = False
    on_ambiguous: OnAmbiguous = "ask"
    # None: the worker that drives the run executes it.
    remote: Remote | None = None


@dataclass(slots=True, kw_only=True, eq=False)
class Timer(Command):
    """Wait for the clock."""

    until: datetime


@dataclass(slots=True, kw_only=True, eq=False)
class Wait(Command):
    """Wait for an event, or for the clock if `until` is given.

    A wait without an event's name is answered by its key. `detail` is stored with the
    open entry; for a kind that an app has registered it is what the app gets to open its
    side of the wait.
    """

    event: str = ""
    correlation: str | None = None
    until: datetime | None = None
    default: Any = field(default=NOT_GIVEN)
    detail: dict[str, Any] = field(default_factory=dict)
    schema: Any = None
    # What makes of the stored answer what the body gets.
    read: Callable[[Any], Any] | None = None

    def _read(self, value: Any) -> Any:
        return value if self.read is None else self.read(value)
