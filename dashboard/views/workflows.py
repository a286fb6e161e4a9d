"""The workflows that this process knows, and a form that starts a run."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from dashboard import actions, machines
from dashboard.access import SEES_RUNS, START, OperatorRequest, permitted
from dashboard.actions import Started
from dashboard.audit import Actor
from dashboard.forms import StartForm
from dashboard.inputs import expected
from dashboard.live import wants_part
from dashboard.queries import workflows as queries
from dashboard.queries.workflows import Workflow
from orchestrator.core.errors import (
    IdempotencyConflict,
    InvalidInput,
    NotSerializable,
    PayloadTooLarge,
    TooManyStarts,
)


@require_safe
@permitted(*SEES_RUNS)
def workflow_list(request: OperatorRequest) -> HttpResponse:
    context = {
        "workflows": queries.catalogue(),
        "may_start": request.user.has_perm(START),
    }
    return render(request, "dashboard/workflows.html", context)


@require_safe
@permitted(*SEES_RUNS)
def workflow_page(request: OperatorRequest, name: str) -> HttpResponse:
    workflow = queries.workflow_in_use(name)
    if workflow is None:
        raise Http404("No workflow of this process has this name.")
    context = {
        "workflow": workflow,
        "takes": expected(workflow.newest),
        "diagram": machines.diagram(workflow.newest),
        "may_start": request.user.has_perm(START),
    }
    return render(request, "dashboard/workflow.html", context)


@require_safe
@permitted(START)
def start_form(request: OperatorRequest, name: str) -> HttpResponse:
    workflow = _workflow_or_404(name)
    takes = expected(workflow.newest)
    initial = {
        "version": workflow.newest.version,
        "input": takes.example if takes else "",
        "token": uuid4(),
    }
    return _page(request, workflow, _form(workflow, initial=initial))


@require_POST
@permitted(START)
def start(request: OperatorRequest, name: str) -> HttpResponse:
    workflow = _workflow_or_404(name)
    form = _form(workflow, data=request.POST)
    if not form.is_valid():
        return _page(request, workflow, form, HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        started = actions.start(_wanted(request, workflow, form))
    except InvalidInput as refused:
        form.add_input_errors(refused)
    except (NotSerializable, PayloadTooLarge) as refused:
        form.add_error("input", str(refused))
    except TooManyStarts as refused:
        form.add_error(None, str(refused))
    except IdempotencyConflict as refused:
        return _page(request, workflow, form, HTTPStatus.CONFLICT, refused)
    else:
        return _started(request, started)
    return _page(request, workflow, form, HTTPStatus.UNPROCESSABLE_ENTITY)


def _workflow_or_404(name: str) -> Workflow:
    found = queries.workflow(name)
    if found is None:
        raise Http404("No workflow of this process has this name.")
    return found


def _form(workflow: Workflow, **kwargs: Any) -> StartForm:
    return StartForm(
        versions=[one.definition for one in workflow.versions if one.definition],
        about=workflow.newest,
        **kwargs,
    )


def _wanted(request: OperatorRequest, workflow: Workflow, form: StartForm) -> actions.Start:
    clean = form.cleaned_data
    return actions.Start(
        actor=Actor.of(request),
        workflow=workflow.name,
        version=clean["version"],
        input=clean.get("input"),
        key=clean["key"],
        token=clean["token"],
    )


def _page(
    request: OperatorRequest,
    workflow: Workflow,
    form: StartForm,
    status: int = HTTPStatus.OK,
    refused: IdempotencyConflict | None = None,
) -> HttpResponse:
    context = {
        "workflow": workflow,
        "form": form,
        "takes": expected(workflow.newest),
        "refused": refused,
    }
    return render(request, "dashboard/start.html", context, status=status)


def _started(request: OperatorRequest, started: Started) -> HttpResponse:
    address = reverse("dashboard:run", args=[started.run_id])
    if started.gone is not None:
        address = reverse("dashboard:runs")
        messages.info(
            request,
            f"Nothing was started: a run with this key has {started.gone.status}, "
            "and was removed since",
        )
    elif started.is_new:
        messages.success(request, "The run has been started")
    else:
        messages.info(request, "Nothing was started: this run was started before")
    return HttpResponseClientRedirect(address) if wants_part(request) else redirect(address)
