"""Machines: runs of state machines, where they are, and the events that move them."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponse
from django.urls import reverse
from ninja import Query, Router
from ninja.responses import Status as Answer
from pydantic import BaseModel, Field, JsonValue

from dashboard import actions
from dashboard.access import OPERATE, START, sees_payloads
from dashboard.api import diagrams, schemas, shapes, waiting
from dashboard.api.callers import ApiRequest, needs
from dashboard.api.events import LATER, EventName
from dashboard.api.fields import Key, Name, Timeout
from dashboard.api.once import keeps_its_own_key, one_key
from dashboard.api.problems import REFUSED, THROTTLED, UNKNOWN_MACHINE, invalid_input
from dashboard.api.runs import READS, run_or_problem
from dashboard.api.workflows import StartRun, order_of, workflow_or_problem
from dashboard.audit import Actor
from dashboard.queries import runs
from orchestrator import courses, models, operating, reading, rest
from orchestrator.core.definition import registry
from orchestrator.core.errors import InvalidInput, UnknownWorkflow
from orchestrator.machine import Machine
from orchestrator.models import Status
from orchestrator.rest import Cursor, Limit, Page, Problem, invalid
from orchestrator.run import Delivery

router = Router(tags=["machines"])

# How long an answer waits for the verdict if the client does not say.
PATIENCE = "5s"


class MachineFilters(BaseModel):
    """Which machines to list. Several filters have to hold at once."""

    machine: Name | None = Field(None, description="The name of a state machine.")
    state: Name | None = Field(
        None, description="In this state, or in one inside it. Needs `machine`."
    )
    status: list[Status] = Field([], description="One of these. May be repeated.")


class Occurrence(BaseModel, extra="forbid"):
    """An event that may be sent."""

    name: EventName = Field(examples=["PAYMENT_RECEIVED"])
    payload: JsonValue = None


class SendToMachine(Occurrence):
    """An event to send to a machine."""

    event_id: Key | None = Field(
        None, description="With an id that is known, nothing is sent: what came of it is told."
    )


@router.get("", auth=READS, response=Page[schemas.MachineSummary], operation_id="list_machines")
def list_machines(
    request: ApiRequest,
    filters: Annotated[MachineFilters, Query()],
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[schemas.MachineSummary]:
    """Machines, the newest first."""
    found = _matching(filters)
    before = rest.uuid("machines", cursor)
    if before is not None:
        found = found.filter(id__lt=before)
    states = dict(found.order_by("-id").values_list("id", "state")[: limit + 1])
    ids = list(states)[:limit]
    rows = runs.rows_of(ids, sees_payloads=sees_payloads(request.user))
    return Page(
        items=[shapes.machine_summary(row, states[row.id]) for row in rows],
        next_cursor=rest.cursor("machines", ids[-1] if len(states) > limit else None),
    )


@router.post(
    "/{path:name}/runs",
    auth=needs("runs:write", START),
    response={201: schemas.RunSummary, 200: schemas.RunSummary},
    operation_id="start_machine",
)
@keeps_its_own_key
def start_machine(
    request: ApiRequest, name: str, wanted: StartRun, response: HttpResponse
) -> Answer[schemas.RunSummary]:
    """Start a machine with its context as the input: 201; or find the one that has the key: 200.

    The `Idempotency-Key` header is the machine's key, if the body has none.
    """
    if not _has_chart(name):
        raise Problem(UNKNOWN_MACHINE, f"No state machine of this process is called {name!r}.")
    started = actions.start(order_of(request, workflow_or_problem(name), wanted))
    if started.gone is not None:
        return Answer(200, shapes.gone(started.gone))
    response.headers["Location"] = reverse("api:get_machine", args=[started.run_id])
    [row] = runs.rows_of([started.run_id], sees_payloads=sees_payloads(request.user))
    return Answer(201 if started.is_new else 200, shapes.summary(row))


@router.get(
    "/{uuid:run_id}",
    auth=READS,
    response=schemas.Machine,
    operation_id="get_machine",
    openapi_extra={
        "responses": {200: {"headers": {"ETag": {"schema": {"type": "string"}, "required": True}}}}
    },
)
def get_machine(request: ApiRequest, run_id: UUID, response: HttpResponse) -> schemas.Machine:
    """One machine: its state, what it takes there, and its context."""
    machine, sees = machine_or_problem(run_id), sees_payloads(request.user)
    row = machine._row
    response.headers["ETag"] = shapes.etag(row.rev, shapes.visibility(row, sees=sees))
    [summary] = runs.rows_of([run_id], sees_payloads=sees)
    return shapes.machine(machine, summary, sees=sees)


@router.get(
    "/{uuid:run_id}/history",
    auth=READS,
    response=Page[schemas.Transition],
    operation_id="list_transitions",
)
def list_transitions(
    request: ApiRequest, run_id: UUID, cursor: Cursor = None, limit: Limit = 100
) -> Page[schemas.Transition]:
    """What came of each event of a machine, and every other transition, in order."""
    after, sees = rest.number("transitions", cursor), sees_payloads(request.user)
    row = machine_or_problem(run_id)._row
    found, following = courses.some_transitions(row, after=after, size=limit)
    return Page(
        items=[shapes.transition(one, sees=sees) for one in found],
        next_cursor=rest.cursor("transitions", following),
    )


@router.get(
    "/{uuid:run_id}/diagram",
    auth=READS,
    response=None,
    operation_id="draw_machine",
    openapi_extra=diagrams.ANSWERS,
)
def draw_machine(
    request: ApiRequest, run_id: UUID, format: diagrams.Format = "svg"
) -> HttpResponse:
    """The chart of a machine. The SVG marks the state in which it is."""
    machine = machine_or_problem(run_id)
    return diagrams.respond(machine.chart, format, current=machine.state)


@router.post(
    "/{uuid:run_id}/can",
    auth=READS,
    response=schemas.Transition,
    operation_id="preview_event",
)
def preview_event(request: ApiRequest, run_id: UUID, wanted: Occurrence) -> schemas.Transition:
    """What would come of an event now. Asks the guards, and changes nothing."""
    found = machine_or_problem(run_id).preview(wanted.name, wanted.payload)
    return shapes.transition(found, sees=sees_payloads(request.user))


@router.post(
    "/{uuid:run_id}/events",
    auth=needs("events:write", OPERATE),
    response={200: schemas.Transition, 202: schemas.Transition},
    operation_id="send_event_to_machine",
)
@keeps_its_own_key
def send_event_to_machine(
    request: ApiRequest,
    run_id: UUID,
    wanted: SendToMachine,
    timeout: Annotated[
        Timeout | None,
        Query(description="How long to wait for what comes of it; 5 seconds if left out."),
    ] = None,
) -> Answer[schemas.Transition]:
    """Send an event: 200 with what came of it, accepted or refused by the machine.

    202 if it was not judged by then; the machine's history has it later. The
    `Idempotency-Key` header is the event's id, if the body has none.
    """
    machine = machine_or_problem(run_id)
    event_id = one_key(request, "event_id", wanted.event_id)
    by = Actor.of(request, via=request.auth.via)
    try:
        sent, _ = operating.send_to_machine(
            machine, wanted.name, wanted.payload, by, event_id=event_id
        )
    except InvalidInput as refused:
        raise invalid_input(refused, "payload") from refused
    if sent.number is None:
        delivery = Delivery(False, sent.refused_because)
        kind, headers = (THROTTLED, LATER) if delivery.is_full else (REFUSED, {})
        raise Problem(kind, f"The event was not sent: {delivery.reason}.", headers=headers)
    with waiting.turn(timeout or PATIENCE) as seconds:
        found = machine.verdict(sent, timeout=seconds)
    shown = shapes.transition(found, sees=sees_payloads(request.user))
    return Answer(200 if found.accepted is not None else 202, shown)


def machine_or_problem(run_id: UUID) -> Machine[Any]:
    """The machine with this id, or a problem that says why it is none."""
    row = run_or_problem(run_id)
    try:
        chart = registry.get(row.workflow, row.version).chart
    except UnknownWorkflow as error:
        raise Problem(UNKNOWN_MACHINE, str(error)) from error
    if chart is None:
        what = f"{run_id} is a run of {row.workflow}, which is no state machine."
        raise Problem(UNKNOWN_MACHINE, what)
    return Machine(row, chart)


def _matching(filters: MachineFilters) -> QuerySet[models.Run]:
    names = sorted({one.name for one in registry if one.chart is not None})
    if filters.machine is not None:
        if filters.machine not in names:
            there = f"There are: {', '.join(names)}." if names else "There are none."
            msg = f"no state machine is called {filters.machine!r}. {there}"
            raise invalid(msg, "query", "machine")
        names = [filters.machine]
    found = models.Run.objects.filter(workflow__in=names)
    if filters.status:
        found = found.filter(status__in=filters.status)
    return found if filters.state is None else found.filter(_is_in(filters, filters.state))


def _is_in(filters: MachineFilters, state: str) -> Any:
    if filters.machine is None:
        raise invalid("a state is one of a machine: give `machine` too", "query", "state")
    chart = registry.get(filters.machine).chart
    assert chart is not None
    try:
        return reading.is_in(chart, state)
    except ValueError as error:
        raise invalid(str(error), "query", "state") from error


def _has_chart(name: str) -> bool:
    return any(one.name == name and one.chart is not None for one in registry)
