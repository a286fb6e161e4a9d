"""Cancel and retry: a question to read, and a POST that does it."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import trigger_client_event

from dashboard import actions
from dashboard.access import OPERATE, OperatorRequest, permitted
from dashboard.actions import Answer, Order
from dashboard.audit import Actor
from dashboard.forms import ActionForm, CancelForm
from dashboard.live import wants_part
from dashboard.rows import short_id, wait_kind
from dashboard.verbs import CANCEL, RETRY, Verb
from dashboard.views.run import run_or_404
from orchestrator.core.errors import UnknownRun
from orchestrator.models import Run


@require_safe
@permitted(OPERATE)
def cancel_confirm(request: OperatorRequest, run_id: UUID) -> HttpResponse:
    run = run_or_404(run_id)
    return _ask(request, CANCEL, run, CancelForm.about(run))


@require_POST
@permitted(OPERATE)
def cancel(request: OperatorRequest, run_id: UUID) -> HttpResponse:
    return _act(request, CANCEL, run_id, CancelForm(request.POST), actions.cancel)


@require_safe
@permitted(OPERATE)
def retry_confirm(request: OperatorRequest, run_id: UUID) -> HttpResponse:
    run = run_or_404(run_id)
    return _ask(request, RETRY, run, ActionForm.about(run))


@require_POST
@permitted(OPERATE)
def retry(request: OperatorRequest, run_id: UUID) -> HttpResponse:
    return _act(request, RETRY, run_id, ActionForm(request.POST), actions.retry)


def _act(
    request: OperatorRequest,
    verb: Verb,
    run_id: UUID,
    form: ActionForm,
    act: Callable[[UUID, Order], Answer],
) -> HttpResponse:
    if not form.is_valid():
        return _ask(request, verb, run_or_404(run_id), form, HTTPStatus.UNPROCESSABLE_ENTITY)
    order = Order(
        actor=Actor.of(request),
        expected_rev=form.cleaned_data["expected_rev"],
        expected_status=form.cleaned_data["expected_status"],
        reason=form.cleaned_data["reason"],
    )
    try:
        answer = act(run_id, order)
    except UnknownRun as error:
        raise Http404(str(error)) from error
    return _done(request, verb, run_id) if answer.applied else _refused(request, run_id, answer)


def _ask(
    request: OperatorRequest,
    verb: Verb,
    run: Run,
    form: ActionForm,
    status: int = HTTPStatus.OK,
) -> HttpResponse:
    """The question: a page, or what the dialog shows."""
    context = {
        "title": verb.title,
        "text": verb.meaning,
        "action": reverse(verb.url_name, args=[run.id]),
        "verb": verb.label,
        "back": reverse("dashboard:run", args=[run.id]),
        "danger": verb.is_danger,
        "form": form,
        "confirm_htmx": wants_part(request),
        "run": run,
        "short_id": short_id(run.id),
        "wait_kind": wait_kind(run),
        "refusal": verb.refusal(run),
    }
    page = "_confirm.html" if wants_part(request) else "confirm.html"
    return render(request, f"dashboard/{page}", context, status=status)


def _done(request: OperatorRequest, verb: Verb, run_id: UUID) -> HttpResponse:
    """It was done: say so, and let the page ask for what is now."""
    done = (run_or_404(run_id).is_final and verb.ended) or verb.done
    if not wants_part(request):
        messages.success(request, done)
        return redirect("dashboard:run", run_id)
    response = HttpResponse(status=HTTPStatus.NO_CONTENT)
    trigger_client_event(response, "dialog-close")
    trigger_client_event(response, "toast", {"text": done})
    return trigger_client_event(response, "changed")


def _refused(request: OperatorRequest, run_id: UUID, answer: Answer) -> HttpResponse:
    """It was not done: 409, with the reason in the engine's own words."""
    run = run_or_404(run_id)
    context = {
        "refusal": answer.refusal,
        "run": run,
        "short_id": short_id(run.id),
        "wait_kind": wait_kind(run),
    }
    page = "_refused.html" if wants_part(request) else "refused.html"
    return render(request, f"dashboard/{page}", context, status=HTTPStatus.CONFLICT)
