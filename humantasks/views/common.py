"""What the views share: who asks, which task they mean, and the part or the page."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django_htmx.middleware import HtmxDetails

from humantasks.models import HumanTask
from orchestrator.models import Run

MAX_DIGITS = 10


class ReviewerRequest(HttpRequest):
    """A request of somebody who is logged in."""

    user: User
    htmx: HtmxDetails


def task_for(request: ReviewerRequest, task_id: UUID) -> HumanTask:
    """The task, or 404 when this person may not know of it."""
    visible = HumanTask.objects.visible_to(request.user)
    found = (
        visible.select_related(
            "team", "assignee", "owner", "asked_of", "requester", "completed_by", "payload"
        )
        .annotate(has_run=Exists(Run.objects.filter(id=OuterRef("run_id"))))
        .for_reader(request.user)
        .filter(pk=task_id)
        .first()
    )
    if found is None:
        raise Http404("no such task")
    return found


def page(
    request: ReviewerRequest, name: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    """The part `_<name>.html` for htmx, and `<name>.html` around it otherwise."""
    htmx = request.htmx
    is_part = bool(htmx) and not htmx.boosted and not htmx.history_restore_request
    template = f"humantasks/{'_' if is_part else ''}{name}.html"
    return render(request, template, context | {"is_part": is_part}, status=status)


def number(request: ReviewerRequest, name: str) -> int:
    """A small number of the form; 0 for what is none."""
    text = request.POST.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < MAX_DIGITS else 0
