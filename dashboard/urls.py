"""Where the operators' pages are; mounted at /ops/ by the project."""

from __future__ import annotations

from django.urls import path

from dashboard import verbs
from dashboard.views import actions, overview, run, runs, workflows

app_name = "dashboard"

RUN = "runs/<uuid:run_id>/"

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("runs/", runs.run_list, name="runs"),
    path("runs/rows/", runs.run_rows, name="run_rows"),
    path("runs/<uuid:run_id>/", run.run_detail, name="run"),
    path("runs/<uuid:run_id>/input.json", run.run_value, {"name": "input"}, name="input"),
    path("runs/<uuid:run_id>/output.json", run.run_value, {"name": "output"}, name="output"),
    *(
        path(f"{RUN}{one.slug}/", actions.act, {"name": name}, name=name)
        for name, one in verbs.ALL.items()
    ),
    *(
        path(f"{RUN}{one.slug}/confirm/", actions.ask, {"name": name}, name=f"{name}_confirm")
        for name, one in verbs.ALL.items()
    ),
    path("workflows/", workflows.workflow_list, name="workflows"),
    path("workflows/<path:name>/start/", workflows.start_form, name="start_form"),
    path("workflows/<path:name>/runs/", workflows.start, name="start"),
    path("workflows/<path:name>/", workflows.workflow_page, name="workflow"),
]
