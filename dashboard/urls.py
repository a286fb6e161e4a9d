"""Where the operators' pages are; mounted at /ops/ by the project."""

from __future__ import annotations

from django.urls import path

from dashboard import verbs
from dashboard.views import actions, bulk, overview, run, runs, trends, views, workflows

app_name = "dashboard"

RUN = "runs/<uuid:run_id>/"

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("trends/", trends.trends, name="trends"),
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
    path("runs/views/", views.save, name="save_view"),
    path("runs/views/<int:number>/delete/", views.delete, name="delete_view"),
    path("bulk/", bulk.operations, name="bulk_list"),
    path("bulk/new/", bulk.ask, name="bulk_new"),
    path("bulk/begin/", bulk.begin, name="bulk_begin"),
    path("bulk/<int:number>/", bulk.operation, name="bulk"),
    path("bulk/<int:number>/change/", bulk.change, name="bulk_change"),
    path("workflows/", workflows.workflow_list, name="workflows"),
    path("workflows/<path:name>/start/", workflows.start_form, name="start_form"),
    path("workflows/<path:name>/runs/", workflows.start, name="start"),
    path("workflows/<path:name>/", workflows.workflow_page, name="workflow"),
]
