"""`Run`: a handle to one run, to read it, to wait for it and to act on it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from uuid import UUID

from orchestrator import patience
from orchestrator.core import codec
from orchestrator.core.children import Startable, name_of
from orchestrator.core.durations import Duration, parse_duration
from orchestrator.core.errors import RunCancelled, RunFailed, RunPruned, RunTimeout
from orchestrator.core.names import check_choice
from orchestrator.infos import Delivery, EventInfo, Outcome, StepInfo, WaitInfo

if TYPE_CHECKING:
    from orchestrator import models

__all__ = [
    "Delivery",
    "EventInfo",
    "Outcome",
    "Run",
    "StepInfo",
    "WaitInfo",
    "get_run",
    "send_event",
    "start_many",
]

O = TypeVar("O")  # noqa: E741 - the output type


_FINAL = ("completed", "failed", "cancelled")
_STATUSES = (
    *("scheduled", "pending", "running", "waiting", "awaiting_retry", "paused", "blocked"),
    *_FINAL,
)
_POLL_SECONDS = 0.02
_MAX_POLL_SECONDS = 0.5


class Run(Generic[O]):
    """A handle to one run. It shows the run as it was last read; `refresh` reads it again."""

    def __init__(self, row: models.Run, *, is_gone: bool = False) -> None:
        self._row = row
        self._is_gone = is_gone

    # ---- reading ---------------------------------------------------------------------

    @property
    def id(self) -> UUID:
        return self._row.id

    @property
    def workflow(self) -> str:
        return self._row.workflow

    @property
    def version(self) -> str:
        return self._row.version

    @property
    def status(self) -> str:
        """Where the run is: see `orchestrator.models.Status`."""
        return str(self._row.status)

    @property
    def input(self) -> Any:
        return codec.decode(self._row.input)

    @property
    def output(self) -> O | None:
        return None if self._row.output is None else codec.decode(self._row.output)

    @property
    def error(self) -> dict[str, Any] | None:
        """The recorded failure: type, message, traceback, and the key of the failed step."""
        return self._row.error

    @property
    def idempotency_key(self) -> str | None:
        return self._row.idempotency_key

    @property
    def queue(self) -> str | None:
        """The queue whose workers take it; None is the default queue."""
        return self._row.queue or None

    @property
    def priority(self) -> int:
        """Higher first, among the due runs of a queue."""
        return self._row.priority

    @property
    def initiator(self) -> str | None:
        return self._row.initiator

    @property
    def attributes(self) -> dict[str, Any]:
        return dict(self._row.attributes)

    @property
    def progress(self) -> tuple[float, str] | None:
        """How far the run is, from 0 to 1, and a few words; None if it has not said."""
        if self._row.progress is None:
            return None
        return self._row.progress, self._row.progress_text

    @property
    def parent_id(self) -> UUID | None:
        return self._row.parent_id

    @property
    def scheduled_at(self) -> datetime | None:
        """The time for which a schedule started the run; None for any other run."""
        return self._row.scheduled_at

    @property
    def tags(self) -> dict[str, Any]:
        return dict(self._row.tags)

    @property
    def created_at(self) -> datetime:
        return self._row.created_at

    @property
    def started_at(self) -> datetime | None:
        return self._row.started_at

    @property
    def finished_at(self) -> datetime | None:
        return self._row.finished_at

    @property
    def steps(self) -> list[StepInfo]:
        """Everything that the run asked for, in the order in which it asked. One query."""
        from orchestrator import reading  # noqa: PLC0415

        return reading.steps(self._row)

    @property
    def events(self) -> list[EventInfo]:
        """The events that the run has received, in their order. One query."""
        from orchestrator import reading  # noqa: PLC0415

        return reading.events(self._row)

    @property
    def waiting_on(self) -> list[WaitInfo]:
        """What the run waits for; what a person can do something about comes first."""
        from orchestrator import reading  # noqa: PLC0415

        return reading.waits(self._row)

    @property
    def is_gone(self) -> bool:
        """Whether retention has removed the run, and a start has found it by its key.

        Then it has its id, version, status and times, and nothing else.
        """
        return self._is_gone

    @property
    def is_purged(self) -> bool:
        """Whether retention has removed its input, results and messages."""
        return self._row.is_purged

    def refresh(self) -> Run[O]:
        """Read the run again, and return this handle. Raises UnknownRun once it is removed."""
        from orchestrator import reading  # noqa: PLC0415

        if not self._is_gone:
            reading.refresh(self._row)
        return self

    # ---- waiting ---------------------------------------------------------------------

    def result(self, timeout: Duration | None = None) -> O:
        """Wait until the run has ended, and return its output.

        Raises RunFailed, RunCancelled, or RunTimeout when `timeout` is over first, and
        RunPruned when retention has removed what it returned.
        """
        if not self._wait_for(_FINAL, timeout, None):
            raise RunTimeout(f"run {self.id} is still {self.status}")
        if self.is_purged:
            raise RunPruned(
                f"run {self.id} {self.status} on {self.finished_at:%Y-%m-%d %H:%M} UTC; its data "
                "was removed by retention"
            )
        if self.status == "failed":
            error = self.error or {}
            raise RunFailed(f"run {self.id} failed: {error.get('message', '')}", error)
        if self.status == "cancelled":
            raise RunCancelled(
                f"run {self.id} was cancelled: {self._row.cancel_reason or 'no reason given'}"
            )
        return self.output  # type: ignore[return-value] # None only if O allows it

    def wait(
        self,
        status: str = "completed",
        timeout: Duration | None = None,
        poll: Duration | None = None,
    ) -> Outcome:
        """Wait until the run has `status`, or can no longer get it, or `timeout` is over."""
        check_choice("status", status, _STATUSES)
        if not self._wait_for((*_FINAL, status), timeout, poll):
            return Outcome(False, self.status, "timeout")
        if self.status == status:
            return Outcome(True, self.status)
        return Outcome(
            False, self.status, (self.error or {}).get("message") or self._row.cancel_reason
        )

    def _wait_for(
        self, statuses: tuple[str, ...], timeout: Duration | None, poll: Duration | None
    ) -> bool:
        until = (
            None if timeout is None else time.monotonic() + parse_duration(timeout).total_seconds()
        )
        pause = _POLL_SECONDS if poll is None else parse_duration(poll).total_seconds()
        while self.refresh().status not in statuses:
            left = None if until is None else until - time.monotonic()
            if left is not None and left <= 0:
                return False
            if not patience.rest(pause if left is None else min(pause, left)):
                return False
            if poll is None:
                pause = min(pause * 1.5, _MAX_POLL_SECONDS)
        return True

    # ---- acting ----------------------------------------------------------------------

    def cancel(self, reason: str = "", *, by: Any = None) -> bool:
        """Ask the run to stop. False if it had ended (or was asked before): nothing changes.

        A step that is executing finishes and is recorded; no further one starts. Open
        human tasks are withdrawn in the same transaction. The body gets a CancelledError
        at its `await`, so that `finally` can run cleanup steps. `by` is the user who asks,
        or any text: the people whose tasks are withdrawn are told.
        """
        from orchestrator import client, models  # noqa: PLC0415

        done = client.cancel(self.id, reason=reason, by=models.initiator_label(by) or "")
        self.refresh()
        return done

    def retry(self) -> Run[O]:
        """Let the failed run go on from its failed step, with fresh attempts.

        Recorded results are kept. Raises ActionRefused with the reason.
        """
        return self._act("retry")

    def pause(self) -> Run[O]:
        """Let no further step start. Timers and events keep, and are applied on `resume`.

        Raises ActionRefused with the reason.
        """
        return self._act("pause")

    def resume(self) -> Run[O]:
        """Let a paused or blocked run go on. Raises ActionRefused with the reason."""
        return self._act("resume")

    def retry_from(self, step: str) -> Run[O]:
        """Let a run that failed or was cancelled go on from a step, executing it again.

        What was asked for after it is forgotten; results from before it are kept. Raises
        ActionRefused with the reason.
        """
        return self._act("retry_from", step)

    def fork(self, step: str, *, input: Any = ..., initiator: Any = None) -> Run[O]:
        """Start a new run that has this one's results from before `step`.

        With another `input`, if one is given. This run stays as it is. Raises InvalidInput
        and ActionRefused.
        """
        from orchestrator import client  # noqa: PLC0415

        return client.fork(self.id, step, input=input, initiator=initiator)

    def skip_sleep(self, key: str | None = None) -> Run[O]:
        """End the run's sleep (or the one with this key) now. Raises ActionRefused."""
        return self._act("skip_sleep", key)

    def retry_now(self, key: str | None = None) -> Run[O]:
        """Skip what is left of a step's back-off. Raises ActionRefused."""
        return self._act("retry_now", key)

    def resolve(self, key: str, action: str, value: Any = None, *, message: str = "") -> Run[O]:
        """Say how an ambiguous at-most-once step ended.

        `action` is "result" (with its `value`), "fail" (with a `message`), or "retry".
        Raises ActionRefused when there is no such step.
        """
        return self._act("resolve", key, action, value, message)

    def _act(self, verb: str, *args: Any) -> Run[O]:
        from orchestrator import client  # noqa: PLC0415

        getattr(client, verb)(self.id, *args)
        return self.refresh()

    def send_event(
        self, name: str, payload: Any = None, *, key: str | None = None, event_id: str | None = None
    ) -> Delivery:
        """Send an event to this run. See `orchestrator.send_event`."""
        return send_event(name, payload, key=key, run=self, event_id=event_id)

    def __repr__(self) -> str:
        return f"<Run {self.id} of {self.workflow} {self.version}: {self.status}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Run) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)


def get_run(run_id: UUID | str) -> Run[Any]:
    """The run with this id. Raises UnknownRun."""
    from orchestrator import client  # noqa: PLC0415

    return client.get_run(run_id)


def send_event(
    name: str,
    payload: Any = None,
    *,
    key: str | None = None,
    run: Run[Any] | UUID | str | None = None,
    event_id: str | None = None,
) -> Delivery:
    """Send an event: to one run, or to every run that waits for its name (and key).

    An event to a run is kept until that run asks for it, also when it comes first. One to
    no run in particular reaches those that wait for it now, and those that begin to within
    `ORCHESTRATOR_EVENT_TTL`. Joins the caller's transaction. An event with an `event_id`
    that the run has already got is not stored again. A finished or unknown run gives
    `delivered=False` with the reason; nothing is raised and nothing is lost in silence.
    """
    from orchestrator import client  # noqa: PLC0415

    if run is None:
        return client.broadcast(name, payload, key=key, event_id=event_id)
    return client.send_event(
        name, payload, key=key, run_id=run.id if isinstance(run, Run) else run, event_id=event_id
    )


def start_many(workflow: Startable, inputs: Iterable[Any], **options: Any) -> list[Run[Any]]:
    """Start a run of `workflow` for each input, in few statements: all of them or none.

    Takes the options of `Workflow.start` but the key. Raises InvalidInput before anything
    is written, and IdempotencyConflict when a key that the workflow's template makes is
    taken.
    """
    from orchestrator import client  # noqa: PLC0415

    return client.start_many(name_of(workflow), inputs, **options)
