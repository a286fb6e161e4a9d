"""The driver: claims due runs and drives many of them side by side in one thread.

It goes round in turns. A turn hands every run that has news its outcomes, records what
came of that in one commit for all of them, and only then starts the steps that they ask
for. So the outcome of a step is durable before anything that depends on it happens.
"""

from __future__ import annotations

import contextlib
import logging
import math
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from queue import Empty, SimpleQueue
from uuid import UUID

from django.db.utils import Error as DatabaseError

from orchestrator import failpoints
from orchestrator.clock import Estimate
from orchestrator.conf import conf
from orchestrator.core import failures
from orchestrator.core.definition import Definition, registry
from orchestrator.core.errors import LeaseLost
from orchestrator.core.journal import EVENT, Entry, History
from orchestrator.engine import waiting
from orchestrator.engine.executor import Call, Ended, Executor
from orchestrator.engine.heart import Heart
from orchestrator.engine.live import LiveRun
from orchestrator.store import ticks
from orchestrator.store.records import Beat, Block, Claim, Continue, Park, Save, Saved

logger = logging.getLogger("orchestrator")

_LONG_SECONDS = 60.0


class Ring:
    """Somebody says that there may be due runs."""


class Stop:
    """The worker is going away."""


News = Ended | Beat | Ring | Stop


class Driver:
    """Drives runs. `drain` until nothing is due, or `run` until it is told to stop."""

    def __init__(self, *, worker: str, executor: Executor, heart: Heart, clock: Estimate) -> None:
        self.inbox: SimpleQueue[News] = SimpleQueue()
        self._worker = worker
        self._executor = executor
        self._heart = heart
        self._clock = clock
        self._live: dict[UUID, LiveRun] = {}
        self._changed: dict[UUID, LiveRun] = {}
        self._held_back: dict[UUID, list[Ended]] = {}
        # Runs whose next steps wait until the heart is heard again.
        self._stalled: dict[UUID, LiveRun] = {}
        self._may_be_more = False
        self._next_look = 0.0
        self._stopping = False

    # ---- the two ways to use it ------------------------------------------------------

    def drain(self) -> int:
        """Drive whatever is due until nothing is, and return how many claims that took."""
        total, self._next_look = 0, math.inf
        while claimed := self._claim():
            total += claimed
            while self._live:
                self._turns()
                if self._live:
                    self._receive()
        return total

    def run(self) -> None:
        """Drive due runs until told to stop; then finish what is executing, for a while."""
        while not self._stopping:
            if self._should_look:
                self._look()
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
    def _has_room(self) -> bool:
        # Not for one more run at a time: each look is a statement.
        return len(self._live) <= int(conf.BATCH) // 2

    @property
    def _should_look(self) -> bool:
        return self._has_room and (self._may_be_more or time.monotonic() >= self._next_look)

    def _look(self) -> None:
        """Claim what is due, and find out when to look again."""
        claimed = self._claim()
        interval = conf.SWEEP_INTERVAL.total_seconds()
        if not self._may_be_more and (due_at := ticks.next_due()) is not None:
            left = (due_at - self._clock.now()).total_seconds()
            # One that is due and was not claimed is another worker's, or has no code here.
            if left > 0 or claimed:
                interval = min(interval, max(left, 0.005))
        self._next_look = time.monotonic() + interval

    def _claim(self) -> int:
        limit = conf.BATCH - len(self._live)
        # Without a heartbeat our own leases may lapse: we would claim our own runs again.
        if limit <= 0 or self._stopping or not self._heart.is_beating:
            return 0
        known = [(one.name, one.version) for one in registry]
        asked = self._clock.asking()
        claims = ticks.claim(limit=limit, lease=conf.LEASE, worker=self._worker, known=known)
        self._may_be_more = len(claims) == limit
        if claims:
            self._clock.answered(asked, claims[0].at)
            failpoints.hit("after_claim", [claim.run_id for claim in claims])
            self._heart.took(asked)
            self._load(claims)
        return len(claims)

    def _load(self, claims: list[Claim]) -> None:
        histories = ticks.load_journals(claims)
        mail = ticks.load_mail([claim.run_id for claim in claims if claim.wake_seq])
        failpoints.hit("after_load", [claim.run_id for claim in claims])
        for claim in claims:
            definition = registry.get(claim.workflow, claim.version)
            if not self._is_permitted(claim, definition):
                continue
            live = LiveRun(
                claim,
                definition,
                histories.get(claim.run_id) or History(),
                mail.get(claim.run_id, []),
            )
            self._live[claim.run_id] = self._changed[claim.run_id] = live
            self._heart.watch(live, self.inbox)
            live.replay()

    def _is_permitted(self, claim: Claim, definition: Definition) -> bool:
        """Whether the run may be in progress. If not it is parked, to be woken by one that ends."""
        limit = definition.max_concurrent
        if not claim.concurrency_key or limit is None or claim.cancel_requested_at is not None:
            return True
        if ticks.take_permit(claim.run_id, claim.concurrency_key, limit):
            return True
        ticks.save([waiting.for_permit(claim, limit, self._clock.now())], worker=self._worker)
        return False

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
            return live.take_save(now)

    def _record(self, saves: list[Save]) -> None:
        self._hit_before(saves)
        asked = self._clock.asking()
        saved = ticks.save([save for save in saves if not save.has_sides], worker=self._worker)
        for save in saves:
            if save.has_sides:
                saved |= self._record_with_sides(save)
        failpoints.hit("after_record", [save.claim.run_id for save in saves if save.outcomes])
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
                self._may_be_more = True

    def _record_with_sides(self, save: Save) -> dict[UUID, Saved]:
        """Record with an app's side of it, alone: its error concerns no other run."""
        try:
            return ticks.save([save], worker=self._worker)
        except DatabaseError:
            raise
        except Exception as error:
            logger.exception("run %s: an app could not open or close a wait", save.claim.run_id)
            blocked = replace(
                save, opened=[], closed=[], told=[], then=Block(failures.record(error))
            )
            return ticks.save([blocked], worker=self._worker)

    def _after(self, live: LiveRun, save: Save, *, is_due: bool) -> None:
        run_ids = [live.claim.run_id]
        if live.is_over:
            failpoints.hit("after_park" if isinstance(save.then, Park) else "after_finish", run_ids)
            self._forget(live)
            self._may_be_more |= is_due
            if isinstance(save.then, Park) and save.then.due_at is not None:
                self._look_at(save.then.due_at)
        elif live.has_unheeded_cancel:
            self._changed[live.claim.run_id] = live

    def _not_saved(self, live: LiveRun, save: Save) -> None:
        """Another worker has the run, or a cancel came that its body does not know yet."""
        now = ticks.peek(save.claim)
        if now is not None and (save.heeds_cancel or save.heeds_mail):
            # Keep what was executed, open nothing, and come back with the news in hand.
            ticks.save([save.kept()], worker=self._worker)
            self._may_be_more = True
        else:
            logger.info("run %s was taken over", save.claim.run_id)
        self._forget(live)

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
                self._next_look = 0.0
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
            waits.append(0.0 if self._may_be_more else self._next_look - time.monotonic())
        # With no room and nothing to time, only news can change anything.
        return max(min([*waits, _LONG_SECONDS]), 0.0)

    def _look_at(self, due_at: datetime) -> None:
        seconds = (due_at - self._clock.now()).total_seconds()
        self._next_look = min(self._next_look, time.monotonic() + max(seconds, 0.0))
