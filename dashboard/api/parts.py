"""The parts of a run that grow with it, page by page."""

from __future__ import annotations

from uuid import UUID

from ninja import Router

from dashboard.access import sees_payloads
from dashboard.api import schemas, shapes
from dashboard.api.callers import ApiRequest
from dashboard.api.runs import READS, run_or_problem
from dashboard.queries import run as queries
from orchestrator import rest
from orchestrator.rest import Cursor, Limit, Page

router = Router(tags=["runs"])


@router.get(
    "/{uuid:run_id}/timeline",
    auth=READS,
    response=Page[schemas.TimelineRow],
    operation_id="list_timeline",
)
def list_timeline(
    request: ApiRequest, run_id: UUID, cursor: Cursor = None, limit: Limit = 100
) -> Page[schemas.TimelineRow]:
    """When each step executed and when it waited, in the order in which the run asked."""
    after = rest.number("timeline", cursor)
    found = queries.timeline(run_or_problem(run_id), after=after, size=limit)
    return Page(
        items=[shapes.timeline_row(row) for row in found.rows],
        next_cursor=rest.cursor("timeline", found.following),
    )


@router.get(
    "/{uuid:run_id}/logs",
    auth=READS,
    response=Page[schemas.LogLine],
    operation_id="list_logs",
)
def list_logs(
    request: ApiRequest, run_id: UUID, cursor: Cursor = None, limit: Limit = 100
) -> Page[schemas.LogLine]:
    """What the workflow and its steps have logged."""
    after, sees = rest.number("logs", cursor), sees_payloads(request.user)
    run_or_problem(run_id)
    found, following = queries.log(run_id, after=after, size=limit)
    return Page(
        items=[shapes.log_line(one, sees=sees) for one in found],
        next_cursor=rest.cursor("logs", following),
    )


@router.get(
    "/{uuid:run_id}/history",
    auth=READS,
    response=Page[schemas.Entry],
    operation_id="list_history",
)
def list_history(
    request: ApiRequest, run_id: UUID, cursor: Cursor = None, limit: Limit = 100
) -> Page[schemas.Entry]:
    """The journal: outcomes as the body saw them, then what is open or was given up."""
    after = rest.number("history", cursor)
    run_or_problem(run_id)
    found, following = queries.history(run_id, after=after, size=limit)
    return Page(
        items=[shapes.entry(one) for one in found],
        next_cursor=rest.cursor("history", following),
    )
