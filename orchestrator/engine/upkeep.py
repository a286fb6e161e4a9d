"""What a worker does beside its runs, with its heartbeat.

It says that it is there and what it has. Every few beats it looks after what is nobody's:
events that a worker which died has not delivered, runs whose code no worker has, runs that
were blocked by other code than its own, and the rows of workers that are gone.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable
from dataclasses import replace

from orchestrator.conf import conf
from orchestrator.core.definition import registry
from orchestrator.store import stranded, ticks, workers
from orchestrator.store.records import Queues
from orchestrator.store.workers import Presence

logger = logging.getLogger("orchestrator")

# Every so many beats: ten seconds or so.
ROUND = 3

# Every so many rounds, all due runs are looked at and not only the oldest: five minutes or
# so. A hundred thousand of them cost the database a tenth of a second.
THOROUGH = 30

# Runs that one round blocks at most: the leases wait meanwhile.
MOST_BLOCKED = 2_000


class Upkeep:
    """The upkeep of one worker process. Used by the thread of its heart.

    `mend` is called when a driver is to look for blocked runs that it may go on with.
    """

    def __init__(
        self,
        *,
        worker: str,
        mend: Callable[[], None],
        queues: Queues = None,
    ) -> None:
        self._mend = mend
        self._began = time.monotonic()
        self._beats = 0
        self._is_known = False
        self._me = Presence(
            id=worker,
            host=socket.gethostname(),
            pid=os.getpid(),
            queues=queues,
            codes=registry.codes,
            capacity=conf.DRIVERS * conf.BATCH,
        )

    def beat(self, in_use: int) -> None:
        """Do what is due with this heartbeat. `in_use` is how many runs the worker holds."""
        self._say(in_use)
        if self._beats % ROUND == 0:
            ticks.reconcile(is_start=self._beats == 0)
            self._mend()
            self._block_unknown()
            workers.forget()
        self._beats += 1

    def leave(self) -> None:
        """The worker goes away."""
        workers.leave(self._me.id)

    def _block_unknown(self) -> None:
        # Not before it has been here for as long itself: when everything starts at once,
        # others may be a moment late.
        if time.monotonic() - self._began < conf.CODE_GRACE.total_seconds():
            return
        known = [(name, version) for name, version, _ in self._me.codes]
        blocked = stranded.block_unknown(
            known,
            grace=conf.CODE_GRACE,
            lease=conf.LEASE,
            limit=MOST_BLOCKED,
            is_thorough=self._beats % (ROUND * THOROUGH) == 0,
        )
        if blocked:
            logger.warning("%d runs are blocked: no live worker has their code", blocked)

    def _say(self, in_use: int) -> None:
        codes = registry.codes
        if codes != self._me.codes:
            self._me, self._is_known = replace(self._me, codes=codes), False
        self._is_known = self._is_known and workers.see(self._me.id, in_use=in_use)
        if not self._is_known:
            workers.register(self._me, in_use=in_use)
            self._is_known = True
