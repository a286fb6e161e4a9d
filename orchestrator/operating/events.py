"""The events that operators send: to a run, to all that wait for them, to a machine."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction

from orchestrator import client, models
from orchestrator.core import codec
from orchestrator.core.errors import IdempotencyConflict
from orchestrator.core.plain import plain
from orchestrator.database import ALIAS
from orchestrator.machine import Machine, Transition
from orchestrator.operating.deeds import Deed, Operator, tell
from orchestrator.run import Delivery


@transaction.atomic(using=ALIAS)
def send_event(
    name: str,
    payload: Any,
    by: Operator,
    *,
    run_id: UUID | None = None,
    key: str | None = None,
    event_id: str | None = None,
    reason: str = "",
) -> Delivery:
    """Send an event to a run, or to all that wait for it.

    One that was sent before with the same id is not sent again, and nobody is told. Raises
    InvalidInput, NotSerializable, PayloadTooLarge, ValueError for a name that nobody can
    wait for, and IdempotencyConflict when the id belongs to another event.
    """
    options: dict[str, Any] = {"key": key, "event_id": event_id, "sent_by": by.label}
    if run_id is None:
        delivery = client.broadcast(name, payload, **options)
    else:
        delivery = client.send_event(name, payload, run_id=run_id, **options)
    if delivery.is_duplicate:
        _check_same(str(event_id), run_id, name, key, payload)
        return delivery
    detail = f"{name}: {delivery.reason}" if delivery.reason else name
    tell(
        Deed(
            operator=by,
            verb="send event",
            run_id=run_id,
            reason=reason,
            detail=detail,
            is_refused=run_id is not None and not delivery.delivered,
        )
    )
    return delivery


def _check_same(
    event_id: str, run_id: UUID | None, name: str, key: str | None, payload: Any
) -> None:
    """Raise IdempotencyConflict if what was sent with this id is another event."""
    known = _with_id(event_id, run_id)
    if known is None:
        return
    given = plain(codec.encode(payload))
    if (known.name, known.correlation, plain(known.payload)) != (name, key, given):
        raise IdempotencyConflict(f"the id {event_id!r} belongs to another event")


def _with_id(event_id: str, run_id: UUID | None) -> models.Event | models.Broadcast | None:
    if run_id is None:
        return models.Broadcast.objects.filter(event_id=event_id).first()
    return models.Event.objects.filter(run_id=run_id, event_id=event_id).first()


@transaction.atomic(using=ALIAS)
def send_to_machine(
    machine: Machine[Any],
    event: str,
    payload: Any,
    by: Operator,
    *,
    event_id: str | None = None,
    reason: str = "",
) -> tuple[Transition, bool]:
    """Send an event to a machine, which judges it later; and whether it had been sent before.

    `Machine.verdict` says what came of it, once this is committed. Refused because the
    machine has ended: the transition has no `number`. Raises as `send_event` does.
    """
    client.hold(machine.id)
    known = _with_id(event_id, machine.id) if event_id else None
    if known is not None:
        _check_same(str(event_id), machine.id, event, None, payload)
    sent = machine.send(event, payload, actor=by.label, event_id=event_id, wait=False)
    if known is None:
        detail = event if sent.number else f"{event}: {sent.refused_because}"
        tell(
            Deed(
                operator=by,
                verb="send event",
                run_id=machine.id,
                reason=reason,
                detail=detail,
                is_refused=sent.number is None,
            )
        )
    return sent, known is not None
