"""How runs come to a driver: it looks for due ones, claims them, and loads what they need."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial

from orchestrator import failpoints
from orchestrator.clock import Estimate
from orchestrator.conf import conf
from orchestrator.core.definition import Definition, registry
from orchestrator.core.journal import History
from orchestrator.engine import waiting
from orchestrator.engine.heart import Heart
from orchestrator.engine.live import LiveRun
from orchestrator.store import ticks
from orchestrator.store.records import Claim, Queues


class Intake:
    """Claims due runs for one driver, and knows when to look for the next.

    `begin` is called with each run that the driver is to drive.
    """

    def __init__(
        self,
        *,
        worker: str,
        queues: Queues,
        heart: Heart,
        clock: Estimate,
        begin: Callable[[LiveRun], None],
    ) -> None:
        self._worker = worker
        self._queues = queues
        self._heart = heart
        self._clock = clock
        self._begin = begin
        self._may_be_more = False
        self._may_mend = False
        self._next_look = 0.0

    # ---- when ------------------------------------------------------------------------

    @property
    def is_time(self) -> bool:
        """Whether to look now."""
        return self._may_be_more or self._may_mend or time.monotonic() >= self._next_look

    @property
    def seconds_left(self) -> float:
        """Until the next look."""
        return 0.0 if self._may_be_more or self._may_mend else self._next_look - time.monotonic()

    @property
    def has_more(self) -> bool:
        """Whether the last look may have left due runs."""
        return self._may_be_more

    def ring(self) -> None:
        """Somebody says that there may be due runs."""
        self._next_look = 0.0

    def may_be_more(self) -> None:
        """A run is due that was not taken."""
        self._may_be_more = True

    def may_mend(self) -> None:
        """There may be blocked runs that this worker's code can carry on."""
        self._may_mend = True

    def never(self) -> None:
        """Look only when asked to."""
        self._next_look = math.inf

    def look_at(self, due_at: datetime) -> None:
        """Look when `due_at` has come, if not before."""
        seconds = (due_at - self._clock.now()).total_seconds()
        self._next_look = min(self._next_look, time.monotonic() + max(seconds, 0.0))

    # ---- what ------------------------------------------------------------------------

    def look(self, room: int) -> None:
        """Take up to `room` due runs, and find out when to look again."""
        claimed = self.take(room)
        if self._may_mend:
            self.mend(room - claimed)
        interval = conf.SWEEP_INTERVAL.total_seconds()
        if not self._may_be_more and (due_at := ticks.next_coming(self._queues)) is not None:
            left = (due_at - self._clock.now()).total_seconds()
            interval = min(interval, max(left, 0.005))
        self._next_look = time.monotonic() + interval

    def take(self, room: int) -> int:
        """Claim up to `room` due runs and begin them. Returns how many were claimed."""
        # Without a heartbeat our own leases may lapse: we would claim our own runs again.
        if room <= 0 or not self._heart.is_beating:
            return 0
        known = [(one.name, one.version) for one in registry]
        claimed = self._claim(room, partial(ticks.claim, known=known, step=conf.PRIORITY_STEP))
        self._may_be_more = claimed == room
        return claimed

    def mend(self, room: int) -> int:
        """Claim up to `room` blocked runs that other code could not carry on, and begin them."""
        if room <= 0 or not self._heart.is_beating:
            return 0
        claimed = self._claim(room, partial(ticks.claim_blocked, codes=registry.codes))
        self._may_mend = claimed == room
        return claimed

    def _claim(self, room: int, claim: Callable[..., list[Claim]]) -> int:
        asked = self._clock.asking()
        claims = claim(limit=room, lease=conf.LEASE, worker=self._worker, queues=self._queues)
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
            if self._is_permitted(claim, definition):
                history = histories.get(claim.run_id) or History()
                self._begin(LiveRun(claim, definition, history, mail.get(claim.run_id, [])))

    def _is_permitted(self, claim: Claim, definition: Definition) -> bool:
        """Whether the run may be in progress. If not it is parked, to be woken by one that ends."""
        limit = definition.max_concurrent
        if not claim.concurrency_key or limit is None or claim.cancel_requested_at is not None:
            return True
        if ticks.take_permit(claim.run_id, claim.concurrency_key, limit):
            return True
        ticks.save([waiting.for_permit(claim, limit, self._clock.now())], worker=self._worker)
        return False
