"""The keeper of a worker process: one thread that starts what schedules ask for.

Every worker has one and none leads: what falls due is decided by whoever comes first. It
has a thread of its own, so that neither a driver full of long steps nor a heart that must
beat in time has to wait for it. In between it lets other apps tend what they keep for their
waits and does chores, such as counting the runs of the last minutes; with nothing else to
do it removes what is old, if asked to.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator

from django.db import close_old_connections, connections
from django.db.utils import Error as DatabaseError

from orchestrator import chores, clock, kinds, retention
from orchestrator.conf import conf
from orchestrator.retention import Progress, Wanted
from orchestrator.schedules import firing, syncing
from orchestrator.store import stats

logger = logging.getLogger("orchestrator")

# How long the end of a worker waits for what is being done.
STOP_SECONDS = 5.0

# How often other apps look after their waits.
TEND_SECONDS = 5.0

# Pruning beside everything else: small batches with room between them, and a round when
# the one before has been over for a while.
PRUNE_BATCH = 100
PRUNE_GAP_SECONDS = 0.2
PRUNE_PAUSE_SECONDS = 600.0


class Keeper:
    """Looks at schedules until it is stopped; `prunes` says whether it also removes."""

    def __init__(self, *, prunes: bool = False) -> None:
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="keeper", daemon=True)
        self._has_synced = False
        self._prunes = prunes
        self._round: Iterator[Progress] | None = None
        self._next_prune = 0.0
        self._next_tend = 0.0
        chores.register("statistics", stats.count)

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
        has_more = self._tend()
        if firing.fire_due():
            return 0.0
        # Other work goes on beside chores that last, such as an operation on many runs.
        pauses: list[float] = [0.0 if has_more else conf.SWEEP_INTERVAL.total_seconds()]
        if (due_at := firing.next_due()) is not None:
            pauses.append(max((due_at - clock.now()).total_seconds(), 0.005))
        if self._prunes and time.monotonic() >= self._next_prune:
            self._prune()
            pauses.append(PRUNE_GAP_SECONDS)
        return min(pauses)

    def _tend(self) -> bool:
        """Let other apps look after what is theirs; whether there is more to do at once."""
        if time.monotonic() < self._next_tend:
            return False
        kinds.tend()
        has_more = chores.do()
        self._next_tend = time.monotonic() + (0.0 if has_more else TEND_SECONDS)
        return has_more

    def _prune(self) -> None:
        """Remove a batch of what is old; at the end of a round, rest."""
        self._round = self._round or retention.removing(Wanted(batch=PRUNE_BATCH))
        if next(self._round, None) is None:
            self._round = None
            self._next_prune = time.monotonic() + PRUNE_PAUSE_SECONDS

    def _keep(self) -> None:
        pause = 0.0
        while not self._stopped.wait(pause):
            try:
                close_old_connections()
                pause = self.look()
            except Exception as error:
                # A database that is away is no fault of ours; whatever else it is, go on.
                level = logging.WARNING if isinstance(error, DatabaseError) else logging.ERROR
                logger.log(level, "the keeper could not do its work", exc_info=True)
                pause = conf.SWEEP_INTERVAL.total_seconds()
        connections.close_all()
