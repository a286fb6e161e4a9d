"""Events that are sent to no run in particular: to all that wait for them, now or soon.

The sender stores the event and then looks for waits; a run that begins to wait commits
that and then looks for events. So one of the two sees the other, whichever came first. A
sweep catches what a worker that died in between has missed.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from orchestrator import clock, models
from orchestrator.core.journal import EVENT, OPEN
from orchestrator.database import ALIAS
from orchestrator.models import Broadcast, Entry
from orchestrator.store import runs

# How far back the regular sweep looks. At its start a worker looks at all that is kept.
WINDOW = timedelta(minutes=1)


def store(
    *,
    name: str,
    payload: str,
    correlation: str | None,
    event_id: str | None,
    sent_by: str,
    ttl: timedelta,
) -> Broadcast | None:
    """Keep an event for `ttl`. None if one with this id is kept already."""
    now = clock.now()
    try:
        with transaction.atomic(using=ALIAS):
            return Broadcast.objects.create(
                name=name,
                payload=payload,
                correlation=correlation,
                event_id=event_id,
                sent_by=sent_by,
                created_at=now,
                expires_at=now + ttl,
            )
    except IntegrityError:
        return None


def dispatch(event: Broadcast) -> dict[UUID, str]:
    """Deliver an event to every run that waits for it now; these runs, and their queues."""
    sent = ((entry.run_id, _deliver(event, entry)) for entry in _waits(event.name))
    return {run_id: one.queue for run_id, one in sent if one is not None}


def collect(run_id: UUID, names: Iterable[str]) -> bool:
    """Deliver what is kept of these names to a run that has begun to wait for them."""
    kept = _kept().filter(name__in=list(names)).order_by("id")
    waits = list(Entry.objects.filter(run_id=run_id, kind=EVENT, status=OPEN)) if kept else []
    found = [_deliver(event, wait) for event in kept for wait in waits if wait.name == event.name]
    return any(one is not None for one in found)


def reconcile(window: timedelta | None) -> list[UUID]:
    """Deliver what a worker that died has not; the ids of the runs that it wakes.

    Looks at events and waits of the last `window`; None: at everything that is kept.
    """
    since = None if window is None else clock.now() - window
    woken = []
    for event in _kept().order_by("id"):
        waits = _waits(event.name)
        if since is not None and event.created_at < since:
            waits = waits.filter(started_at__gte=since)
        woken += [wait.run_id for wait in waits if _deliver(event, wait) is not None]
    return woken


def prune() -> int:
    """Forget events whose time is over. Returns how many."""
    return Broadcast.objects.filter(expires_at__lte=clock.Now()).delete()[0]


def _kept() -> QuerySet[Broadcast]:
    return Broadcast.objects.filter(expires_at__gt=clock.Now())


def _waits(name: str) -> QuerySet[Entry]:
    # In the order of their runs: everybody locks several runs in that order.
    return Entry.objects.filter(name=name, kind=EVENT, status=OPEN).order_by("run_id")


def _deliver(event: Broadcast, wait: Entry) -> runs.Sent | None:
    """What became of it for the run; None if it was not delivered."""
    wanted = (wait.detail or {}).get("key")
    if wanted is not None and wanted != event.correlation:
        return None
    event_id = f"@broadcast {event.id}"
    # A look first: to send again what the run has got would wake it for nothing.
    if models.Event.objects.filter(run_id=wait.run_id, event_id=event_id).exists():
        return None
    sent = runs.send(
        wait.run_id,
        event.name,
        event.payload,
        correlation=event.correlation,
        event_id=event_id,
        sent_by=event.sent_by,
    )
    return sent if sent.delivered else None
