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

# More than this is shown as "99+": nobody counts on, and the database need not either.
MAX_COUNT = 99


class ReviewerRequest(HttpRequest):
    """A request of somebody who is logged in."""

    user: User
    htmx: HtmxDetails


def task_for(request: ReviewerRequest, task_id: UUID) -> HumanTask:
    """The task, or 404 when this person may not know of it."""
    visible = HumanTask.objects.visible_to(request.user)
    found = (
        visible.select_related("team", "assignee", "completed_by", "payload")
        .annotate(has_run=Exists(Run.objects.filter(id=OuterRef("run_id"))))
        .with_exclusion_of(request.user)
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
    if request.htmx and not request.htmx.boosted and not request.htmx.history_restore_request:
        return render(request, f"humantasks/_{name}.html", context, status=status)
    context["nav_counts"] = counts_of(request.user)
    return render(request, f"humantasks/{name}.html", context, status=status)


def counts_of(user: User) -> dict[str, str]:
    """What stands beside the names in the navigation; nothing for zero."""
    mine = HumanTask.objects.my_work(user)
    free = HumanTask.objects.queue_of(user).answerable_by(user)
    return {name: capped(tasks) for name, tasks in (("my_work", mine), ("queue", free))}


def capped(tasks: Any) -> str:
    """How many, up to 99+; empty for none."""
    number = tasks.order_by()[: MAX_COUNT + 1].count()
    return f"{MAX_COUNT}+" if number > MAX_COUNT else str(number or "")
