"""Workflows: the catalogue, and starting a run."""

from __future__ import annotations

import json
from typing import Annotated, Any

from django.http import HttpResponse
from django.urls import reverse
from ninja import Router
from ninja.responses import Status as Answer
from pydantic import AfterValidator, BaseModel, Field, JsonValue

from dashboard import actions
from dashboard.access import SEES_RUNS, START, sees_payloads
from dashboard.api import schemas, shapes
from dashboard.api.callers import ApiRequest, needs
from dashboard.api.fields import Delay, Key, Name
from dashboard.api.once import keeps_its_own_key, one_key
from dashboard.api.problems import UNKNOWN_WORKFLOW
from dashboard.audit import Actor
from dashboard.inputs import expected, schema_of
from dashboard.queries import runs
from dashboard.queries import workflows as queries
from dashboard.queries.workflows import Version, Workflow
from orchestrator.core.charts.mermaid import to_mermaid
from orchestrator.core.notes import check_attributes
from orchestrator.rest import Instant, Page, Problem, invalid

router = Router(tags=["workflows"])


class StartRun(BaseModel, extra="forbid"):
    """A run to start."""

    input: JsonValue = Field(None, description="What the workflow takes.")
    version: Name | None = Field(None, description="null: what a new run takes.")
    idempotency_key: Key | None = Field(
        None, description="A key that is known leads to the run that has it."
    )
    delay: Delay | None = None
    at: Instant | None = Field(None, description="When it may start. Not with `delay`.")
    tags: dict[Name, JsonValue] = Field({}, max_length=50)
    attributes: Annotated[
        dict[Name, str | int | float | bool], AfterValidator(check_attributes)
    ] = Field({}, description="Names and values by which runs are found.")


@router.get(
    "",
    auth=needs("workflows:read", *SEES_RUNS),
    response=Page[schemas.WorkflowSummary],
    operation_id="list_workflows",
)
def list_workflows(request: ApiRequest) -> Page[schemas.WorkflowSummary]:
    """Every workflow that the code has, by name, with the runs that are under way."""
    found = queries.catalogue()
    return Page(
        items=[schemas.WorkflowSummary(**_summary(one, is_counted=True)) for one in found],
        next_cursor=None,
    )


@router.post(
    "/{path:name}/runs",
    auth=needs("runs:write", START),
    response={201: schemas.RunSummary, 200: schemas.RunSummary},
    operation_id="start_run",
)
@keeps_its_own_key
def start_run(
    request: ApiRequest, name: str, wanted: StartRun, response: HttpResponse
) -> Answer[schemas.RunSummary]:
    """Start a run: 201; or find the one that has the key already: 200.

    The `Idempotency-Key` header is the run's key, if the body has none.
    """
    workflow = workflow_or_problem(name)
    started = actions.start(order_of(request, workflow, wanted))
    if started.gone is not None:
        return Answer(200, shapes.gone(started.gone))
    response.headers["Location"] = reverse("api:get_run", args=[started.run_id])
    [row] = runs.rows_of([started.run_id], sees_payloads=sees_payloads(request.user))
    return Answer(201 if started.is_new else 200, shapes.summary(row))


@router.get(
    "/{path:name}",
    auth=needs("workflows:read", *SEES_RUNS),
    response=schemas.Workflow,
    operation_id="get_workflow",
)
def get_workflow(request: ApiRequest, name: str) -> schemas.Workflow:
    """A workflow: its versions, what it takes, and the diagram of a state machine."""
    workflow = workflow_or_problem(name)
    takes, chart = expected(workflow.newest), workflow.newest.chart
    return schemas.Workflow(
        **_summary(workflow, is_counted=False),
        takes_input=takes is not None,
        input_schema=schema_of(workflow.newest) if takes else None,
        input_example=json.loads(takes.example) if takes else None,
        diagram=to_mermaid(chart) if chart else None,
        events=chart.events if chart else [],
    )


def order_of(request: ApiRequest, workflow: Workflow, wanted: StartRun) -> actions.Start:
    """The start that a request asks for. Raises a problem for what does not go together."""
    versions = [one.version for one in workflow.versions if one.definition]
    if wanted.version is not None and wanted.version not in versions:
        msg = f"{workflow.name} has no version {wanted.version!r} here: {', '.join(versions)}"
        raise invalid(msg, "body", "version")
    if wanted.delay is not None and wanted.at is not None:
        raise invalid("give delay or at, not both", "body", "at")
    return actions.Start(
        actor=Actor.of(request, via=request.auth.via),
        workflow=workflow.name,
        version=wanted.version or workflow.newest.version,
        input=wanted.input,
        key=one_key(request, "idempotency_key", wanted.idempotency_key) or "",
        delay=wanted.delay,
        at=wanted.at,
        tags=wanted.tags,
        attributes=wanted.attributes,
    )


def workflow_or_problem(name: str) -> Workflow:
    """What the code has of that name, or a problem."""
    found = queries.workflow(name)
    if found is None:
        raise Problem(UNKNOWN_WORKFLOW, f"No workflow of this process is called {name!r}.")
    return found


def _summary(workflow: Workflow, *, is_counted: bool) -> dict[str, Any]:
    return {
        "name": workflow.name,
        "summary": workflow.summary,
        "version": workflow.newest.version,
        "versions": [_version(one, is_counted=is_counted) for one in workflow.versions],
        "input_type": workflow.input_type,
        "is_machine": workflow.newest.chart is not None,
    }


def _version(found: Version, *, is_counted: bool) -> schemas.Version:
    return schemas.Version(
        version=found.version,
        is_default=found.is_default,
        has_code=found.definition is not None,
        active=found.active if is_counted else None,
    )
