"""Acting on many runs: the question, what becomes of it, and how far it is."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from dashboard import bulk
from dashboard.access import BULK, OperatorRequest, permitted, sees_payloads
from dashboard.audit import Actor
from dashboard.bulk import ACTS, MOST, Order
from dashboard.filtering import RunFilter, query
from dashboard.forms import TYPED, BulkForm
from dashboard.live import is_seen, unchanged, wants_part
from dashboard.models import BulkItem, BulkOperation
from dashboard.queries import bulk as queries
from dashboard.queries.limits import TookTooLong, within
from dashboard.views.runs import LIMIT
from orchestrator.models import Run

State = BulkOperation.State

# What can be done to an operation itself: the state that it gets, the word, and when.
CHANGES = (
    (State.PAUSED, "Pause", [State.RUNNING]),
    (State.RUNNING, "Continue", [State.PAUSED]),
    (State.STOPPED, "Stop", [State.RUNNING, State.PAUSED]),
)


@require_safe
@permitted(BULK)
def ask(request: OperatorRequest) -> HttpResponse:
    """The question: which runs there are, and what to do to them."""
    text = _list_of(request.GET.get("list"))
    chosen = request.GET.getlist("run")
    form = BulkForm(
        initial={"list": text, "run": chosen, "newest": queries.newest_id(), "token": uuid4()}
    )
    checked = BulkForm({"run": chosen, "list": text}) if chosen else None
    if checked is not None and "run" in checked.errors:
        return _question(request, form, Run.objects.none(), HTTPStatus.UNPROCESSABLE_ENTITY)
    ids = checked.cleaned_data["run"] if checked is not None else []
    return _question(request, form, _runs(text, ids))


@require_POST
@permitted(BULK)
def begin(request: OperatorRequest) -> HttpResponse:
    form = BulkForm(request.POST)
    is_valid = form.is_valid()
    text = _list_of(form.cleaned_data.get("list"))
    runs = _runs(text, form.cleaned_data.get("run") or [])
    if newest := form.cleaned_data.get("newest"):
        runs = runs.filter(id__lte=newest)
    if not is_valid:
        return _question(request, form, runs, HTTPStatus.UNPROCESSABLE_ENTITY)
    if runs.order_by()[: MOST + 1].count() > form.cleaned_data["shown"]:
        form.add_error(None, "There are more runs now than your page has shown. Nothing was done.")
        return _question(request, form, runs, HTTPStatus.CONFLICT)
    operation = bulk.begin(
        runs,
        Order(
            verb=form.cleaned_data["verb"],
            reason=form.cleaned_data["reason"],
            actor=Actor.of(request),
            token=form.cleaned_data["token"],
            query=text or "",
        ),
    )
    return redirect("dashboard:bulk", operation.pk)


def _list_of(text: str | None) -> str | None:
    """The query string of a list, as our own pages write it; None for no list."""
    return None if text is None else query(RunFilter(QueryDict(text)).wanted())


def _runs(text: str | None, chosen: list[UUID]) -> QuerySet[Run]:
    if chosen or text is None:
        return Run.objects.filter(id__in=chosen)
    return RunFilter(QueryDict(text)).wanted().runs()


def _question(
    request: OperatorRequest, form: BulkForm, runs: QuerySet[Run], status: int = HTTPStatus.OK
) -> HttpResponse:
    try:
        with within(LIMIT):
            found = queries.preview(runs, sees_payloads=sees_payloads(request.user))
    except TookTooLong:
        return render(request, "dashboard/bulk_new.html", {"is_too_slow": True})
    text = form["list"].value() or ""
    context = {
        "form": form,
        "found": found,
        "most": MOST,
        "is_typed": found.total > TYPED,
        "chosen": form["run"].value() or [],
        "is_list": form["list"].value() is not None,
        "back": text or "view=all",
        "verbs": [
            (name, verb, found.useless(name), form["verb"].value() == name)
            for name, (verb, _) in ACTS.items()
        ],
        "samples": found.samples,
        "columns": ("state", "started", "key"),
    }
    return render(request, "dashboard/bulk_new.html", context, status=status)


# ---- how far it is -----------------------------------------------------------------------


@require_safe
@permitted(BULK)
def operations(request: OperatorRequest) -> HttpResponse:
    shown = [(one, ACTS[one.verb][0].label) for one in queries.operations()]
    return render(request, "dashboard/bulk_list.html", {"operations": shown})


@require_safe
@permitted(BULK)
def operation(request: OperatorRequest, number: int) -> HttpResponse:
    found = queries.progress(get_object_or_404(BulkOperation, id=number))
    if is_seen(request, found.tag):
        return unchanged()
    after = request.GET.get("from", "")
    refused, following = queries.items(
        found.operation,
        state=BulkItem.State.REFUSED,
        after=int(after) if after.isascii() and after.isdigit() and len(after) < 18 else 0,  # noqa: PLR2004 - fits the column
    )
    context: dict[str, Any] = {
        "progress": found,
        "operation": found.operation,
        "verb": ACTS[found.operation.verb][0],
        "is_over": found.operation.state in (State.DONE, State.STOPPED),
        "refused": refused,
        "following": following,
        "tag": found.tag,
        "changes": [
            (state, word) for state, word, when in CHANGES if found.operation.state in when
        ],
    }
    page = "_bulk.html" if wants_part(request) else "bulk.html"
    return render(request, f"dashboard/{page}", context)


@require_POST
@permitted(BULK)
def change(request: OperatorRequest, number: int) -> HttpResponse:
    """Pause, continue or stop an operation."""
    get_object_or_404(BulkOperation, id=number)
    state = request.POST.get("state", "")
    if state not in {one for one, _, _ in CHANGES}:
        return HttpResponse("state= takes running, paused or stopped", status=400)
    if not bulk.set_state(number, state, Actor.of(request)):
        messages.warning(request, "Nothing was done: the operation is not as your page showed it.")
    return redirect("dashboard:bulk", number)
