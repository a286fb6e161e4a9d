"""The engine of a worker process: drivers, a heart, a keeper, and threads for steps.

`start` it once in a process that is to execute runs. `look` rings it; in a process where
it was not started, `look` drives what is due at once, in the caller's thread.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from datetime import timedelta
from itertools import cycle
from uuid import uuid4

from django.db import close_old_connections, connections

from orchestrator import hints
from orchestrator.clock import Estimate
from orchestrator.conf import conf
from orchestrator.engine.driver import Driver, Mend, Ring, Stop
from orchestrator.engine.executor import Executor
from orchestrator.engine.heart import Heart
from orchestrator.engine.keeper import Keeper
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
        self._executor = Executor(self._clock)
        prunes = conf.AUTO_PRUNE
        self._keeper = Keeper(prunes=is_embedded if prunes is None else prunes)
        self._heart = Heart(Upkeep(worker=self.name, mend=self._mend, queues=queues))
        self._drivers = [self._driver() for _ in range(conf.DRIVERS)]
        self._turns = cycle(self._drivers)
        self._threads: list[threading.Thread] = []
        self._grace = timedelta(0)
        self._is_stopping = False

    def start(self) -> None:
        """Begin to look for due runs."""
        self._heart.start()
        for number in range(len(self._drivers)):
            thread = threading.Thread(target=self._drive, args=(number,), name=f"driver {number}")
            thread.daemon = True
            thread.start()
            self._threads.append(thread)
        self._keeper.start()
        logger.info("worker %s started", self.name)

    def ring(self) -> None:
        """There may be due runs."""
        next(self._turns).inbox.put(Ring())

    def stop(self, grace: timedelta) -> None:
        """Claim nothing more, let executing steps finish for `grace`, give the rest back."""
        self._grace = grace
        self._is_stopping = True
        for driver in self._drivers:
            driver.inbox.put(Stop())
        until = time.monotonic() + grace.total_seconds() + 5
        for thread in self._threads:
            thread.join(max(until - time.monotonic(), 0))
        self._keeper.stop()
        self._heart.stop()
        self._executor.close()
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

    def _drive(self, number: int) -> None:
        """Drive until stopped. A database that goes away costs the runs in hand one lease."""
        pause = 0.1
        while True:
            driver = self._drivers[number]
            began = time.monotonic()
            try:
                driver.run()
                driver.stop(grace=self._grace)
                break
            except Exception:
                if self._is_stopping:
                    break
                # Whatever it was, the runs in hand come back when their leases end, and one
                # that does this again and again is set aside.
                logger.exception("a driver failed and starts afresh")
                driver.abandon()
                self._drivers[number] = self._driver()
                self._turns = cycle(self._drivers)
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


def look() -> None:
    """Look for due runs: ring the engine of this process, or drive them here and now."""
    if _worker is not None:
        _worker.ring()
    else:
        firing.fire_due()
        drain()


def drain(*, inline: bool = False, mends: bool = False, queues: Queues = None) -> int:
    """Drive what is due in these queues until nothing is, in this thread.

    Returns the number of claims. With `inline` each attempt of a step is waited for, sync
    ones in this very thread. With `mends` also blocked runs that this process's code has
    not tried yet.
    """
    clock = Estimate()
    executor, heart = Executor(clock, inline=inline), Heart()
    driver = Driver(
        worker=f"{socket.gethostname()}:{os.getpid()}",
        queues=queues,
        executor=executor,
        heart=heart,
        clock=clock,
    )
    if not inline:
        heart.start()
    try:
        return driver.drain(mends=mends)
    finally:
        driver.abandon()
        heart.stop()
        executor.close()
