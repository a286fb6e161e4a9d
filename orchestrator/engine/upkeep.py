"""What a worker does beside its runs, with its heartbeat.

It says that it is there and what it has. Every few beats it looks after what is nobody's:
events that a worker which died has not delivered, and the rows of workers that are gone.
"""

from __future__ import annotations

import logging
import os
import socket
from dataclasses import replace

from orchestrator.conf import conf
from orchestrator.core.definition import registry
from orchestrator.core.fingerprints import fingerprint
from orchestrator.store import ticks, workers
from orchestrator.store.workers import Code, Presence

logger = logging.getLogger("orchestrator")

# Every so many beats: ten seconds or so.
ROUND = 3


class Upkeep:
    """The upkeep of one worker process. Used by the thread of its heart."""

    def __init__(self, *, worker: str, queues: tuple[str, ...] | None = None) -> None:
        self._beats = 0
        self._is_known = False
        self._me = Presence(
            id=worker,
            host=socket.gethostname(),
            pid=os.getpid(),
            queues=queues,
            codes=known_codes(),
            capacity=conf.DRIVERS * conf.BATCH,
        )

    def beat(self, in_use: int) -> None:
        """Do what is due with this heartbeat. `in_use` is how many runs the worker holds."""
        self._say(in_use)
        if self._beats % ROUND == 0:
            ticks.reconcile(is_start=self._beats == 0)
            workers.forget()
        self._beats += 1

    def leave(self) -> None:
        """The worker goes away."""
        workers.leave(self._me.id)

    def _say(self, in_use: int) -> None:
        codes = known_codes()
        if codes != self._me.codes:
            self._me, self._is_known = replace(self._me, codes=codes), False
        self._is_known = self._is_known and workers.see(self._me.id, in_use=in_use)
        if not self._is_known:
            workers.register(self._me, in_use=in_use)
            self._is_known = True


def known_codes() -> tuple[Code, ...]:
    """The versions of workflows that this process has."""
    return tuple((one.name, one.version, fingerprint(one.fn)) for one in registry)
