"""The engine of a worker process: drivers, hands, a heart, a keeper, and threads for steps.

`start` it once in a process that is to execute runs. `look` rings it; in a process where
it was not started, `look` drives what is due at once, in the caller's thread.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from itertools import cycle
from typing import Any
from uuid import uuid4

from django.db import close_old_connections, connections

from orchestrator import hints
from orchestrator.clock import Estimate
from orchestrator.conf import conf
from orchestrator.engine import hands
from orchestrator.engine.driver import Driver, Mend, Ring, Stop
from orchestrator.engine.executor import Executor
from orchestrator.engine.hands import Hands
from orchestrator.engine.heart import Heart
from orchestrator.engine.keeper import Keeper
from orchestrator.engine.real_loop import RealLoop
from orchestrator.engine.upkeep import Upkeep
from orchestrator.schedules import firing
from orchestrator.store.records import Queues

logger = logging.getLogger("orchestrator")


class Worker:
    """The engine in this process."""

    def __init__(self, queues: Queues = None, *, is_embedded: bool = False) -> None:
        self.queues = queues
        self.name = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:6]}"
        self._clock = Estimate()
        loop = RealLoop()
        self._executor = Executor(self._clock, loop=loop)
        # Steps of other workers' runs do not take the places of those of our own.
        self._remote_executor = Executor(self._clock, loop=loop, threads=conf.REMOTE_STEPS)
        prunes = conf.AUTO_PRUNE
        self._keeper = Keeper(prunes=is_embedded if prunes is None else prunes)
        self._heart = Heart(Upkeep(worker=self.name, mend=self._mend, queues=queues))
        self._drivers = [self._driver() for _ in range(conf.DRIVERS)]
        self._turns = cycle(self._drivers)
        self._hands = self._new_hands()
        self._threads: list[threading.Thread] = []
        self._grace = timedelta(0)
        self._is_stopping = False

    def start(self) -> None:
        """Begin to look for due runs."""
        self._heart.start()
        for number, driver in enumerate(self._drivers):
            self._begin(f"driver {number}", driver, partial(self._new_driver, number))
        self._begin("hands", self._hands, self._new_hands)
        self._keeper.start()
        logger.info("worker %s started", self.name)

    def _begin(self, name: str, part: Driver | Hands, renew: Callable[[], Driver | Hands]) -> None:
        thread = threading.Thread(
            target=self._keep_going, args=(part, renew), name=name, daemon=True
        )
        thread.start()
        self._threads.append(thread)

    def ring(self, is_for_steps: bool = False) -> None:
        """There may be due runs, or steps that were handed out."""
        if is_for_steps:
            self._hands.inbox.put(hands.Ring())
        else:
            next(self._turns).inbox.put(Ring())

    def stop(self, grace: timedelta) -> None:
        """Claim nothing more, let executing steps finish for `grace`, give the rest back."""
        self._grace = grace
        self._is_stopping = True
        for driver in self._drivers:
            driver.inbox.put(Stop())
        self._hands.inbox.put(hands.Stop())
        until = time.monotonic() + grace.total_seconds() + 5
        for thread in self._threads:
            thread.join(max(until - time.monotonic(), 0))
        self._keeper.stop()
        self._heart.stop()
        self._executor.close()
        self._remote_executor.close()
        logger.info("worker %s stopped", self.name)

    def _mend(self) -> None:
        next(self._turns).inbox.put(Mend())

    def _driver(self) -> Driver:
        return Driver(
            worker=self.name,
            queues=self.queues,
            executor=self._executor,
            heart=self._heart,
            clock=self._clock,
        )

    def _new_driver(self, number: int) -> Driver:
        self._drivers[number] = self._driver()
        self._turns = cycle(self._drivers)
        return self._drivers[number]

    def _new_hands(self) -> Hands:
        self._hands = Hands(
            worker=self.name,
            queues=self.queues,
            executor=self._remote_executor,
            heart=self._heart,
            clock=self._clock,
        )
        return self._hands

    def _keep_going(self, part: Driver | Hands, renew: Callable[[], Driver | Hands]) -> None:
        """Work until stopped. A database that goes away costs what is in hand one lease."""
        pause = 0.1
        while True:
            began = time.monotonic()
            try:
                part.run()
                part.stop(grace=self._grace)
                break
            except Exception:
                if self._is_stopping:
                    break
                # Whatever it was, what is in hand comes back when its leases end, and a run
                # that does this again and again is set aside.
                logger.exception("%s failed and start afresh", threading.current_thread().name)
                part.abandon()
                part = renew()
                close_old_connections()
                if time.monotonic() - began > 60:  # noqa: PLR2004 - it was well for a while
                    pause = 0.1
                time.sleep(pause)  # noqa: TID251 - it waits for the database to come back
                pause = min(pause * 2, 5.0)
        connections.close_all()


_worker: Worker | None = None


def start(queues: Queues = None, *, is_embedded: bool = False) -> Worker:
    """Start the engine in this process; the running one if there is one.

    It serves these queues; None: all of them. `is_embedded`: it is the only one there is,
    and keeps house too.
    """
    global _worker  # noqa: PLW0603 - one engine per process
    if _worker is None:
        _worker = Worker(queues, is_embedded=is_embedded)
        _worker.start()
        hints.ring_here(_worker.ring)
    return _worker


def stop(grace: timedelta | None = None) -> None:
    """Stop the engine in this process, if it runs."""
    global _worker  # noqa: PLW0603
    if _worker is not None:
        hints.ring_here(None)
        _worker.stop(conf.SHUTDOWN_GRACE if grace is None else grace)
        _worker = None


def serves_all_here() -> bool:
    """Whether the engine runs in this process, and takes runs of every queue."""
    return _worker is not None and _worker.queues is None


def is_here() -> bool:
    """Whether the engine runs in this process, and takes whatever is due."""
    return _worker is not None


def look(*, at_runs: bool = True, at_steps: bool = False) -> None:
    """Look for due runs, and for steps that were handed out.

    Rings the engine of this process, or does here and now what is due.
    """
    if _worker is None:
        firing.fire_due()
        drain(remote=at_steps)
        return
    if at_runs:
        _worker.ring()
    if at_steps:
        _worker.ring(is_for_steps=True)


def drain(
    *, inline: bool = False, mends: bool = False, remote: bool = False, queues: Queues = None
) -> int:
    """Drive what is due in these queues until nothing is, in this thread.

    Returns the number of claims. With `inline` each attempt of a step is waited for, sync
    ones in this very thread. With `mends` also blocked runs that this process's code has
    not tried yet, with `remote` also steps that were handed out.
    """
    clock, heart = Estimate(), Heart()
    executor = Executor(clock, inline=inline)
    parts: dict[str, Any] = {
        "worker": f"{socket.gethostname()}:{os.getpid()}",
        "queues": queues,
        "executor": executor,
        "heart": heart,
        "clock": clock,
    }
    driver, ours = Driver(**parts), Hands(**parts)
    if not inline:
        heart.start()
    try:
        total = driver.drain(mends=mends)
        while remote and (done := ours.drain()):
            total += done + driver.drain(mends=mends)
        return total
    finally:
        driver.abandon()
        ours.abandon()
        heart.stop()
        executor.close()
