"""Events: to one run, or to all that wait for them."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from ninja import Router
from ninja.responses import Status
from pydantic import BaseModel, Field, JsonValue, StringConstraints

from dashboard.access import OPERATE, SEES_RUNS, sees_payloads
from dashboard.api import schemas, shapes
from dashboard.api.callers import ApiRequest, needs
from dashboard.api.fields import Key
from dashboard.api.once import keeps_its_own_key, one_key
from dashboard.api.problems import REFUSED, THROTTLED, invalid_input
from dashboard.api.runs import run_or_problem
from dashboard.audit import Actor
from dashboard.queries import run as queries
from orchestrator import operating, rest
from orchestrator.client import MAX_EVENT_NAME
from orchestrator.core.errors import InvalidInput
from orchestrator.rest import Cursor, Limit, NoNul, Page, Problem
from orchestrator.run import Delivery

router = Router(tags=["events"])

# Until then a wait may have taken some of a full mailbox.
LATER = {"Retry-After": "1"}

SENDS = needs("events:write", OPERATE)

EventName = Annotated[str, StringConstraints(max_length=MAX_EVENT_NAME, pattern="^[^@]"), NoNul]


class SendEvent(BaseModel, extra="forbid"):
    """An event to send."""

    name: EventName = Field(examples=["document.signed"])
    key: Key | None = Field(None, description="Which one, for waits that name a key.")
    payload: JsonValue = None
    event_id: Key | None = Field(None, description="With an id that is known, nothing is sent.")


class Sent(BaseModel):
    """What became of an event."""

    delivered: bool = Field(description="Whether a run has got it by now.")
    duplicate: bool = Field(description="Whether it had been sent before.")
    reason: str = Field(description="Why it was not delivered.")
    run_ids: list[UUID] = Field(description="The runs that have got it now.")


@router.get(
    "/runs/{uuid:run_id}/events",
    auth=needs("runs:read", *SEES_RUNS),
    response=Page[schemas.Event],
    operation_id="list_events",
)
def list_events(
    request: ApiRequest, run_id: UUID, cursor: Cursor = None, limit: Limit = 100
) -> Page[schemas.Event]:
    """The events that a run has received, in their order, and which wait took each.

    Where payloads are large, a page has fewer than `limit`.
    """
    after, sees = rest.number("events", cursor), sees_payloads(request.user)
    run_or_problem(run_id)
    found, following = queries.whole_events(run_id, after=after, size=limit)
    return Page(
        items=[shapes.event(one, sees=sees) for one in found],
        next_cursor=rest.cursor("events", following),
    )


@router.post(
    "/runs/{uuid:run_id}/events",
    auth=SENDS,
    response={202: Sent, 200: Sent},
    operation_id="send_event_to_run",
)
@keeps_its_own_key
def send_event_to_run(request: ApiRequest, run_id: UUID, wanted: SendEvent) -> Status[Sent]:
    """Send an event to one run, which keeps it until it asks for it: 202.

    An id that the run has got already: 200, and nothing is sent. The `Idempotency-Key`
    header is the event's id, if the body has none.
    """
    run_or_problem(run_id)
    delivery = _send(request, run_id, wanted)
    if delivery.is_full:
        raise Problem(THROTTLED, f"The event was not sent: {delivery.reason}.", headers=LATER)
    if not delivery.delivered and not delivery.is_duplicate:
        raise Problem(REFUSED, f"The event was not sent: {delivery.reason}.")
    return _answer(delivery)


@router.post("/events", auth=SENDS, response={202: Sent, 200: Sent}, operation_id="broadcast_event")
@keeps_its_own_key
def broadcast_event(request: ApiRequest, wanted: SendEvent) -> Status[Sent]:
    """Send an event to every run that waits for it now, or begins to soon: 202.

    An id that is known: 200, and nothing is sent. The `Idempotency-Key` header is the
    event's id, if the body has none.
    """
    return _answer(_send(request, None, wanted))


def _send(request: ApiRequest, run_id: UUID | None, wanted: SendEvent) -> Delivery:
    event_id = one_key(request, "event_id", wanted.event_id)
    try:
        return operating.send_event(
            wanted.name,
            wanted.payload,
            Actor.of(request, via=request.auth.via),
            run_id=run_id,
            key=wanted.key,
            event_id=event_id,
        )
    except InvalidInput as refused:
        raise invalid_input(refused, "payload") from refused


def _answer(delivery: Delivery) -> Status[Sent]:
    sent = Sent(
        delivered=delivery.delivered,
        duplicate=delivery.is_duplicate,
        reason=delivery.reason,
        run_ids=list(delivery.run_ids),
    )
    return Status(200 if delivery.is_duplicate else 202, sent)
