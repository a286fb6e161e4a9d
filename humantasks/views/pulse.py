"""What an open page of a task asks every twenty seconds: is it still so, and who else looks?"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from humantasks import history, inbox, presence, wording
from humantasks.inbox import TaskConflict
from humantasks.models import HumanTask, Status
from humantasks.views.common import ReviewerRequest, task_for


@login_required
@require_POST
def pulse(request: ReviewerRequest, task_id: UUID) -> HttpResponse:
    """Say that one looks at the task; told what is new, or nothing (204).

    What people say about the task, and how pressing it is, disturbs nobody.
    """
    found = _brief(request, task_id)
    if not request.htmx:
        return redirect("humantasks:task", task_id)
    inbox.look(found, user=request.user)
    context = presence.of_task(found, request.user) | {"sits": "held" in request.POST}
    if request.POST.get("state") != found.state or _has_lost_seat(request, found):
        return _changed(request, task_id)
    if all(request.POST.get(name, "") == context[name] for name in ("here", "ends_at")):
        return HttpResponse(status=204)
    return render(request, "humantasks/_pulse.html", context)


def _has_lost_seat(request: ReviewerRequest, task: HumanTask) -> bool:
    """Whether somebody else checks or votes instead, which does not change the task itself."""
    if task.status != Status.IN_REVIEW or "held" not in request.POST:
        return False
    return inbox.lost(task, user=request.user) is not None


def _changed(request: ReviewerRequest, task_id: UUID) -> HttpResponse:
    """The task is not what it was. Who had it is told who has it now, and that nothing is lost."""
    task = task_for(request, task_id)
    context: dict[str, Any] = {"task": task, "has_changed": True, "others": []}
    lost = inbox.lost(task, user=request.user) if "held" in request.POST else None
    if lost is not None:
        # What they have sent themselves in another window stands; nothing is kept beside it.
        context |= {"why": wording.explain(lost), "is_kept": not lost.is_me}
    else:
        context |= {"latest": history.latest_move(task)}
    return render(request, "humantasks/_pulse.html", context)


@login_required
@require_POST
def stay(request: ReviewerRequest, task_id: UUID) -> HttpResponse:
    """Keep a claim that is about to end. Who has lost it is told who has it instead."""
    found = _brief(request, task_id)
    try:
        inbox.stay(found, user=request.user)
    except TaskConflict:
        return _changed(request, task_id) if request.htmx else redirect("humantasks:task", task_id)
    return pulse(request, task_id)


def _brief(request: ReviewerRequest, task_id: UUID) -> HumanTask:
    """What of the task is asked here. One query for whose task it is; 404 as for its page."""
    mine = HumanTask.objects.involving(request.user).filter(pk=task_id)
    found = mine.only(*HumanTask.STATE, "claim_expires_at", "lease_seconds", "ref", "round").first()
    return found or task_for(request, task_id)
