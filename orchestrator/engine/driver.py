"""The driver: claims due runs and drives many of them side by side in one thread.

It goes round in turns. A turn hands every run that has news its outcomes, records what
came of that in one commit for all of them, and only then starts the steps that they ask
for. So the outcome of a step is durable before anything that depends on it happens.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from queue import Empty, SimpleQueue
from uuid import UUID

from django.db.utils import Error as DatabaseError

from orchestrator import failpoints, hints
from orchestrator.clock import Estimate
from orchestrator.conf import conf
from orchestrator.core import failures
from orchestrator.core.errors import LeaseLost
from orchestrator.core.journal import EVENT, Entry
from orchestrator.engine import ending
from orchestrator.engine.executor import Call, Ended, Executor
from orchestrator.engine.heart import Heart
from orchestrator.engine.intake import Intake
from orchestrator.engine.live import LiveRun
from orchestrator.store import ticks
from orchestrator.store.records import Beat, Continue, Park, Queues, Save, Saved, hit_each

logger = logging.getLogger("orchestrator")

_LONG_SECONDS = 60.0

# So many runs are taken at first. Whoever hears of many that are due must not take them all
# and let them wait for its threads, while other workers are idle.
BITE = 8

# How soon to look again for free threads: it may be another driver's step that ends.
_FULL_SECONDS = 0.02


class Ring:
    """Somebody says that there may be due runs."""


class Mend:
    """It is time to look for blocked runs that this worker's code can carry on."""


class Stop:
    """The worker is going away."""


News = Ended | Beat | Ring | Mend | Stop


class Driver:
    """Drives runs. `drain` until nothing is due, or `run` until it is told to stop."""

    def __init__(
        self,
        *,
        worker: str,
        executor: Executor,
        heart: Heart,
        clock: Estimate,
        queues: Queues = None,
    ) -> None:
        self.inbox: SimpleQueue[News] = SimpleQueue()
        self._worker = worker
        self._executor = executor
        self._heart = heart
        self._clock = clock
        self._intake = Intake(
            worker=worker, queues=queues, heart=heart, clock=clock, begin=self._begin
        )
        self._live: dict[UUID, LiveRun] = {}
        self._changed: dict[UUID, LiveRun] = {}
        self._held_back: dict[UUID, list[Ended]] = {}
        # Runs whose next steps wait until the heart is heard again.
        self._stalled: dict[UUID, LiveRun] = {}
        self._bite = BITE
        self._stopping = False

    # ---- the two ways to use it ------------------------------------------------------

    def drain(self, *, mends: bool = False) -> int:
        """Drive whatever is due until nothing is, and return how many claims that took.

        With `mends` also blocked runs that this process's code has not tried yet.
        """
        total = 0
        self._intake.never()
        while claimed := self._take_in() or (mends and self._intake.mend(self._room)):
            total += claimed
            while self._live:
                self._turns()
                if self._live:
                    self._receive()
        return total

    def run(self) -> None:
        """Drive due runs until told to stop; then finish what is executing, for a while."""
        while not self._stopping:
            if self._has_room and self._intake.is_time and not self._executor.is_full:
                self._bite_off()
            self._turns()
            self._receive()

    def stop(self, *, grace: timedelta) -> None:
        """Start nothing more; wait for executing steps; give the rest back. In `run`'s thread."""
        until = time.monotonic() + grace.total_seconds()
        while any(live.running for live in self._live.values()) and time.monotonic() < until:
            self._receive(at_most=until - time.monotonic())
            self._turns()
        ticks.give_back([live.claim for live in self._live.values()])
        for live in list(self._live.values()):
            self._forget(live)

    def abandon(self) -> None:
        """Let go of everything without a word to the database: as if this process had died."""
        for live in list(self._live.values()):
            self._forget(live)

    # ---- claiming --------------------------------------------------------------------

    @property
    def _room(self) -> int:
        return int(conf.BATCH) - len(self._live)

    @property
    def _has_room(self) -> bool:
        # Not for one more run at a time: each look is a statement.
        return len(self._live) <= int(conf.BATCH) // 2

    def _bite_off(self) -> None:
        """Take few runs at once, and more as long as the last ones were soon dealt with."""
        is_quick = self._intake.has_more and not self._live
        self._bite = min(self._bite * 2, int(conf.BATCH)) if is_quick else BITE
        self._intake.look(min(self._bite, self._room))

    def _take_in(self) -> int:
        return 0 if self._stopping else self._intake.take(self._room)

    def _begin(self, live: LiveRun) -> None:
        run_id = live.claim.run_id
        self._live[run_id] = self._changed[run_id] = live
        self._heart.watch(live, self.inbox)
        live.replay()

    # ---- turns -----------------------------------------------------------------------

    def _turns(self) -> None:
        while self._changed:
            self._turn()
            self._receive_ready()

    def _turn(self) -> None:
        changed, self._changed = self._changed, {}
        now = self._clock.now()
        saves = [save for live in changed.values() if (save := self._settle(live, now))]
        if saves:
            self._record(saves)
        for run_id, live in changed.items():
            if live.is_over or self._stopping:
                continue
            if self._heart.is_beating:
                self._start_steps(live)
            else:
                self._stalled[run_id] = live

    def _settle(self, live: LiveRun, now: datetime) -> Save | None:
        with live.lock:
            if live.recording is not None:
                return None
            live.settle(now)
            return live.take_save(now, is_crowded=not self._has_room)

    def _record(self, saves: list[Save]) -> None:
        self._hit_before(saves)
        asked = self._clock.asking()
        saved = ticks.save([save for save in saves if not save.has_sides], worker=self._worker)
        for save in saves:
            if save.has_sides:
                saved |= self._record_with_sides(save)
        hit_each("after_record", (save for save in saves if save.outcomes))
        news: list[UUID] = []
        for save in saves:
            live = self._live[save.claim.run_id]
            answer = saved.get(save.claim.run_id)
            if answer is None:
                self._not_saved(live, save)
                continue
            self._clock.answered(asked, answer.at)
            if live.saved(save, answer):
                news.append(live.claim.run_id)
            self._after(live, save, is_due=answer.is_due)
            for queue in {step.queue for step in save.handed_out}:
                hints.send(save.claim.run_id, queue, is_for_steps=True)
        self._load_news(news)
        self._collect_broadcasts(saves, saved)

    def _collect_broadcasts(self, saves: list[Save], saved: Mapping[UUID, Saved]) -> None:
        """Look for kept events, now that the waits for them are committed."""
        for save in saves:
            names = {
                entry.name
                for entry in save.opened
                if entry.kind == EVENT and not entry.name.startswith("@")
            }
            run_id = save.claim.run_id
            if names and run_id in saved and ticks.collect(run_id, names):
                self._intake.may_be_more()

    def _record_with_sides(self, save: Save) -> dict[UUID, Saved]:
        """Record with an app's side of it, alone: its error concerns no other run."""
        try:
            return ticks.save([save], worker=self._worker)
        except DatabaseError:
            raise
        except Exception as error:
            logger.exception("run %s: an app could not open or close a wait", save.claim.run_id)
            live = self._live[save.claim.run_id]
            block = ending.blocked(error, failures.record(error), live.tried)
            blocked = save.without_waits(block)
            return ticks.save([blocked], worker=self._worker)

    def _after(self, live: LiveRun, save: Save, *, is_due: bool) -> None:
        run_ids = [live.claim.run_id]
        if live.is_over:
            failpoints.hit("after_park" if isinstance(save.then, Park) else "after_finish", run_ids)
            self._forget(live)
            if is_due:
                self._intake.may_be_more()
            if isinstance(save.then, Park) and save.then.due_at is not None:
                self._intake.look_at(save.then.due_at)
        elif live.has_unheeded_cancel or live.is_to_park:
            self._changed[live.claim.run_id] = live

    def _not_saved(self, live: LiveRun, save: Save) -> None:
        """Another worker has the run, or a cancel came that its body does not know yet."""
        now = ticks.peek(save.claim)
        if now is None or not (save.heeds_cancel or save.heeds_mail):
            logger.info("run %s was taken over", save.claim.run_id)
        elif live.running and not save.heeds_mail and isinstance(save.then, Continue):
            # What executes here ends here: tell the body of the cancel meanwhile.
            if self._goes_on(live, save):
                return
        else:
            # Keep what was executed, open nothing, and come back with the news in hand.
            ticks.save([save.kept()], worker=self._worker)
            self._intake.may_be_more()
        self._forget(live)

    def _goes_on(self, live: LiveRun, save: Save) -> bool:
        """Record what of `save` is kept. False if the run is another worker's now."""
        run_id = save.claim.run_id
        saved = ticks.save([save.kept(goes_on=True)], worker=self._worker)
        if run_id not in saved:
            return False
        if live.saved_in_part(save, saved[run_id]):
            self._load_news([run_id])
        self._changed[run_id] = live
        return True

    def _load_news(self, run_ids: list[UUID]) -> None:
        for run_id, mail in ticks.load_mail(run_ids).items():
            if live := self._live.get(run_id):
                live.mail = mail
                self._changed[run_id] = live

    def _forget(self, live: LiveRun) -> None:
        run_id = live.claim.run_id
        live.drop()
        self._live.pop(run_id, None)
        self._changed.pop(run_id, None)
        self._held_back.pop(run_id, None)
        self._stalled.pop(run_id, None)
        self._heart.unwatch(live)

    def _hit_before(self, saves: list[Save]) -> None:
        for save in saves:
            if isinstance(save.then, Continue):
                continue
            name = "before_park" if isinstance(save.then, Park) else "before_finish"
            failpoints.hit(name, [save.claim.run_id])

    # ---- steps -----------------------------------------------------------------------

    def _start_steps(self, live: LiveRun) -> None:
        for call in live.take_calls(self._clock.now()):
            ended = self._known_result(live, call) or self._execute(live, call)
            if ended is not None:
                self._hear(ended)

    def _execute(self, live: LiveRun, call: Call) -> Ended | None:
        record = partial(self._record_atomic, live) if call.atomic else None
        return self._executor.execute(call, self.inbox.put, record)

    def _known_result(self, live: LiveRun, call: Call) -> Ended | None:
        """The result of an earlier step with the same explicit idempotency key."""
        if not call.is_shared:
            return None
        known = ticks.known_results(live.claim.workflow, [call.idempotency_key])
        if (value := known.get(call.idempotency_key)) is None:
            return None
        now = self._clock.now()
        return Ended(call=call, started_at=now, finished_at=now, value=value, is_known=True)

    def _record_atomic(
        self, live: LiveRun, call: Call, value: str, started_at: datetime, finished_at: datetime
    ) -> Entry:
        """Called in the step's thread and transaction. Raises LeaseLost, which rolls it back."""
        save = live.atomic_save(call, value, started_at, finished_at)
        if not ticks.save([save], worker=self._worker):
            raise LeaseLost(f"run {call.run_id} was taken over while {call.key!r} was executing")
        return save.outcomes[0]

    # ---- news ------------------------------------------------------------------------

    def _receive(self, at_most: float | None = None) -> None:
        """Wait for news, but no longer than until the clock brings some."""
        patience = self._patience() if at_most is None else at_most
        if patience > 0 and not self._changed:
            with contextlib.suppress(Empty):
                self._hear(self.inbox.get(timeout=patience))
        self._receive_ready()

    def _receive_ready(self) -> None:
        while True:
            try:
                self._hear(self.inbox.get_nowait())
            except Empty:
                break
        self._wake_by_clock()

    def _hear(self, news: News) -> None:
        match news:
            case Ended():
                self._hear_ended(news)
            case Beat():
                self._hear_beat(news)
            case Ring():
                self._intake.ring()
            case Mend():
                self._intake.may_mend()
            case Stop():
                self._stopping = True

    def _hear_ended(self, ended: Ended) -> None:
        if isinstance(ended.error, failpoints.Died):
            raise ended.error
        live = self._live.get(ended.call.run_id)
        if live is None:
            return
        if isinstance(ended.error, LeaseLost):
            self._forget(live)
            return
        with live.lock:
            if live.recording not in (None, ended.call.key):
                self._held_back.setdefault(ended.call.run_id, []).append(ended)
                return
            live.ended(ended)
            for waiting in self._held_back.pop(ended.call.run_id, []):
                live.ended(waiting)
        self._changed[ended.call.run_id] = live

    def _hear_beat(self, beat: Beat) -> None:
        live = self._live.get(beat.run_id)
        if live is None:
            return
        saved = ticks.peek(live.claim)
        if saved is None:
            self._forget(live)
        elif live.learn(saved):
            self._load_news([beat.run_id])
        self._changed[beat.run_id] = live

    def _wake_by_clock(self) -> None:
        if self._stalled and self._heart.is_beating:
            self._changed |= self._stalled
            self._stalled.clear()
        now = self._clock.now()
        for run_id, live in self._live.items():
            if (instant := live.next_instant) is not None and instant <= now:
                self._changed[run_id] = live

    def _patience(self) -> float:
        instants = [one.next_instant for one in self._live.values()]
        waits = [(instant - self._clock.now()).total_seconds() for instant in instants if instant]
        if self._has_room:
            left = self._intake.seconds_left
            waits.append(max(left, _FULL_SECONDS) if self._executor.is_full else left)
        # With no room and nothing to time, only news can change anything.
        return max(min([*waits, _LONG_SECONDS]), 0.0)
