"""The heart of a worker process: one thread that keeps the leases of its runs.

It beats beside the drivers, so a lease is kept while a step takes an hour. When it
cannot reach the database for most of a lease, no new step is started here: by then
another worker may have the runs.
"""

from __future__ import annotations

import contextlib
import json
import logging
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any
from uuid import UUID

from django.db import close_old_connections, connections
from django.db.utils import Error as DatabaseError

from orchestrator.conf import conf
from orchestrator.engine.live import LiveRun
from orchestrator.engine.upkeep import Upkeep
from orchestrator.store import ticks
from orchestrator.store.records import Beat

logger = logging.getLogger("orchestrator")

# How long whoever stops the heart waits for its last beat.
STOP_SECONDS = 2.0


class Heart:
    """Beats for the live runs of a process, and does its upkeep meanwhile, if it has one."""

    def __init__(self, upkeep: Upkeep | None = None) -> None:
        self._upkeep = upkeep
        self._watched: dict[UUID, tuple[LiveRun, SimpleQueue[Any], str]] = {}
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._last = time.monotonic()
        self._thread: threading.Thread | None = None
        self._also: Callable[[], None] | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._beat_on, name="heart", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(STOP_SECONDS)

    @property
    def is_beating(self) -> bool:
        """Whether the leases are surely still ours. A heart that was not started is not asked."""
        if self._thread is None:
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

    def also(self, beat: Callable[[], None]) -> None:
        """Call `beat` with every heartbeat: other leases depend on this heart."""
        self._also = beat

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
        if self._also is not None:
            self._also()
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
        while True:
            try:
                close_old_connections()
                self.beat()
                self._keep_up()
            except DatabaseError:
                logger.warning("a heartbeat failed", exc_info=True)
            if self._stopped.wait(conf.HEARTBEAT.total_seconds()):
                break
        if self._upkeep is not None:
            with contextlib.suppress(DatabaseError):
                self._upkeep.leave()
        connections.close_all()

    def _keep_up(self) -> None:
        if self._upkeep is None:
            return
        try:
            self._upkeep.beat(len(self._watched))
        except DatabaseError:
            raise
        except Exception:
            # Whatever it was, the leases come first.
            logger.exception("a worker's upkeep failed")
