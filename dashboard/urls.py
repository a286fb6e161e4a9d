"""Where the operators' pages are; mounted at /ops/ by the project."""

from __future__ import annotations

from django.urls import path

from dashboard.views import actions, overview, run, runs, workflows

app_name = "dashboard"

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("runs/", runs.run_list, name="runs"),
    path("runs/rows/", runs.run_rows, name="run_rows"),
    path("runs/<uuid:run_id>/", run.run_detail, name="run"),
    path("runs/<uuid:run_id>/input.json", run.run_value, {"name": "input"}, name="input"),
    path("runs/<uuid:run_id>/output.json", run.run_value, {"name": "output"}, name="output"),
    path("runs/<uuid:run_id>/cancel/", actions.cancel, name="cancel"),
    path("runs/<uuid:run_id>/cancel/confirm/", actions.cancel_confirm, name="cancel_confirm"),
    path("runs/<uuid:run_id>/retry/", actions.retry, name="retry"),
    path("runs/<uuid:run_id>/retry/confirm/", actions.retry_confirm, name="retry_confirm"),
    path("workflows/", workflows.workflow_list, name="workflows"),
    path("workflows/<path:name>/start/", workflows.start_form, name="start_form"),
    path("workflows/<path:name>/runs/", workflows.start, name="start"),
]
