"""The worker processes that there are: each writes its own row, and anybody clears up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from orchestrator import clock, models
from orchestrator.store.records import Queues

# (workflow, version, fingerprint of its code)
Code = tuple[str, str, str]

# A worker that has been silent for this long is forgotten. Until then its row says when it
# was seen last, to whoever wonders where it is.
FORGOTTEN_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """What a worker says of itself. `queues` are those that it serves; None: all."""

    id: str
    host: str
    pid: int
    queues: Queues
    codes: tuple[Code, ...]
    capacity: int


def register(presence: Presence, *, in_use: int) -> None:
    """Write the row of a worker that has begun, or that was forgotten, or has other code now."""
    now = clock.Now()
    row = models.Worker(
        id=presence.id,
        host=presence.host[:255],
        pid=presence.pid,
        started_at=now,
        seen_at=now,
        queues=None if presence.queues is None else list(presence.queues),
        codes=[list(code) for code in presence.codes],
        capacity=presence.capacity,
        in_use=in_use,
    )
    models.Worker.objects.bulk_create(
        [row],
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=["seen_at", "queues", "codes", "capacity", "in_use"],
    )


def see(worker: str, *, in_use: int) -> bool:
    """The worker is alive. False if nobody knows it (any more). One small statement."""
    known = models.Worker.objects.filter(id=worker)
    return bool(known.update(seen_at=clock.Now(), in_use=in_use))


def leave(worker: str) -> None:
    """The worker goes away in an orderly manner."""
    models.Worker.objects.filter(id=worker).delete()


def forget() -> int:
    """Delete the rows of workers that have been silent for long. Returns how many."""
    silent = models.Worker.objects.filter(seen_at__lte=clock.Now(-FORGOTTEN_AFTER))
    return silent.delete()[0]
