"""A claimed run while this worker holds it: its body, and what the body waits for.

`settle` hands the body every outcome that is there to be had. `take_save` is all that
must then be recorded at once, before any further step starts. Nothing here touches the
database; the driver does, for many live runs in one statement.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from orchestrator.conf import conf
from orchestrator.core import failures
from orchestrator.core.body import Body, Raised, Returned
from orchestrator.core.codec import decode, encode
from orchestrator.core.commands import NOT_GIVEN, Command, StepCall, Timer, Wait
from orchestrator.core.context import Context, RunInfo
from orchestrator.core.definition import Definition
from orchestrator.core.errors import (
    NonDeterminism,
    NotSerializable,
    OrchestratorError,
    PayloadTooLarge,
    UndecodableValue,
)
from orchestrator.core.journal import (
    CANCEL,
    CANCEL_KEY,
    COMPLETED,
    EVENT,
    FAILED,
    OPEN,
    RETRYING,
    TIMED_OUT,
    TIMER,
    Entry,
    History,
)
from orchestrator.core.loop import NeverIdle
from orchestrator.engine import waiting
from orchestrator.engine.executor import Call, Ended, timed_out
from orchestrator.models import Status
from orchestrator.store.records import Block, Claim, Continue, FailedAttempt, Finish, Mail, Park, Save, Saved
from orchestrator.waits import CloseReason

_BLOCKING = (NonDeterminism, UndecodableValue, NeverIdle)


# A step is shown as executing once it has lasted longer than this.
SHOWN_AFTER_SECONDS = 0.5


@dataclass(slots=True)
class Running:
    """A step that is being executed: which attempt, since when, and until when at most."""

    call: StepCall
    number: int
    started_at: datetime
    deadline: datetime | None
    began: float = field(default_factory=time.monotonic)

    @property
    def is_shown(self) -> bool:
        """Whether it lasts long enough to be shown as executing."""
        return time.monotonic() - self.began > SHOWN_AFTER_SECONDS


class LiveRun:
    """One claimed run. Used by the thread of its driver alone."""

    def __init__(self, claim: Claim, definition: Definition, history: History, mail: list[Mail]) -> None:
        self.claim = claim
        self.definition = definition
        self.mail = mail
        self.running: dict[str, Running] = {}
        self.is_over = False
        # Held by whoever gives out the next place in the journal: the driver while it
        # hands out outcomes, or the thread of an atomic step while it takes one for itself.
        self.lock = threading.Lock()
        # The atomic step that has taken a place and not yet reported back. Until it has,
        # nothing else may be handed to the body: the order is the journal's.
        self.recording: str | None = None
        self._open = dict(history.open)
        self._history = history
        self._body = Body(claim.started_at)
        self._ready: list[tuple[StepCall, int]] = []
        self._retries: dict[str, tuple[StepCall, int, datetime]] = {}
        self._timers: dict[str, Timer] = {}
        self._waits: dict[str, Wait] = {}
        self._next_seq = claim.seq + 1
        self._save = Save(claim=claim)
        self._blocked: BaseException | None = None
        self._cancelled_at = claim.cancel_requested_at
        self._cancel_reason = claim.cancel_reason

    # ---- replay ----------------------------------------------------------------------

    def replay(self) -> None:
        """Start the body and hand it all that is recorded."""
        with self._blocking():
            self._check_crashes()
            self._body.begin(self.definition.fn(*self._arguments()))
            for entry in self._history.outcomes:
                self._body.deliver(entry)
            self._take_commands()
            if unasked := next((key for key in self._open if key not in self._body.asked), None):
                raise NonDeterminism(
                    f"the journal holds {self._open[unasked].kind} {unasked!r}, which the code no longer asks for",
                    expected=unasked,
                    position=self._body.seq,
                )

    def _check_crashes(self) -> None:
        if self.claim.crashes >= conf.MAX_CRASHES:
            raise Quarantined(
                f"{self.claim.crashes} workers in a row died while they held this run, "
                "and it made no progress"
            )

    def _arguments(self) -> tuple[Any, ...]:
        claim = self.claim
        value = decode(claim.input)
        info = RunInfo(
            run_id=claim.run_id,
            workflow=claim.workflow,
            version=claim.version,
            attempt=claim.attempt,
            input=value,
            initiator=claim.initiator,
            tags=claim.tags,
        )
        context: Context[Any] = Context(self._body, info, self.definition.step_retry or conf.STEP_RETRY)
        return (context, value) if self.definition.takes_input else (context,)

    # ---- what happens to it ----------------------------------------------------------

    def ended(self, ended: Ended) -> None:
        """An attempt has ended. One that was given up meanwhile is ignored."""
        if self.recording == ended.call.key:
            self.recording = None
        running = self.running.get(ended.call.key)
        if running is None or running.number != ended.call.number:
            return
        del self.running[ended.call.key]
        with self._blocking():
            if ended.error is None:
                outcome = self._outcome(running, ended, status=COMPLETED, value=ended.value)
                self._deliver(outcome, is_recorded=ended.recorded_seq is not None)
            else:
                self._failed(running, ended, ended.error)

    def learn(self, wake_seq: int, cancelled_at: datetime | None, reason: str) -> bool:
        """What the database said of the run. True if there is new mail to load."""
        if cancelled_at is not None and self._cancelled_at is None:
            self._cancelled_at, self._cancel_reason = cancelled_at, reason
        is_news = wake_seq > self.claim.wake_seq
        if is_news:
            self.claim = replace(self.claim, wake_seq=wake_seq)
        return is_news

    def settle(self, now: datetime) -> None:
        """Hand the body every outcome that is there to be had at `now`."""
        with self._blocking():
            if self._cancelled_at is not None and not self._body.is_cancelled:
                self._deliver_cancel(now)
            self._give_up_overdue(now)
            while self._body.end is None and (outcome := self._next_outcome(now)):
                self._deliver(outcome)

    # ---- what it wants ---------------------------------------------------------------

    def take_save(self, now: datetime) -> Save | None:
        """What must be recorded before anything else is done; None if nothing must."""
        if self._blocked is not None:
            return self._take(Block(_error_of(self._blocked)))
        self._close_abandoned()
        if (end := self._body.end) is not None:
            self._stop_all()
            if not self.running:
                return self._take(self._finish(end))
            return self._take(Continue()) if self._must_save() else None
        self._ready_retries(now)
        self._open_new(only_forced=bool(self.running or self._ready))
        if not self.running and not self._ready:
            return self._take(self._park())
        return self._take(Continue()) if self._must_save() else None

    def _must_save(self) -> bool:
        save = self._save
        return bool(save.outcomes or save.opened or save.closed or save.told or save.attempts)

    def take_calls(self, now: datetime) -> Iterator[Call]:
        """The attempts to execute now. Only after what came before is recorded."""
        if self._body.end is not None or self.has_unheeded_cancel:
            return
        ready, self._ready = self._ready, []
        for step, number in ready:
            if step.is_abandoned:
                continue
            deadline = None if step.timeout is None else now + step.timeout
            self.running[step.key] = Running(step, number, now, deadline)
            yield Call(
                run_id=self.claim.run_id,
                key=step.key,
                number=number,
                fn=step.fn,
                args=step.args,
                timeout=step.timeout,
                idempotency_key=step.idempotency_key or f"{self.claim.run_id}:{step.key}",
                atomic=step.atomic,
            )

    @property
    def has_unheeded_cancel(self) -> bool:
        return self._cancelled_at is not None and not self._body.is_cancelled

    @property
    def next_instant(self) -> datetime | None:
        """When the clock alone will bring something to do, while steps are running."""
        instants = [one.deadline for one in self.running.values() if one.deadline is not None]
        instants += [due for _, _, due in self._retries.values()]
        instants += [timer.until for timer in self._timers.values()]
        instants += [wait.until for wait in self._waits.values() if wait.until is not None]
        return min(instants, default=None)

    def atomic_save(self, call: Call, value: str, started_at: datetime, finished_at: datetime) -> Save:
        """What an atomic step records in its own transaction. Called in its thread."""
        with self.lock:
            self.recording = call.key
            ended = Ended(call=call, started_at=started_at, finished_at=finished_at, value=value)
            outcome = self._outcome(self.running[call.key], ended, status=COMPLETED, value=value)
        return Save(claim=self.claim, outcomes=[outcome])

    def _take_seq(self) -> int:
        seq, self._next_seq = self._next_seq, self._next_seq + 1
        return seq

    def saved(self, save: Save, saved: Saved) -> bool:
        """`save` was recorded. True if there is new mail to load."""
        for entry in save.opened:
            self._open[entry.key] = entry
        for entry in (*save.outcomes, *save.closed):
            self._open.pop(entry.key, None)
        if not isinstance(save.then, Continue):
            self.is_over = True
            return False
        return self.learn(saved.wake_seq, saved.cancel_requested_at, saved.cancel_reason)

    def drop(self) -> None:
        """Let go of the body. Nothing more is recorded."""
        self.is_over = True
        self._body.close()

    # ---- outcomes --------------------------------------------------------------------

    def _deliver(self, outcome: Entry, *, is_recorded: bool = False) -> None:
        if is_recorded:
            self._open.pop(outcome.key, None)
        else:
            self._save.outcomes.append(outcome)
        for waiting_for in (self._timers, self._waits, self._retries):
            waiting_for.pop(outcome.key, None)
        self._body.deliver(outcome)
        self._take_commands()

    def _outcome(self, running: Running, ended: Ended, **fields: Any) -> Entry:
        return self._entry(
            running.call,
            seq=self._take_seq() if ended.recorded_seq is None else ended.recorded_seq,
            attempt=running.number,
            started_at=ended.started_at,
            finished_at=ended.finished_at,
            **fields,
        )

    def _entry(self, command: Command, **fields: Any) -> Entry:
        return Entry(
            key=command.key,
            kind=command.kind,
            name=command.name,
            position=command.position,
            cause=command.cause,
            **fields,
        )

    def _failed(self, running: Running, ended: Ended, error: BaseException) -> None:
        step, number = running.call, running.number
        failure = failures.record(error)
        self._save.attempts.append(
            FailedAttempt(
                key=step.key,
                number=number,
                error=failure,
                started_at=ended.started_at,
                finished_at=ended.finished_at,
            )
        )
        before = ((self._open[step.key].detail or {}) if step.key in self._open else {}).get("attempts_before", 0)
        if step.is_abandoned or not step.retry.allows(error, number - before):
            self._deliver(self._outcome(running, ended, status=FAILED, error=failure))
            return
        due_at = ended.finished_at + step.retry.delay(number - before)
        self._retries[step.key] = (step, number + 1, due_at)
        self._save.opened = [entry for entry in self._save.opened if entry.key != step.key]
        self._save.opened.append(
            self._entry(
                step,
                status=RETRYING,
                attempt=number,
                error=failure,
                detail={"attempts_before": before} if before else None,
                due_at=due_at,
                started_at=ended.started_at,
            )
        )

    def _next_outcome(self, now: datetime) -> Entry | None:
        # An event that is there wins over a timeout that is due at the same moment.
        for wait in self._waits.values():
            if mail := next((one for one in self.mail if _fits(one, wait)), None):
                return self._received(wait, mail, now)
        due: list[Timer | Wait] = [one for one in self._timers.values() if one.until <= now]
        due += [one for one in self._waits.values() if one.until is not None and one.until <= now]
        if not due:
            return None
        first = min(due, key=lambda one: (one.until, one.position))
        return self._timed_out(first, now) if isinstance(first, Wait) else self._waited(first, COMPLETED, now)

    def _received(self, wait: Wait, mail: Mail, now: datetime) -> Entry:
        self.mail.remove(mail)
        self._save.consumed.append((mail.id, wait.key))
        return self._waited(wait, COMPLETED, now, value=mail.payload)

    def _timed_out(self, wait: Wait, now: datetime) -> Entry:
        if entry := self._open.get(wait.key):
            self._save.told.append((entry, "timeout"))
        value = None if wait.default is NOT_GIVEN else encode(wait.default, root="default")
        return self._waited(wait, TIMED_OUT, now, value=value)

    def _waited(self, command: Timer | Wait, status: str, now: datetime, value: str | None = None) -> Entry:
        return self._entry(
            command,
            status=status,
            seq=self._take_seq(),
            value=value,
            detail=_detail(command),
            due_at=command.until,
            started_at=max(self._asked_at(command), self.claim.started_at),
            finished_at=now,
        )

    def _asked_at(self, command: Command) -> datetime:
        opened = self._open.get(command.key)
        return opened.started_at if opened and opened.started_at else self._body.now

    def _deliver_cancel(self, now: datetime) -> None:
        seq = self._take_seq()
        self._deliver(
            Entry(
                key=CANCEL_KEY,
                kind=CANCEL,
                name="cancel",
                position=0,
                cause=self._body.seq,
                status=COMPLETED,
                seq=seq,
                detail={"reason": self._cancel_reason},
                started_at=self._cancelled_at,
                finished_at=now,
            )
        )

    def _give_up_overdue(self, now: datetime) -> None:
        """Sync steps past their timeout: their threads go on, and nobody listens."""
        for key, running in list(self.running.items()):
            if running.deadline is not None and running.deadline + _GRACE <= now:
                call = Call(
                    run_id=self.claim.run_id,
                    key=key,
                    number=running.number,
                    fn=running.call.fn,
                    args=(),
                    timeout=running.call.timeout,
                    idempotency_key="",
                )
                error = timed_out(call)
                self.ended(Ended(call=call, started_at=running.started_at, finished_at=now, error=error))

    # ---- commands --------------------------------------------------------------------

    def _take_commands(self) -> None:
        for command in self._body.take_new():
            if command.answered:
                continue
            opened = self._open.get(command.key)
            if opened is not None and opened.kind != command.kind:
                raise NonDeterminism(
                    f"the journal holds {opened.kind} {command.key!r}, but the code asked for a {command.kind}",
                    expected=f"{opened.kind} {opened.key!r}",
                    got=f"{command.kind} {command.key!r}",
                    position=self._body.seq,
                )
            self._note(command, opened)

    def _note(self, command: Command, opened: Entry | None) -> None:
        match command:
            case StepCall():
                number = opened.attempt + 1 if opened else 1
                if opened and opened.due_at:
                    self._retries[command.key] = (command, number, opened.due_at)
                else:
                    self._ready.append((command, number))
            case Timer():
                # The deadline that was recorded first stands, whatever the code says today.
                if opened and opened.due_at:
                    command.until = opened.due_at
                self._timers[command.key] = command
            case Wait():
                if opened:
                    command.until = opened.due_at
                self._waits[command.key] = command

    def _ready_retries(self, now: datetime) -> None:
        for key, (step, number, due_at) in list(self._retries.items()):
            if due_at <= now:
                del self._retries[key]
                self._ready.append((step, number))

    def _open_new(self, *, only_forced: bool) -> None:
        """Note waits that began. asyncio's own timers only when the run parks: most end unfired."""
        for command in (*self._timers.values(), *self._waits.values()):
            if command.key in self._open or (only_forced and command.kind == TIMER):
                continue
            self._save.opened.append(
                self._entry(
                    command,
                    status=OPEN,
                    detail=_detail(command),
                    due_at=command.until,
                    started_at=self._body.now,
                )
            )

    def _close_abandoned(self) -> None:
        """Forget what branches that were cancelled had asked for."""
        asked = self._body.asked
        for waiting_for in (self._timers, self._waits, self._retries):
            for key in [key for key in waiting_for if asked[key].is_abandoned]:
                del waiting_for[key]
        reason: CloseReason = "cancelled" if self._body.is_cancelled else "abandoned"
        self._close([key for key in self._open if asked[key].is_abandoned], reason)
        # A failed attempt whose branch was cancelled is not tried again.
        self._save.opened = [one for one in self._save.opened if not asked[one.key].is_abandoned]

    def _stop_all(self) -> None:
        """The body has ended: nothing that it still waited for is wanted."""
        self._ready.clear()
        self._timers.clear()
        self._waits.clear()
        self._retries.clear()
        self._save.opened.clear()
        answered = {entry.key for entry in self._save.outcomes}
        still_open = [key for key in self._open if key not in answered and key not in self.running]
        self._close(still_open, "cancelled" if self._body.is_cancelled else "finished")

    def _close(self, keys: list[str], reason: CloseReason) -> None:
        known = {entry.key for entry in self._save.closed}
        for key in keys:
            if key not in known:
                self._save.closed.append(self._open[key])
                self._save.told.append((self._open[key], reason))

    # ---- what becomes of it ----------------------------------------------------------

    def _take(self, then: Continue | Park | Finish | Block) -> Save:
        save = replace(self._save, claim=self.claim, then=then, knows_cancel=self._body.is_cancelled)
        self._save = Save(claim=self.claim)
        if not isinstance(then, Continue) and not self._body.close() and isinstance(then, Park):
            return replace(save, then=Block(_error_of(SwallowedSuspension(_SWALLOWED))))
        return save

    def _park(self) -> Park | Block:
        opened = self._open | {entry.key: entry for entry in self._save.opened}
        due_at, status, waiting_on = waiting.summary(opened, self._body.pending)
        if not waiting_on:
            return Block(_error_of(StuckBody(_STUCK)))
        return Park(status, due_at, waiting_on)

    def _finish(self, end: Returned | Raised) -> Finish:
        if self._body.is_cancelled:
            return Finish(Status.CANCELLED)
        if isinstance(end, Returned):
            try:
                output = self.definition.validate_output(end.value)
                return Finish(Status.COMPLETED, encode(output, root="output", limit=conf.MAX_PAYLOAD))
            except (OrchestratorError, NotSerializable, PayloadTooLarge) as error:
                return Finish(Status.FAILED, error=failures.record(error))
        error = failures.record(end.error)
        if key := failures.failed_key(end.error):
            error["key"] = key
        return Finish(Status.FAILED, error=error)

    def _blocking(self) -> Any:
        return waiting.Catching(_BLOCKING + (Quarantined,), self._block)

    def _block(self, error: BaseException) -> None:
        self._blocked = self._blocked or error


class Quarantined(OrchestratorError):
    """The run kills its workers and makes no progress."""


class SwallowedSuspension(OrchestratorError):
    """The body caught the GeneratorExit with which Python drops a suspended coroutine."""


class StuckBody(OrchestratorError):
    """The body waits for something that no event, timer or step will bring."""


_SWALLOWED = (
    "the body caught the end of its own suspension: a bare `except:` or `except BaseException:` "
    "around an `await` must raise again. Write `except Exception:`."
)
_STUCK = (
    "the body waits for something that is not durable (a future or a lock that nobody will "
    "release), so nothing can wake it"
)

# The executor cancels an async step at its timeout; this is for what cannot be cancelled.
_GRACE = timedelta(milliseconds=50)


def _fits(mail: Mail, wait: Wait) -> bool:
    if wait.event:
        return mail.name == wait.event and wait.correlation in (None, mail.correlation)
    return mail.name == f"@{wait.key}"


def _detail(command: Timer | Wait) -> dict[str, Any] | None:
    if not isinstance(command, Wait):
        return None
    if command.kind == EVENT:
        return {"event": command.event, "key": command.correlation}
    return command.detail


def _error_of(error: BaseException) -> dict[str, Any]:
    found: dict[str, Any] = {"type": type(error).__name__, "message": failures.clean(str(error))}
    if isinstance(error, NonDeterminism):
        found |= {"expected": error.expected, "got": error.got, "position": error.position}
    return found
