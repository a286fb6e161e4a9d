"""The clock for workers that look rarely: a look at what is due, and a hint when something is.

Every worker looks by itself (`ORCHESTRATOR_SWEEP_INTERVAL`). Where that is set to be long,
to spare the database, processes that do nothing else look each second instead. They hold
nothing and decide nothing, so there may be none, one or several of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from orchestrator import clock, hints, models
from orchestrator.store import steps

# One look counts no further.
MOST = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What was found. `due` counts to a thousand; `late` is how long the oldest is due."""

    at: datetime
    due: int
    late: timedelta
    next_due: datetime | None

    def pause(self, interval: timedelta) -> timedelta:
        """How long nothing need be looked at, and `interval` at most."""
        if self.due or self.next_due is None:
            return interval
        return min(interval, max(self.next_due - self.at, clock.ZERO))


def look() -> Look:
    """Look once, and hint at what is due: one run for each queue. Three queries.

    Steps that were handed out and that nobody has taken are hinted at, but not counted.
    """
    at = clock.now()
    due = models.Run.objects.filter(due_at__lte=at).order_by("due_at")
    found = list(due.values_list("id", "queue", "due_at")[:MOST])
    # The oldest of each queue.
    for queue, run_id in {queue: run_id for run_id, queue, _ in reversed(found)}.items():
        hints.send(run_id, queue)
    for queue, run_id in steps.waiting().items():
        hints.send(run_id, queue, is_for_steps=True)
    later = models.Run.objects.filter(due_at__gt=at).order_by("due_at")
    return Look(
        at=at,
        due=len(found),
        late=at - found[0][2] if found and found[0][2] else clock.ZERO,
        next_due=later.values_list("due_at", flat=True).first(),
    )
