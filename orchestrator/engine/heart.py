"""The heart of a worker process: one thread that keeps the leases of its runs.

It beats beside the drivers, so a lease is kept while a step takes an hour. When it
cannot reach the database for most of a lease, no new step is started here: by then
another worker may have the runs.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from queue import SimpleQueue
from typing import Any
from uuid import UUID

from django.db import close_old_connections, connections
from django.db.utils import Error as DatabaseError

from orchestrator.conf import conf
from orchestrator.engine.live import LiveRun
from orchestrator.store import ticks
from orchestrator.store.records import Beat

logger = logging.getLogger("orchestrator")


# Every so many beats, kept events are looked over: ten seconds or so.
RECONCILE_BEATS = 3


class Heart:
    """Beats for the live runs of a process."""

    def __init__(self) -> None:
        self._watched: dict[UUID, tuple[LiveRun, SimpleQueue[Any], str]] = {}
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._last = time.monotonic()
        self._is_started = False

    def start(self) -> None:
        self._is_started = True
        threading.Thread(target=self._beat_on, name="heart", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()

    @property
    def is_beating(self) -> bool:
        """Whether the leases are surely still ours. A heart that was not started is not asked."""
        if not self._is_started:
            return True
        seconds: float = conf.LEASE.total_seconds()
        return time.monotonic() - self._last < seconds * 2 / 3

    def took(self, at: float) -> None:
        """Runs were claimed by a statement sent at `at` (monotonic): their leases are fresh."""
        with self._lock:
            if not self._watched:
                self._last = at

    def watch(self, live: LiveRun, inbox: SimpleQueue[Any]) -> None:
        with self._lock:
            self._watched[live.claim.run_id] = (live, inbox, "[]")

    def unwatch(self, live: LiveRun) -> None:
        with self._lock:
            known = self._watched.get(live.claim.run_id)
            if known is not None and known[0] is live:
                del self._watched[live.claim.run_id]

    def beat(self) -> None:
        """Extend every lease, and tell the drivers what they have lost or missed."""
        with self._lock:
            watched = dict(self._watched)
        asked = time.monotonic()
        shown = {
            run_id: json.dumps(live.running.shown()) for run_id, (live, _, _) in watched.items()
        }
        rows = [
            (run_id, live.claim.epoch, None if shown[run_id] == before else shown[run_id])
            for run_id, (live, _, before) in watched.items()
        ]
        beats = {beat.run_id: beat for beat in ticks.beat(rows, lease=conf.LEASE)}
        self._last = asked
        for run_id, (live, inbox, _) in watched.items():
            beat = beats.get(run_id)
            if beat is None or beat.is_called or beat.wake_seq > live.claim.wake_seq:
                inbox.put(beat or Beat(run_id, 0, False))
        self._remember(shown)

    def _remember(self, shown: dict[UUID, str]) -> None:
        with self._lock:
            for run_id, text in shown.items():
                if run_id in self._watched:
                    live, inbox, _ = self._watched[run_id]
                    self._watched[run_id] = (live, inbox, text)

    def _beat_on(self) -> None:
        beats = 0
        while not self._stopped.wait(conf.HEARTBEAT.total_seconds()):
            try:
                close_old_connections()
                self.beat()
                if beats % RECONCILE_BEATS == 0:
                    ticks.reconcile(is_start=beats == 0)
                beats += 1
            except DatabaseError:
                logger.warning("a heartbeat failed", exc_info=True)
        connections.close_all()
