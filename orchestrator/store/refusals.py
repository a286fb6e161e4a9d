"""What is noted of events that come to a machine that has ended: its history shows them."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from orchestrator import clock, models
from orchestrator.core.journal import REFUSED, REFUSED_KEY, TRANSITION
from orchestrator.database import ALIAS
from orchestrator.models import FINAL

# Of one machine. Nobody waits for what is sent to it any more, and anybody may send.
MAX_NOTED = 100


@transaction.atomic(using=ALIAS)
def note(
    run_id: UUID, name: str, payload: str, *, event_id: str | None, sent_by: str, because: str
) -> bool:
    """Note an event that a run has refused because it had ended. Joins the caller's transaction.

    Nothing is noted of a run that is no machine, when its payloads are removed, when there is
    enough of it, and of an event that was sent before. False, and nothing is done, if the run
    goes on again meanwhile. Nobody holds a run that has ended, so its journal may be written
    here; the run is locked.
    """
    locked = models.Run.objects.select_for_update(no_key=True)
    run = locked.only("state", "status", "is_purged", "rev").filter(id=run_id).first()
    if run is not None and run.status not in FINAL:
        return False
    if run is None or not run.state or run.is_purged:
        return True
    count = models.Entry.objects.filter(run_id=run_id, key__startswith=REFUSED_KEY).count()
    sent = models.Event.objects.filter(run_id=run_id, event_id=event_id)
    if count >= MAX_NOTED or (event_id is not None and sent.exists()):
        return True
    key, now = f"{REFUSED_KEY}{count + 1}", clock.now()
    event = models.Event.objects.create(
        run_id=run_id,
        name=name,
        payload=payload,
        event_id=event_id,
        sent_by=sent_by,
        created_at=now,
        # It is over: a run that is retried does not find it in its mailbox.
        consumed_at=now,
        consumed_by=key,
    )
    transitions = models.Entry.objects.filter(run_id=run_id, kind=TRANSITION)
    last = transitions.order_by("-position", "-started_at").first()
    place = last.detail["to"] if last and last.detail else run.state
    models.Entry.objects.create(
        run_id=run_id,
        key=key,
        kind=TRANSITION,
        name=name,
        # With the last transition: what a retry leads to comes after both.
        position=last.position if last else 1,
        cause=0,
        status=REFUSED,
        detail={
            "event": name,
            "trigger": "on",
            "id": event.id,
            "from": place,
            "to": place,
            "taken": [],
            "guards": [],
            "because": because,
        },
        started_at=now,
        finished_at=now,
    )
    models.Run.objects.filter(id=run_id).update(rev=run.rev + 1)
    return True
