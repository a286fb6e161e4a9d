"""A claimed run while this worker holds it.

`settle` hands the body every outcome that is there to be had. `take_save` is all that
must then be recorded at once, before any further step starts. Nothing here touches the
database; the driver does, for many live runs in one statement.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from orchestrator.conf import conf
from orchestrator.core.body import Body
from orchestrator.core.commands import StepCall
from orchestrator.core.definition import Definition
from orchestrator.core.errors import (
    NonDeterminism,
    Quarantined,
    StuckBody,
    SwallowedSuspension,
    TooManyEntries,
)
from orchestrator.core.fingerprints import fingerprint
from orchestrator.core.journal import PATCH, RUN_TIMED_OUT, Entry, History
from orchestrator.engine import beginning, ending, entries, orders, waiting
from orchestrator.engine.attempts import Attempts
from orchestrator.engine.draft import Draft
from orchestrator.engine.executing import Executing
from orchestrator.engine.executor import Call, Ended
from orchestrator.engine.gauge import Gauge
from orchestrator.engine.obstacle import Obstacle
from orchestrator.engine.pending import Pending
from orchestrator.kinds import CloseReason
from orchestrator.models import Status
from orchestrator.store.records import (
    Again,
    Block,
    Claim,
    Continue,
    Finish,
    Mail,
    Park,
    Save,
    Saved,
    Then,
)

logger = logging.getLogger("orchestrator")


class LiveRun:
    """One claimed run. Used by the thread of its driver, but for `atomic_save`."""

    def __init__(
        self, claim: Claim, definition: Definition, history: History, mail: list[Mail]
    ) -> None:
        self.claim = claim
        self.mail = mail
        self.running = Executing(claim.run_id, claim.generation, beginning.told(claim, history))
        self.is_over = False
        # Held by whoever gives out the next place in the journal: the driver while it
        # hands out outcomes, or the thread of an atomic step while it takes one.
        self.lock = threading.Lock()
        # The atomic step that has taken a place and not reported back yet. Until it has,
        # nothing else may be handed to the body: the order is the journal's.
        self.recording: str | None = None
        self._definition = definition
        self._history = history
        self._body = Body(claim.started_at, history, claim.checkpoint)
        self._body.notes.stored = claim.logged
        self._pending = Pending(history.open)
        self._draft = Draft(claim)
        self._gauge = Gauge(self._draft, history)
        self._attempts = Attempts(claim.workflow, self.running, self._pending, self._draft)
        self._obstacle = Obstacle(claim.run_id)
        self._cancelled_at = claim.cancel_requested_at
        self._cancel_reason = claim.cancel_reason
        self._is_paused = self._is_replayed = False
        timeout = definition.timeout
        self._deadline = None if timeout is None else claim.started_at + timeout
        # The time for cleaning up after a cancel is over.
        self._is_cut_off = False

    # ---- replay ----------------------------------------------------------------------

    def replay(self) -> None:
        """Start the body and hand it all that is recorded."""
        with self._obstacle.kept():
            self._check_crashes()
            self._gauge.check()
            self._body.begin(beginning.play(self.claim, self._definition, self._body))
            for entry in self._history.outcomes:
                self._body.deliver(entry)
            self._note_commands()
            self._check_all_asked()
            self._limit_cleanup()
            self._is_replayed = True

    def _check_crashes(self) -> None:
        if self.claim.crashes >= conf.MAX_CRASHES:
            raise Quarantined(self.claim.crashes)

    def _check_all_asked(self) -> None:
        for key, entry in self._pending.opened.items():
            if key not in self._body.asked:
                raise NonDeterminism(
                    f"the journal holds {entry.kind} {key!r}, which the code no longer asks for",
                    expected=f"{entry.kind} {key!r}",
                    got="nothing",
                    position=self._body.seq,
                )

    # ---- what happens to it ----------------------------------------------------------

    def ended(self, ended: Ended) -> None:
        """An attempt has ended. One that was given up meanwhile is ignored."""
        if self.recording == ended.call.key:
            self.recording = None
        running = self.running.end(ended.call)
        if running is None:
            return
        with self._obstacle.kept():
            if outcome := self._attempts.outcome(running.step, ended):
                self._deliver(outcome, is_recorded=ended.recorded is not None)

    def learn(self, saved: Saved) -> bool:
        """What the database says of the run. True if there is new mail to load."""
        if saved.cancel_requested_at is not None and self._cancelled_at is None:
            self._cancelled_at, self._cancel_reason = saved.cancel_requested_at, saved.cancel_reason
        self._is_paused = saved.is_paused
        is_news = saved.wake_seq > self.claim.wake_seq
        if is_news:
            self.claim = replace(self.claim, wake_seq=saved.wake_seq)
        return is_news

    def settle(self, now: datetime) -> None:
        """Hand the body every outcome that is there to be had at `now`."""
        with self._obstacle.kept():
            if self.has_unheeded_cancel:
                assert self._cancelled_at is not None
                self._deliver_cancel(self._cancelled_at, self._cancel_reason, now)
            elif self._deadline is not None and self._deadline <= now and self._body.end is None:
                self._too_late(self._deadline, now)
            for overdue in self.running.overdue(now):
                self.ended(overdue)
            while outcome := self._attempts.heard(self.mail, self._body, self._has_ended):
                self._deliver(outcome)
            while not self._has_ended and (outcome := self._next_outcome(now)):
                self._deliver(outcome)
            if not (self._has_ended or self._is_paused):
                self._attempts.hand_out(now)

    # ---- what it wants ---------------------------------------------------------------

    def take_save(self, now: datetime, *, is_crowded: bool = False) -> Save | None:
        """What must be recorded before anything else is done; None if nothing must.

        When it is crowded here, a run that has been busy for long lets others have its place.
        """
        if self._obstacle.error is not None:
            return self._take_blocked(self._obstacle.error)
        reason: CloseReason = "cancelled" if self._body.is_cancelled else "abandoned"
        self._pending.give_up(self._body.asked, self._draft.save, reason)
        if self._has_ended:
            return self._take_last()
        self._pending.collect_retries(now)
        self._draft.save.opened += self._pending.intents(self._body.now)
        is_busy = self.running or (self._pending.has_ready and not self._is_paused)
        for command in self._pending.unopened(with_timers=not is_busy):
            self._draft.save.opened.append(entries.opened(command, self._body.now))
        if not is_busy:
            return self._take(self._park())
        if is_crowded and self._may_yield(now):
            return self._take(Park(Status.PENDING, now, []))
        return self._take_if_any()

    def _take_blocked(self, error: BaseException) -> Save:
        """That the run cannot go on. A replay that fails has done nothing else.

        What its body has noted on the way comes of code that is not the run's, such as a
        checkpoint behind what that code does not ask for.
        """
        if self._is_replayed:
            return self._take(self._block(error))
        then = self._block(error)
        return Save(claim=self.claim, then=then, knows_cancel=self._body.is_cancelled)

    def _may_yield(self, now: datetime) -> bool:
        """Whether the run has had its share, and nothing of it is under way."""
        took = self._draft.last_seq - self.claim.seq
        # It must get on: to read a long journal may take longer than its share.
        if not took or self.running or self._draft.has_intents:
            return False
        return bool(took >= conf.TICK_OUTCOMES or now - self.claim.at >= conf.TICK_TIME)

    def _take_last(self) -> Save | None:
        reason: CloseReason = "cancelled" if self._body.is_cancelled else "finished"
        handed_out = self._pending.handed_out
        if self._is_cut_off:
            self._draft.save.gives_up_steps = bool(handed_out)
            self._pending.give_up_all((), self._draft.save, reason)
            return self._take(self._finish())
        # A step that executes is waited for, wherever it does.
        self._pending.give_up_all([*self.running.keys, *handed_out], self._draft.save, reason)
        self._pending.ask_back(handed_out, self._draft.save)
        if self.running:
            return self._take_if_any()
        if handed_out:
            return self._take(waiting.for_steps(self._pending.opened[key] for key in handed_out))
        return self._take(self._finish())

    def _take_if_any(self) -> Save | None:
        must = self._draft.must_be_saved or self._body.notes.marks
        return self._take(Continue()) if must else None

    def take_calls(self, now: datetime) -> Iterator[Call]:
        """The attempts to execute now. Only after what came before is recorded."""
        if self._has_ended or self.has_unheeded_cancel or self._is_paused:
            return
        for step, number in self._pending.take_ready(now):
            yield self.running.begin(step, number, now)

    @property
    def _has_ended(self) -> bool:
        return self._is_cut_off or self._body.end is not None

    @property
    def has_unheeded_cancel(self) -> bool:
        """Whether a cancel came that the body has not been told of."""
        return self._cancelled_at is not None and not self._body.is_cancelled

    @property
    def is_to_park(self) -> bool:
        """Whether it was paused and nothing executes any more."""
        return self._is_paused and not self.running

    @property
    def next_instant(self) -> datetime | None:
        """When the clock alone will bring something to do, while steps are executing."""
        instants = [*self.running.deadlines, *self._pending.instants]
        if self._deadline is not None:
            instants.append(self._deadline)
        return min(instants, default=None)

    def atomic_save(self, call: Call, value: str, started: datetime, finished: datetime) -> Save:
        """What an atomic step records in its own transaction. Called in the step's thread."""
        with self.lock:
            self.recording = call.key
            outcome = self._attempts.recorded_by_itself(call, value, started, finished)
        return Save(claim=self.claim, outcomes=[outcome], lines=call.lines)

    def saved(self, save: Save, saved: Saved) -> bool:
        """`save` was recorded. True if there is new mail to load."""
        self._pending.recorded(save)
        if not isinstance(save.then, Continue):
            self.is_over = True
            return False
        return self.learn(saved)

    def saved_in_part(self, save: Save, saved: Saved) -> bool:
        """As `saved`, when of `save` only what is kept was recorded: the rest is yet to be."""
        self._draft.save = save.held_back()
        return self.saved(save.kept(goes_on=True), saved)

    def drop(self) -> None:
        """Let go of the body. Nothing more is recorded."""
        self.is_over = True
        self._body.close()

    # ---- outcomes --------------------------------------------------------------------

    def _deliver(self, outcome: Entry, *, is_recorded: bool = False) -> None:
        if is_recorded:
            self._pending.opened.pop(outcome.key, None)
        else:
            self._draft.save.outcomes.append(outcome)
        self._gauge.took(outcome)
        self._pending.answered(outcome.key)
        self._body.deliver(outcome)
        self._note_commands()

    def _note_commands(self) -> None:
        for command in self._body.take_new():
            if command.kind == PATCH:
                self._draft.save.marked.append(entries.mark(command, self._body.now))
            elif not command.answered:
                if command.position - self._body.first_position > conf.MAX_ENTRIES:
                    raise TooManyEntries(conf.MAX_ENTRIES)
                self._pending.note(command)

    def _next_outcome(self, now: datetime) -> Entry | None:
        self._obey(now)
        # An event that is there wins over a timeout that is due at the same moment.
        if received := self._pending.received(self.mail):
            wait, mail = received
            self.mail.remove(mail)
            self._draft.save.consumed.append((mail.id, wait.key))
            return entries.waited(
                wait, seq=self._draft.take_seq(), since=self._since(wait.key), now=now, mail=mail
            )
        command = self._pending.overdue(now)
        if command is None:
            return None
        if self._pending.has_waits and not self._may_give_up():
            return None
        outcome = entries.waited(
            command, seq=self._draft.take_seq(), since=self._since(command.key), now=now
        )
        if known := self._pending.opened.get(command.key):
            self._draft.save.told.append((known, "timeout"))
        return outcome

    def _may_give_up(self) -> bool:
        """Whether the clock may decide now. What was executed is recorded first, on its own."""
        save = self._draft.save
        save.heeds_mail = save.heeds_mail or self._draft.is_empty
        return save.heeds_mail

    def _since(self, key: str) -> datetime:
        return self._pending.started_at(key) or self._body.now

    def _obey(self, now: datetime) -> None:
        """What operators have sent: skip a sleep, retry at once, resolve an ambiguous step."""
        for mail in [one for one in self.mail if one.name.startswith(orders.PREFIXES)]:
            self.mail.remove(mail)
            self._draft.save.consumed.append((mail.id, "@"))
            if resolved := self._pending.obey(mail, now):
                self._resolve(*resolved, now)
        if (step := self._pending.hopeless) is not None:
            self._resolve(step, {"action": "fail"}, now)

    def _resolve(self, step: StepCall, answer: dict[str, Any], now: datetime) -> None:
        self._deliver(entries.resolved(step, answer, seq=self._draft.take_seq(), now=now))

    def _deliver_cancel(self, asked_at: datetime, reason: str, now: datetime) -> None:
        self._deliver(
            entries.cancelled(
                seq=self._draft.take_seq(),
                cause=self._body.seq,
                reason=reason,
                asked_at=asked_at,
                now=now,
            )
        )
        self._limit_cleanup()

    def _limit_cleanup(self) -> None:
        if self._body.cancelled_at is not None:
            self._deadline = self._body.cancelled_at + conf.CANCEL_GRACE

    def _too_late(self, deadline: datetime, now: datetime) -> None:
        """The run has taken too long, or its cleanup after a cancel has."""
        if self._body.is_cancelled:
            self._is_cut_off = True
            logger.warning(
                "run %s did not end after its cancel, and was cut off", self.claim.run_id
            )
        else:
            self._deliver_cancel(deadline, RUN_TIMED_OUT, now)

    # ---- what becomes of it ----------------------------------------------------------

    def _take(self, then: Then) -> Save:
        save = self._draft.take(self.claim, self._body, then)
        if save.attributes:
            self.claim = replace(
                self.claim, attributes={**self.claim.attributes, **save.attributes}
            )
        if isinstance(then, Park) and not self._body.close():
            return replace(save, then=self._block(SwallowedSuspension()))
        return save

    def _park(self) -> Park | Block:
        opened = self._pending.opened | {entry.key: entry for entry in self._draft.save.opened}
        due_at, status, waiting_on = waiting.summary(opened, self._body.pending)
        if not waiting_on and self._is_paused and self._pending.has_ready:
            # It waits for nothing but to be resumed, which makes it due.
            return Park(Status.PENDING, None, [])
        if not waiting_on:
            return self._block(StuckBody())
        if self._deadline is not None:
            due_at = self._deadline if due_at is None else min(due_at, self._deadline)
        return Park(status, due_at, waiting_on)

    @property
    def tried(self) -> list[str]:
        """The fingerprints of the code that has tried to carry the run on, with this one's."""
        return [*self.claim.tried, fingerprint(self._definition.fn)]

    def _block(self, error: BaseException) -> Block:
        return ending.blocked(error, entries.explained(error), self.tried)

    def _finish(self) -> Finish | Again:
        return ending.end_of(self.claim, self._definition, self._body)
