"""Runs in this process, on a clock that the test moves, with faults that it chooses."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self, TypeVar
from uuid import UUID

from orchestrator import clock, failpoints, hints, models, patience
from orchestrator.core.durations import Duration, parse_duration
from orchestrator.engine import worker
from orchestrator.run import Delivery, Run
from orchestrator.schedules import firing
from orchestrator.store import steps, testing, ticks
from orchestrator.testing import explaining, reading, registrations, rehearsing
from orchestrator.testing.faults import Faults
from orchestrator.testing.reading import JournalRow, LogRow
from orchestrator.workflow import Workflow

I = TypeVar("I")  # noqa: E741 - the input type
O = TypeVar("O")  # noqa: E741 - the output type


def _next_due() -> datetime | None:
    known = (ticks.next_due(), steps.next_due(), firing.next_due())
    due = [at for at in known if at is not None]
    return min(due, default=None)


class Runs:
    """The `runs` fixture. Each call drives everything that is due before it returns.

    Also a context manager, for tests that pytest does not run:
    `runs = self.enterContext(Runs())`.
    """

    def __init__(self) -> None:
        self._crashed = False
        self._is_draining = False
        self._is_quiet = False
        self._faults = Faults()
        self._thread = 0
        self._skew = clock.ZERO
        self._publisher: hints.Publisher | None = None
        self._rest: patience.Rest = patience.sleep
        self._error: Exception | None = None
        self._registered = ExitStack()

    # ---- driving ---------------------------------------------------------------------

    def start(self, workflow: Workflow[I, O], input: I | None = None, **options: Any) -> Run[O]:
        """Start a run, and drive everything that is due. The options are `Workflow.start`'s."""
        with self._acting():
            run = workflow.start(input, **options)
        return run.refresh()

    def drain(self) -> int:
        """Drive everything that is due, in this thread. Returns how much was done.

        When a worker died at a failpoint before, its lease is over now.
        """
        _refuse_workers()
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        if self._crashed:
            testing.expire_leases()
            self._crashed = False
        self._is_draining = True
        try:
            return self._drive()
        except failpoints.Died:
            self._crashed = True
            return 0
        finally:
            self._is_draining = False

    def _drive(self) -> int:
        """Fire the schedules and drive the runs, until neither does anything."""
        done = firing.fire_due() + worker.drain(inline=True, mends=True, remote=True)
        while fired := firing.fire_due():
            done += fired + worker.drain(inline=True, mends=True, remote=True)
        return done

    def advance(self, duration: Duration) -> None:
        """Move the engine's clock, and drive each run at the moment at which it is due."""
        # From where the runs are: what they count from is a little ahead of the database.
        self._advance_to(testing.latest_instant() + parse_duration(duration))

    def at(self, instant: datetime) -> None:
        """Move the engine's clock to `instant`, and drive each run when it is due.

        The clock goes forwards only; while there are no runs it may be set to any time.
        Raises ValueError.
        """
        if instant.tzinfo is None:
            raise ValueError(f"runs.at needs a time zone: {instant!r}")
        if instant < self.now:
            if models.Run.objects.exists():
                raise ValueError(
                    f"it is {self.now:%c} UTC already, and the clock does not go back while there "
                    "are runs: say runs.at(…) before the first start"
                )
            clock.move(instant - self.now)
        self._advance_to(instant)

    @property
    def now(self) -> datetime:
        """The time by the engine's clock, in UTC. It ticks on between two calls."""
        return clock.now()

    def _advance_to(self, target: datetime) -> None:
        began = time.monotonic()

        def end() -> datetime:
            # What follows a sleep counts from when it was seen to end, which is a little after
            # it was due, by the clock and by an estimate of it. That is not the test's time.
            return target + 2 * timedelta(seconds=time.monotonic() - began)

        while (due_at := _next_due()) is not None and due_at <= end():
            # Never backwards: a run that is due already is driven now.
            clock.move(max(due_at - clock.now(), clock.ZERO))
            if self.drain() == 0:
                break
        clock.move(max(target - clock.now(), clock.ZERO))
        self.drain()

    # ---- what happens to a run -------------------------------------------------------

    def send_event(self, run: Run[Any], name: str, payload: Any = None, **options: Any) -> Delivery:
        """Send an event to a run, and drive it. The options are `Run.send_event`'s."""
        with self._acting():
            delivery = run.send_event(name, payload, **options)
        run.refresh()
        return delivery

    def complete(self, run: Run[O], name: str, **said: Any) -> Run[O]:
        """Answer a wait as its users do, and drive the run.

        `name` is that of a human task, or its key when there are several of that name. It
        is claimed and completed through the inbox, so its errors are the real ones:
        `runs.complete(run, "kyc", outcome="approve", data={…}, comment="", user=reviewer)`.
        Without `user` somebody answers who may. Raises LookupError when the run does not
        wait for such a thing.
        """
        with self._acting():
            rehearsing.complete(run.id, name, said)
        return run.refresh()

    # ---- what goes wrong -------------------------------------------------------------

    def crash_at(
        self,
        failpoint: str,
        *,
        step: str | None = None,
        attempt: int | None = None,
        run: Run[Any] | None = None,
    ) -> None:
        """Let the worker die the next time it comes to this failpoint. The next call takes over.

        `step` is a step's key, `attempt` the number of an attempt, from 1. Raises
        ValueError for a failpoint that there is not.
        """
        self._faults.arm("crash_at", failpoint, step=step, attempt=attempt, run_id=_id(run))

    def fail(
        self,
        *,
        step: str,
        error: Exception,
        times: int | None = 1,
        attempt: int | None = None,
        run: Run[Any] | None = None,
    ) -> None:
        """Let the next `times` attempts of a step fail with `error` instead of being executed.

        With `attempt`, only attempts of that number, from 1. `times=None`: all of them.
        """
        about = {"step": step, "attempt": attempt, "times": times, "run_id": _id(run)}
        self._faults.arm("fail", "before_body", error=error, **about)

    def time_out(
        self,
        *,
        step: str,
        times: int | None = 1,
        attempt: int | None = None,
        run: Run[Any] | None = None,
    ) -> None:
        """Let the next `times` attempts of a step, which has a `timeout=`, take too long."""
        about = {"step": step, "attempt": attempt, "times": times, "run_id": _id(run)}
        self._faults.arm("time_out", "before_body", is_timeout=True, **about)

    # ---- what there is to see --------------------------------------------------------

    def journal(self, run: Run[Any]) -> list[JournalRow]:
        """What the run has asked for, in its order: `[("step", "charge", "completed"), …]`.

        `run.steps` has the rest: attempts, results, errors and times.
        """
        return reading.journal(run)

    def logs(self, run: Run[Any]) -> list[LogRow]:
        """What the run and its steps have logged: `[("info", "charged"), …]`, in its order."""
        return reading.logs(run)

    def tasks(self, run: Run[Any]) -> list[Any]:
        """The open human tasks of the run, as the inbox keeps them."""
        return rehearsing.shown(run.id)

    def children(self, run: Run[Any]) -> list[Run[Any]]:
        """The runs that this one has started, oldest first."""
        return reading.children(run)

    def expect(self, run: Run[O], status: str = "completed") -> Run[O]:
        """Fail the test unless the run has this status, and say why it has not."""
        __tracebackhide__ = True
        if run.refresh().status != status:
            raise AssertionError(f"expected {status}, but {explaining.account(run.id)}")
        return run

    def account(self) -> str:
        """All runs of this test, for the report of one that has failed."""
        return explaining.account_of_all()

    # ---- its life --------------------------------------------------------------------

    def open(self) -> None:
        """Begin: hints drive runs at once, as a worker with nothing else to do would."""
        _refuse_workers()
        self._thread = threading.get_ident()
        self._skew = clock.skew()
        self._publisher = hints.connect(self._hinted)
        self._rest = patience.rest_with(self._rest_here)

    def close(self) -> list[str]:
        """End: the clock, the failpoints and the hints are as they were.

        Returns what the test asked for in vain, a sentence each: a fault at a step that
        there is not, for instance.
        """
        try:
            return self._faults.unmet()
        finally:
            patience.rest_with(self._rest)
            hints.connect(self._publisher)
            failpoints.disarm()
            clock.move(self._skew - clock.skew())

    def __enter__(self) -> Self:
        self._registered.enter_context(registrations.temporary())
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        with self._registered:
            unmet = self.close()
        if unmet and error is None:
            raise AssertionError("\n".join(unmet))

    @contextmanager
    def _acting(self) -> Iterator[None]:
        """Do something to a run, then drive what is due: once, so that a death is seen."""
        self._is_quiet = True
        try:
            yield
        finally:
            self._is_quiet = False
        self.drain()

    def _hinted(self, _run_id: UUID, _queue: str, _is_for_steps: bool) -> None:
        # Called after a commit, where Django catches errors: the next call raises it.
        try:
            if not (self._is_draining or self._is_quiet):
                self.drain()
        except Exception as error:
            self._error = self._error or error

    def _rest_here(self, seconds: float) -> bool:
        """What `run.result()` does between two looks: nobody but this test drives the run."""
        if threading.get_ident() != self._thread:
            return patience.sleep(seconds)
        return self.drain() > 0


def _id(run: Run[Any] | None) -> UUID | None:
    return run.id if run else None


def _refuse_workers() -> None:
    if worker.is_here():
        raise RuntimeError(
            "a worker runs in this process and would take the runs of this test: the `runs` "
            "fixture drives them itself. Stop it with orchestrator.engine.worker.stop(), or do "
            "without the fixture"
        )
