"""The REST API of the site: the routers of the rooms, put together."""

from __future__ import annotations

from dashboard.api import actions, diagrams, events, machines, parts, runs, schedules, workflows
from dashboard.api.app import Api
from humantasks.rest import router as tasks

api = Api(
    title="Orchestrator",
    description=(
        "Start runs, follow them and act on them. Send `Authorization: Bearer …` with a token "
        "of `manage.py api_token create`. Every error is an `application/problem+json`, and "
        "its `code` says which."
    ),
)
api.add_router("/workflows", diagrams.of_workflows)
api.add_router("/workflows", workflows.router)
api.add_router("/runs", runs.router)
api.add_router("/runs", parts.router)
api.add_router("/runs", actions.router)
api.add_router("/runs", diagrams.of_runs)
api.add_router("/machines", machines.router)
api.add_router("/schedules", schedules.router)
api.add_router("/tasks", tasks)
api.add_router("", events.router)
