"""Runs: the list, one run, one step of it, and how it ended."""

from __future__ import annotations

from itertools import chain
from typing import Annotated, Literal
from uuid import UUID

from django.http import HttpResponse
from ninja import Header, Query, Router
from ninja.responses import Status as Answer
from pydantic import BaseModel, Field

from dashboard.access import SEES_RUNS, sees_payloads
from dashboard.api import schemas, shapes, step_shapes, waiting
from dashboard.api.callers import ApiRequest, needs
from dashboard.api.fields import Attribute, Key, Name, Timeout
from dashboard.api.problems import UNKNOWN_RUN, UNKNOWN_STEP
from dashboard.models_used import total
from dashboard.panel import panel
from dashboard.queries import run as queries
from dashboard.queries import runs, usage
from dashboard.queries.filters import Filter
from dashboard.queries.waits import waits
from orchestrator import models, rest
from orchestrator.models import Status
from orchestrator.rest import Cursor, Instant, Limit, Page, Problem

router = Router(tags=["runs"])

WaitKind = Literal[
    "human_task", "event", "timer", "retry", "child", "step", "concurrency", "ambiguous"
]

READS = needs("runs:read", *SEES_RUNS)


class RunFilters(BaseModel):
    """Which runs to list. Several filters have to hold at once."""

    workflow: Name | None = None
    status: list[Status] = Field([], description="One of these. May be repeated.")
    attribute: list[Attribute] = Field(
        [], max_length=5, description="`name:value`, exactly. Repeated: all of them."
    )
    tag: list[Attribute] = Field(
        [], max_length=5, description="`name:value`, exactly, of tags that are single values."
    )
    waiting_on: WaitKind | None = Field(None, description="The kind of the first wait.")
    error: Name | None = Field(
        None, description="The type of the error, or its signature: one for each cause."
    )
    started_after: Instant | None = Field(None, description="Made (`created_at`) then or later.")
    started_before: Instant | None = Field(None, description="Made (`created_at`) before then.")
    idempotency_key: Key | None = Field(
        None, description="Exactly. Without `workflow`: of any workflow."
    )
    parent_id: UUID | None = Field(None, description="The children of this run.")

    def wanted(self) -> Filter:
        attributes, tags = (
            tuple((name, value) for name, _, value in (one.partition(":") for one in pairs))
            for pairs in (self.attribute, self.tag)
        )
        return Filter(
            workflow=self.workflow or "",
            statuses=tuple(self.status),
            attributes=attributes,
            tags=tags,
            wait=self.waiting_on or "",
            error=self.error or "",
            started_after=self.started_after,
            started_before=self.started_before,
            key=self.idempotency_key or "",
            parent_id=self.parent_id,
        )


@router.get("", auth=READS, response=Page[schemas.RunSummary], operation_id="list_runs")
def list_runs(
    request: ApiRequest,
    filters: Annotated[RunFilters, Query()],
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[schemas.RunSummary]:
    """Runs, the newest first."""
    found = runs.page(
        filters.wanted(),
        sees_payloads=sees_payloads(request.user),
        before=rest.uuid("runs", cursor),
        size=limit,
    )
    return Page(
        items=[shapes.summary(row) for row in found.rows],
        next_cursor=rest.cursor("runs", found.older),
    )


@router.get(
    "/{uuid:run_id}",
    auth=READS,
    response={200: schemas.Run, 304: None},
    operation_id="get_run",
    openapi_extra={
        "responses": {
            200: {"headers": {"ETag": {"schema": {"type": "string"}, "required": True}}},
        }
    },
)
def get_run(
    request: ApiRequest,
    run_id: UUID,
    response: HttpResponse,
    if_none_match: Annotated[
        str | None, Header(alias="If-None-Match", description="304 if the run has this ETag still.")
    ] = None,
) -> schemas.Run | Answer[None]:
    """One run, with its first steps and events."""
    run, sees = run_or_problem(run_id), sees_payloads(request.user)
    tag = etag(run, sees=sees)
    response.headers["ETag"] = tag
    if if_none_match is not None and tag in [one.strip() for one in if_none_match.split(",")]:
        return Answer(304, None)
    entries, more_steps = queries.outcomes(run_id)
    events, more_events = queries.first_events(run_id)
    told = usage.told_in(run_id, entries)
    used = usage.of_run(run_id) if more_steps else total(chain(*told.values()))
    return shapes.run(
        run,
        ai=step_shapes.model_use(used),
        stored=queries.payloads(run_id) if sees else (None, None),
        waits=waits(run, user=request.user, sees_payloads=sees),
        steps=(step_shapes.run_steps(run, entries, told, sees=sees), more_steps),
        events=([shapes.small_event(one, sees=sees) for one in events], more_events),
        sees=sees,
    )


@router.get(
    "/{uuid:run_id}/steps/{path:key}",
    auth=READS,
    response=schemas.StepDetail,
    operation_id="get_step",
)
def get_step(request: ApiRequest, run_id: UUID, key: str) -> schemas.StepDetail:
    """One step of a run, with its attempts and the whole of its result."""
    run, sees = run_or_problem(run_id), sees_payloads(request.user)
    found = None if "\x00" in key else panel(run, key, sees_payloads=sees)
    if found is None:
        raise Problem(UNKNOWN_STEP)
    return step_shapes.step_detail(found, sees=sees)


@router.get(
    "/{uuid:run_id}/result",
    auth=READS,
    response={200: schemas.Result, 202: schemas.Result},
    operation_id="get_result",
)
def get_result(
    request: ApiRequest,
    run_id: UUID,
    response: HttpResponse,
    timeout: Annotated[
        Timeout | None,
        Query(description="How long to wait for the end. Shortened to what the server allows."),
    ] = None,
) -> Answer[schemas.Result]:
    """How a run ended: 200. As long as it has not: 202, after `timeout` at the latest."""
    run_or_problem(run_id)
    waiting.wait_for_end(run_id, timeout or 0)
    run, sees = run_or_problem(run_id), sees_payloads(request.user)
    # As it is now: it may have been opened again in between.
    has_ended = run.is_final
    if not has_ended:
        response.headers["Retry-After"] = "1"
    output = queries.payloads(run_id)[1] if sees and has_ended else None
    return Answer(
        200 if has_ended else 202,
        schemas.Result(
            id=run.id,
            status=Status(run.status),
            payloads=shapes.visibility(run, sees=sees),
            output=shapes.value(output, sees=sees),
            error=shapes.failure(run.error, sees=sees) if has_ended else None,
        ),
    )


def run_or_problem(run_id: UUID) -> models.Run:
    run = queries.run(run_id)
    if run is None:
        raise Problem(UNKNOWN_RUN, f"No run has the id {run_id}.")
    return run


def etag(run: models.Run, *, sees: bool) -> str:
    """Another one with each change of the run. Who may see payloads sees another page."""
    return shapes.etag(run.rev, shapes.visibility(run, sees=sees))
