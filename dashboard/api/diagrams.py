"""Diagrams: of a state machine, of a machine where it is, of the path that a run has taken."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from django.http import HttpResponse
from ninja import Router

from dashboard.access import SEES_RUNS
from dashboard.api.callers import ApiRequest, needs
from dashboard.api.problems import NO_DIAGRAM, UNKNOWN_WORKFLOW
from dashboard.api.runs import READS, run_or_problem
from orchestrator import diagrams
from orchestrator.core.charts.chart import Chart
from orchestrator.core.charts.diagrams import to_svg
from orchestrator.core.definition import registry
from orchestrator.core.errors import UnknownWorkflow
from orchestrator.rest import Problem

of_runs = Router(tags=["runs"])
of_workflows = Router(tags=["workflows"])

Format = Literal["svg", "mermaid", "dot"]

MEDIA_TYPES = {
    "svg": "image/svg+xml",
    "mermaid": "text/vnd.mermaid; charset=utf-8",
    "dot": "text/vnd.graphviz; charset=utf-8",
}
SVG: dict[str, Any] = {"image/svg+xml": {"schema": {"type": "string"}}}
ANSWERS: dict[str, Any] = {
    "responses": {
        200: {
            "description": "The diagram.",
            "content": {
                media_type.partition(";")[0]: {"schema": {"type": "string"}}
                for media_type in MEDIA_TYPES.values()
            },
        }
    }
}


@of_runs.get(
    "/{uuid:run_id}/diagram",
    auth=READS,
    response=None,
    operation_id="draw_run",
    openapi_extra={"responses": {200: {"description": "The diagram.", "content": SVG}}},
)
def draw_run(request: ApiRequest, run_id: UUID) -> HttpResponse:
    """The path that a run has taken, as SVG: what it asked for, and what led to what."""
    run_or_problem(run_id)
    return HttpResponse(diagrams.of_run(run_id), content_type=MEDIA_TYPES["svg"])


@of_workflows.get(
    "/{path:name}/diagram",
    auth=needs("workflows:read", *SEES_RUNS),
    response=None,
    operation_id="draw_workflow",
    openapi_extra=ANSWERS,
)
def draw_workflow(
    request: ApiRequest, name: str, format: Format = "svg", version: str | None = None
) -> HttpResponse:
    """The chart of a state machine, of the version that new machines take or of another."""
    try:
        definition = registry.get(name, version)
    except UnknownWorkflow as error:
        raise Problem(UNKNOWN_WORKFLOW, str(error)) from error
    if definition.chart is None:
        raise Problem(NO_DIAGRAM, f"{name} {definition.version} is no state machine.")
    return respond(definition.chart, format)


def respond(chart: Chart, format: Format, *, current: str | None = None) -> HttpResponse:
    """The diagram of a chart, with the state `current` marked if the format can say it."""
    text = to_svg(chart, current) if format == "svg" else diagrams.FORMATS[format](chart)
    return HttpResponse(text, content_type=MEDIA_TYPES[format])
