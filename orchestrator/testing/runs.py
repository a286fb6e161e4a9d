"""Runs in this process, on a clock that the test moves, with faults that it chooses."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from orchestrator import clock, failpoints, hints
from orchestrator.core.durations import Duration, parse_duration
from orchestrator.engine import worker
from orchestrator.run import Delivery, Run
from orchestrator.schedules import firing
from orchestrator.store import testing, ticks
from orchestrator.workflow import Workflow

I = TypeVar("I")  # noqa: E741 - the input type
O = TypeVar("O")  # noqa: E741 - the output type


# A deadline is counted from an estimate of the database's time, which is a little ahead.
_SLACK = timedelta(milliseconds=20)


def _next_due() -> datetime | None:
    due = [at for at in (ticks.next_due(), firing.next_due()) if at is not None]
    return min(due, default=None)


class Runs:
    """The `runs` fixture. Each call drives everything that is due before it returns."""

    def __init__(self) -> None:
        self._crashed = False
        self._is_draining = False
        self._before: hints.Publisher | None = None
        self._error: Exception | None = None

    def start(self, workflow: Workflow[I, O], input: I | None = None, **options: Any) -> Run[O]:
        """Start a run, and drive everything that is due."""
        run = workflow.start(input, **options)
        self.drain()
        return run.refresh()

    def drain(self) -> int:
        """Drive everything that is due, in this thread. Returns how much was done.

        When a worker died at a failpoint before, its lease is over now.
        """
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
        done = firing.fire_due() + worker.drain(inline=True, mends=True)
        while fired := firing.fire_due():
            done += fired + worker.drain(inline=True, mends=True)
        return done

    def advance(self, duration: Duration) -> None:
        """Move the engine's clock, and drive each run at the moment at which it is due."""
        target = clock.now() + parse_duration(duration) + _SLACK
        while (due_at := _next_due()) is not None and due_at <= target:
            # Never backwards: a run that is due already is driven now.
            clock.move(max(due_at - clock.now(), clock.ZERO))
            if self.drain() == 0:
                break
        clock.move(max(target - clock.now(), clock.ZERO))
        self.drain()

    def send_event(self, run: Run[Any], name: str, payload: Any = None, **options: Any) -> Delivery:
        """Send an event to a run, and drive it."""
        delivery = run.send_event(name, payload, **options)
        self.drain()
        run.refresh()
        return delivery

    def crash_at(
        self, failpoint: str, *, step: str | None = None, run: Run[Any] | None = None
    ) -> None:
        """Let the worker die the next time it comes to this failpoint. A later call takes over."""
        failpoints.arm(failpoint, step=step, run_id=run.id if run else None)

    def fail(
        self, *, step: str, error: Exception, times: int = 1, run: Run[Any] | None = None
    ) -> None:
        """Let the next `times` attempts of a step fail with `error` instead of being executed."""
        failpoints.arm(
            "before_body", step=step, times=times, error=error, run_id=run.id if run else None
        )

    def open(self) -> None:
        """Begin: hints drive runs at once, as a worker with nothing else to do would."""
        self._before = hints.connect(self._hinted)

    def close(self) -> None:
        """End: the clock, the failpoints and the hints are as they were."""
        hints.connect(self._before)
        failpoints.disarm()
        clock.move(-clock.skew())

    def _hinted(self, _run_id: UUID, _queue: str) -> None:
        # Called after a commit, where Django catches errors: the next call raises it.
        try:
            if not self._is_draining:
                self.drain()
        except Exception as error:
            self._error = self._error or error
