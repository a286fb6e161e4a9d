"""The keeper of a worker process: one thread that starts what schedules ask for.

Every worker has one and none leads: what falls due is decided by whoever comes first. It
has a thread of its own, so that neither a driver full of long steps nor a heart that must
beat in time has to wait for it.
"""

from __future__ import annotations

import logging
import threading

from django.db import close_old_connections, connections
from django.db.utils import Error as DatabaseError

from orchestrator import clock
from orchestrator.conf import conf
from orchestrator.schedules import firing, syncing

logger = logging.getLogger("orchestrator")

# How long the end of a worker waits for what is being done.
STOP_SECONDS = 5.0


class Keeper:
    """Looks at schedules until it is stopped."""

    def __init__(self) -> None:
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="keeper", daemon=True)
        self._has_synced = False

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop, and wait for what is being done; it is short."""
        self._stopped.set()
        self._thread.join(STOP_SECONDS)

    def look(self) -> float:
        """Do what is due. How many seconds until there may be more."""
        if not self._has_synced:
            syncing.sync()
            self._has_synced = True
        if firing.fire_due():
            return 0.0
        interval: float = conf.SWEEP_INTERVAL.total_seconds()
        due_at = firing.next_due()
        if due_at is None:
            return interval
        return min(interval, max((due_at - clock.now()).total_seconds(), 0.005))

    def _keep(self) -> None:
        pause = 0.0
        while not self._stopped.wait(pause):
            try:
                close_old_connections()
                pause = self.look()
            except Exception as error:
                # A database that is away is no fault of ours; whatever else it is, go on.
                level = logging.WARNING if isinstance(error, DatabaseError) else logging.ERROR
                logger.log(level, "the keeper could not look at schedules", exc_info=True)
                pause = conf.SWEEP_INTERVAL.total_seconds()
        connections.close_all()
