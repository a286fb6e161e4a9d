"""The hands of a worker: they execute steps that were handed out, of any run.

A run that asks for such a step parks. Whoever serves the step's queue claims the task,
executes it as any step, and tells the run what came of it, in one transaction that names
the epoch of the claim. The run's own tick records it.
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any
from uuid import UUID

from orchestrator import failpoints, hints
from orchestrator.clock import Estimate
from orchestrator.conf import conf
from orchestrator.core.codec import decode
from orchestrator.core.definition import registry
from orchestrator.core.errors import LeaseLost, UndecodableValue, UnknownFunction, WorkersDied
from orchestrator.core.functions import find_function
from orchestrator.engine.executing import GRACE
from orchestrator.engine.executor import Call, Ended, Executor, timed_out
from orchestrator.engine.handing import Report
from orchestrator.engine.heart import Heart
from orchestrator.store import steps, ticks
from orchestrator.store.handed import LOST, WITHDRAWN, Heard, Reported, Task
from orchestrator.store.records import Queues

logger = logging.getLogger("orchestrator")

_LONG_SECONDS = 60.0

# A worker takes so many steps at once (twice as many when those have ended at once), and for
# each one that it has in hand lets others go first for so long. Else whoever hears of them
# first takes all, and others are idle.
BITE = 4
COURTESY_SECONDS = 0.01

# A worker that lacks the function of a step leaves it to others for so long.
ELSEWHERE = timedelta(seconds=2)


class Ring:
    """Somebody says that there may be steps."""


class Stop:
    """The worker is going away."""


@dataclass(frozen=True, slots=True)
class Lost:
    """The heart could not extend the lease of this task: it is another's."""

    held: Held


News = Ended | Ring | Stop | Lost


@dataclass(slots=True, eq=False)
class Held:
    """A task in hand: what is executed for it, and until when at most."""

    task: Task
    call: Call
    deadline: datetime | None
    started_at: datetime
    # What the heart has sent of its details, as JSON.
    sent: str = "null"
    # Its run was told by the atomic step itself, in the step's own transaction.
    heard: list[Heard] = field(default_factory=list)

    def late(self, now: datetime) -> Ended | None:
        """How it ends if its time is over: its thread goes on, and nobody listens to it."""
        if self.deadline is None or self.deadline > now:
            return None
        error = timed_out(self.call)
        return Ended(call=self.call, started_at=self.started_at, finished_at=now, error=error)


class Hands:
    """Executes steps that were handed out. `drain` until there are none, or `run`."""

    def __init__(
        self,
        *,
        worker: str,
        queues: Queues,
        executor: Executor,
        heart: Heart,
        clock: Estimate,
    ) -> None:
        self.inbox: SimpleQueue[News] = SimpleQueue()
        self._worker = worker
        self._queues = queues
        self._executor = executor
        self._heart = heart
        self._clock = clock
        self._held: dict[int, Held] = {}
        self._next_look = 0.0
        self._bite = BITE
        self._stopping = False
        heart.also(self.beat)

    # ---- the two ways to use them ----------------------------------------------------

    def drain(self) -> int:
        """Execute what waits until nothing does, and return how many claims that took."""
        total, self._next_look = 0, math.inf
        while claimed := self.take():
            total += claimed
            while self._held:
                self._receive()
        return total

    def run(self) -> None:
        """Execute what comes, until told to stop."""
        while not self._stopping:
            if self._room > 0 and self._seconds_left <= 0:
                self._bite_off()
            self._receive()

    def stop(self, *, grace: timedelta) -> None:
        """Wait for what executes, for a while; give the rest back. In `run`'s thread."""
        until = time.monotonic() + grace.total_seconds()
        while self._held and (left := until - time.monotonic()) > 0:
            self._receive(at_most=left)
        left_over = [held.task for held in self._held.values()]
        self._report([_unexecuted(task, LOST) for task in left_over if task.at_most_once])
        steps.give_back([task for task in left_over if not task.at_most_once])
        self.abandon()

    def abandon(self) -> None:
        """Let go of everything without a word to the database: as if this process had died."""
        self._held.clear()

    def beat(self) -> None:
        """Extend the leases of what is in hand. Called by the heart, in its thread."""
        held = list(self._held.values())
        told = [json.dumps(one.call.pulse.details) for one in held]
        rows = [
            (one.task.id, one.task.epoch, None if text == one.sent else text)
            for one, text in zip(held, told, strict=True)
        ]
        ours = steps.beat(rows, lease=conf.LEASE)
        for one, text in zip(held, told, strict=True):
            one.sent = text
            if one.task.id not in ours:
                self.inbox.put(Lost(one))

    # ---- claiming --------------------------------------------------------------------

    @property
    def _room(self) -> int:
        return int(conf.REMOTE_STEPS) - len(self._held)

    @property
    def _seconds_left(self) -> float:
        return self._next_look - time.monotonic()

    def _bite_off(self) -> None:
        limit = min(self._bite, self._room)
        may_be_more = self.take(at_most=limit) == limit
        self._next_look = time.monotonic() + conf.SWEEP_INTERVAL.total_seconds()
        self._bite = BITE if self._held or not may_be_more else self._bite * 2
        if may_be_more:
            self._look_soon()

    def _look_soon(self) -> None:
        soon = time.monotonic() + COURTESY_SECONDS * len(self._held)
        self._next_look = min(self._next_look, soon)

    def take(self, *, at_most: int | None = None) -> int:
        """Claim steps for which there is room and begin them. Returns how many."""
        room = self._room if at_most is None else min(self._room, at_most)
        if room <= 0 or self._stopping or not self._heart.is_beating:
            return 0
        known = [(one.name, one.version) for one in registry]
        asked = self._clock.asking()
        tasks = steps.claim(
            limit=room, lease=conf.LEASE, worker=self._worker, queues=self._queues, known=known
        )
        if tasks:
            self._clock.answered(asked, tasks[0].at)
            failpoints.hit("after_claim", [task.run_id for task in tasks])
            self._heart.took(asked)
            if len(tasks) == room:
                # Others may have hands free, too.
                hints.publish(tasks[-1].run_id, tasks[-1].queue, is_for_steps=True)
            self._report([one for task in tasks if (one := self._begin(task))])
        return len(tasks)

    def _begin(self, task: Task) -> Reported | None:
        """Execute a task. What is to be reported at once, if that is known."""
        if task.crashes and task.at_most_once:
            return _unexecuted(task, LOST)
        if task.is_withdrawn:
            return _unexecuted(task, WITHDRAWN)
        if task.crashes and steps.give_back_if_paused(task):
            return None
        try:
            fn, args = find_function(task.function), tuple(decode(task.args))
        except (UnknownFunction, UndecodableValue) as error:
            return self._unable(task, error)
        call = _call(task, fn=fn, args=args)
        held = Held(
            task=task,
            call=call,
            started_at=task.at,
            deadline=None if call.timeout is None else task.at + call.timeout + GRACE,
        )
        self._held[task.id] = held
        ended = self._known(held) or self._executor.execute(
            call, self.inbox.put, partial(self._record_atomic, held) if call.atomic else None
        )
        return None if ended is None else self._ended(ended)

    def _unable(self, task: Task, error: Exception) -> Reported | None:
        """This worker lacks the code. Perhaps another has it, if we wait a little."""
        if task.at - task.created_at < conf.CODE_GRACE:
            logger.warning("step %s of run %s is left to others: %s", task.key, task.run_id, error)
            steps.give_back([task], after=ELSEWHERE)
            return None
        return self._reported(task, self._failed(_call(task, fn=_missing, args=()), error))

    def _known(self, held: Held) -> Ended | None:
        """How it ends without being executed."""
        task, call = held.task, held.call
        if task.crashes >= conf.MAX_CRASHES:
            return self._failed(call, WorkersDied(task.crashes))
        if not task.is_shared:
            return None
        known = ticks.known_results(task.workflow, [task.idempotency_key])
        if (value := known.get(task.idempotency_key)) is None:
            return None
        now = self._clock.now()
        return Ended(call=call, started_at=now, finished_at=now, value=value, is_known=True)

    def _failed(self, call: Call, error: Exception) -> Ended:
        now = self._clock.now()
        return Ended(call=call, started_at=now, finished_at=now, error=error)

    # ---- news ------------------------------------------------------------------------

    def _receive(self, at_most: float | None = None) -> None:
        """Wait for news, but no longer than until the clock brings some; then report."""
        patience = self._patience() if at_most is None else at_most
        news: list[News] = []
        with contextlib.suppress(Empty):
            news.append(self.inbox.get(timeout=max(patience, 0.0)))
            while True:
                news.append(self.inbox.get_nowait())
        reported = [one for new in news if (one := self._hear(new))]
        now = self._clock.now()
        late = [ended for one in self._held.values() if (ended := one.late(now))]
        self._report(reported + [one for ended in late if (one := self._ended(ended))])

    def _hear(self, news: News) -> Reported | None:
        match news:
            case Ended():
                return self._ended(news)
            case Lost(held):
                if self._held.get(held.task.id) is held:
                    del self._held[held.task.id]
            case Ring():
                self._look_soon()
            case Stop():
                self._stopping = True
        return None

    def _ended(self, ended: Ended) -> Reported | None:
        """An attempt has ended. One that was given up meanwhile is ignored."""
        if isinstance(ended.error, failpoints.Died):
            raise ended.error
        held = next((one for one in self._held.values() if one.call is ended.call), None)
        if held is None:
            return None
        del self._held[held.task.id]
        if isinstance(ended.error, LeaseLost):
            return None
        if held.heard and ended.error is None:
            self._heard(held.task.run_id, held.heard)
            return None
        return self._reported(held.task, ended)

    def _patience(self) -> float:
        now = self._clock.now()
        deadlines = [one.deadline for one in self._held.values() if one.deadline is not None]
        waits = [(deadline - now).total_seconds() for deadline in deadlines]
        if self._room > 0:
            waits.append(self._seconds_left)
        return min([*waits, _LONG_SECONDS])

    # ---- reports ---------------------------------------------------------------------

    def _reported(self, task: Task, ended: Ended) -> Reported:
        report = Report.of(ended, self._worker)
        return Reported(task=task, report=report.text(), lines=tuple(ended.call.lines))

    def _report(self, reported: list[Reported]) -> None:
        by_run: dict[UUID, list[Reported]] = defaultdict(list)
        for one in reported:
            by_run[one.task.run_id].append(one)
        for run_id, some in by_run.items():
            heard = steps.report(run_id, some, worker=self._worker)
            if len(heard) < len(some):
                logger.info("steps of run %s were taken over or given up", run_id)
            failpoints.hit("after_record", [run_id], steps=[one.task.key for one in some])
            self._heard(run_id, heard)

    def _heard(self, run_id: UUID, heard: list[Heard]) -> None:
        if any(one.is_news for one in heard):
            hints.send(run_id, heard[0].queue)

    def _record_atomic(
        self, held: Held, call: Call, value: str, started_at: datetime, finished_at: datetime
    ) -> None:
        """Called in the step's thread and transaction. Raises LeaseLost, which rolls it back."""
        ended = Ended(call=call, started_at=started_at, finished_at=finished_at, value=value)
        task = held.task
        held.heard = steps.report(task.run_id, [self._reported(task, ended)], worker=self._worker)
        if not held.heard:
            raise LeaseLost(f"step {task.key!r} of run {task.run_id} was taken over or given up")


def _unexecuted(task: Task, how: str) -> Reported:
    """Nobody will say how it ended."""
    return Reported(task=task, report=Report(number=task.number, how=how).text())


def _missing() -> None:
    """Stands for a function that this worker does not have."""


def _call(task: Task, **code: Any) -> Call:
    """What a task is to execute; `code` is its `fn` and `args`, when they are there."""
    return Call(
        run_id=task.run_id,
        key=task.key,
        number=task.number,
        **code,
        timeout=task.timeout,
        idempotency_key=task.idempotency_key,
        atomic=task.atomic,
        is_shared=task.is_shared,
        details=task.details,
    )
