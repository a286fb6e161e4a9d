"""What operators do to a run: a question to read, and a POST that does it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect, trigger_client_event

from dashboard import access, actions, verbs
from dashboard.access import OPERATE, OperatorRequest, permitted
from dashboard.actions import Answer, Order
from dashboard.audit import Actor
from dashboard.forms import ActionForm, CancelForm, ForkForm, KeyForm, StepForm
from dashboard.live import wants_part
from dashboard.queries import run as queries
from dashboard.rows import short_id, wait_kind
from dashboard.verbs import Verb
from dashboard.views.run import run_or_404
from orchestrator.core.errors import InvalidInput, NotSerializable, PayloadTooLarge, UnknownRun
from orchestrator.models import Run

Fields = Mapping[str, Any]


@dataclass(frozen=True)
class Deed:
    """A verb with the form that asks about it, and what does it."""

    verb: Verb
    form: type[ActionForm]
    act: Callable[[UUID, Order, Fields], Answer]


def _retry_from(run_id: UUID, order: Order, fields: Fields) -> Answer:
    return actions.retry(run_id, order, step=fields["step"])


def _fork(run_id: UUID, order: Order, fields: Fields) -> Answer:
    step, value, token = fields["step"], fields["input"], fields["token"]
    return actions.fork(run_id, order, step=step, input=value, token=token)


def _skip_sleep(run_id: UUID, order: Order, fields: Fields) -> Answer:
    return actions.skip_sleep(run_id, order, key=fields["key"])


def _retry_now(run_id: UUID, order: Order, fields: Fields) -> Answer:
    return actions.retry_now(run_id, order, key=fields["key"])


DEEDS = {
    deed.verb.name: deed
    for deed in (
        Deed(verbs.RETRY, ActionForm, lambda run_id, order, _: actions.retry(run_id, order)),
        Deed(verbs.RESUME, ActionForm, lambda run_id, order, _: actions.resume(run_id, order)),
        Deed(verbs.PAUSE, ActionForm, lambda run_id, order, _: actions.pause(run_id, order)),
        Deed(verbs.CANCEL, CancelForm, lambda run_id, order, _: actions.cancel(run_id, order)),
        Deed(verbs.RETRY_FROM, StepForm, _retry_from),
        Deed(verbs.FORK, ForkForm, _fork),
        Deed(verbs.SKIP_SLEEP, KeyForm, _skip_sleep),
        Deed(verbs.RETRY_NOW, KeyForm, _retry_now),
    )
}


@require_safe
@permitted(OPERATE)
def ask(request: OperatorRequest, run_id: UUID, name: str) -> HttpResponse:
    deed, run = _deed(request, name), run_or_404(run_id)
    form = deed.form.about(run, steps=_steps(deed, run), given=request.GET)
    return _question(request, deed.verb, run, form)


@require_POST
@permitted(OPERATE)
def act(request: OperatorRequest, run_id: UUID, name: str) -> HttpResponse:
    deed, run = _deed(request, name), run_or_404(run_id)
    form = deed.form(request.POST, steps=_steps(deed, run))
    if not form.is_valid() or not form.fits(run):
        return _question(request, deed.verb, run, form, HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        answer = deed.act(run_id, _order(request, form), form.cleaned_data)
    except UnknownRun as error:
        raise Http404(str(error)) from error
    except (InvalidInput, NotSerializable, PayloadTooLarge) as refused:
        form.take(refused)
        return _question(request, deed.verb, run, form, HTTPStatus.UNPROCESSABLE_ENTITY)
    if not answer.applied:
        return _refused(request, deed.verb, run_id, answer)
    return _done(request, deed.verb, run_id, answer.made)


def _deed(request: OperatorRequest, name: str) -> Deed:
    deed = DEEDS[name]
    for permission in deed.verb.needs:
        access.require(request.user, permission)
    return deed


def _steps(deed: Deed, run: Run) -> list[str]:
    return queries.step_keys(run.id) if issubclass(deed.form, StepForm) else []


def _order(request: OperatorRequest, form: ActionForm) -> Order:
    return Order(
        actor=Actor.of(request),
        expected_rev=form.cleaned_data["expected_rev"],
        expected_status=form.cleaned_data["expected_status"],
        reason=form.cleaned_data["reason"],
    )


def _question(
    request: OperatorRequest,
    verb: Verb,
    run: Run,
    form: ActionForm,
    status: int = HTTPStatus.OK,
) -> HttpResponse:
    """The question: a page, or what the dialog shows."""
    refusal = verb.refusal(run)
    context = {
        "title": verb.title,
        "text": verb.meaning,
        "action": reverse(verb.url_name, args=[run.id]),
        "verb": verb.label,
        "back": reverse("dashboard:run", args=[run.id]),
        "danger": verb.is_danger,
        "form": form,
        "run": run,
        "short_id": short_id(run.id),
        "wait_kind": wait_kind(run),
        "refusal": refusal,
        "ways": _ways(request, verb, run) if refusal else (),
    }
    page = "_confirm.html" if wants_part(request) else "confirm.html"
    return render(request, f"dashboard/{page}", context, status=status)


def _done(
    request: OperatorRequest, verb: Verb, run_id: UUID, made: UUID | None = None
) -> HttpResponse:
    """It was done: say so, and let the page ask for what is now; or go to the run that was made."""
    done = verb.done(run_or_404(made or run_id))
    if made or not wants_part(request):
        messages.success(request, done)
        address = reverse("dashboard:run", args=[made or run_id])
        return HttpResponseClientRedirect(address) if wants_part(request) else redirect(address)
    response = HttpResponse(status=HTTPStatus.NO_CONTENT)
    trigger_client_event(response, "dialog-close")
    trigger_client_event(response, "toast", {"text": done})
    return trigger_client_event(response, "changed")


def _refused(request: OperatorRequest, verb: Verb, run_id: UUID, answer: Answer) -> HttpResponse:
    """It was not done: 409, with the reason in the engine's own words, and what can be done."""
    run = run_or_404(run_id)
    context = {
        "refusal": answer.refusal,
        "run": run,
        "short_id": short_id(run.id),
        "wait_kind": wait_kind(run),
        "ways": () if answer.is_stale else _ways(request, verb, run),
    }
    page = "_refused.html" if wants_part(request) else "refused.html"
    return render(request, f"dashboard/{page}", context, status=HTTPStatus.CONFLICT)


def _ways(request: OperatorRequest, verb: Verb, run: Run) -> list[Verb]:
    if verb is not verbs.RETRY:
        return []
    return [way.verb for way in verbs.ways_on(run, request.user.has_perm)]
