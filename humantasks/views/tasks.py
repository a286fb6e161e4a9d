"""One task: its page, taking it, giving it back."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from humantasks import inbox, wording
from humantasks.forms import DecisionForm
from humantasks.inbox import InvalidAnswer, NotEligible, TaskConflict
from humantasks.models import HumanTask, TaskDraft
from humantasks.views import panel, serving
from humantasks.views.common import ReviewerRequest, task_for
from humantasks.views.lists import labels
from humantasks.views.panel import Notice


@login_required
@require_safe
def task(request: ReviewerRequest, task_id: UUID) -> HttpResponse:
    """The page of a task."""
    return panel.show(request, task_for(request, task_id))


@login_required
@require_POST
def claim(request: ReviewerRequest, task_id: UUID) -> HttpResponse:
    """Take the task. A list gets the row back, a page the panel."""
    found = task_for(request, task_id)
    show = _show_row if request.htmx.target == f"task-{found.ref}" else _show_panel
    try:
        inbox.claim(found, user=request.user)
    except TaskConflict as conflict:
        return show(request, found, conflict)
    except NotEligible as refused:
        return refuse(request, found, refused)
    return show(request, found, None)


@login_required
@require_POST
def release(request: ReviewerRequest, task_id: UUID) -> HttpResponse:
    """Give the task back to its team."""
    found = task_for(request, task_id)
    has_draft = _keep_typed(request, found)
    try:
        inbox.release(found, user=request.user, reason=request.POST.get("reason", ""))
    except InvalidAnswer:
        # Its type asks for a reason: the act has a field for it.
        return serving.go(request, reverse("humantasks:act", args=[found.pk, "release"]))
    except TaskConflict as conflict:
        return _show_panel(request, found, conflict)
    given_back = _("Given back to the team.")
    kept = _("Given back to the team. Your draft is kept.")
    return panel.done(request, found, kept if has_draft else given_back)


def _keep_typed(request: ReviewerRequest, found: HumanTask) -> bool:
    """Keep what was typed since the last save, which came along. Whether there is a draft."""
    typed = DecisionForm(found, request.POST).typed
    if "submission_id" in request.POST and any(typed.values()):
        submission_id = panel.submission_id(request)
        inbox.keep_answers(found, user=request.user, data=typed, submission_id=submission_id)
    return TaskDraft.objects.filter(task=found, user=request.user).exists()


def refuse(request: ReviewerRequest, found: HumanTask, refused: NotEligible) -> HttpResponse:
    """403, with the reason."""
    why = wording.refusal(refused)
    response = panel.show(request, found, notice=Notice(why), status=403)
    # htmx shows no page for a 403, and keeps what is on the screen.
    text = f"{why.title}. {why.text}"
    return panel.with_events(response, {"toast": {"text": text, "level": "error"}})


def _show_panel(
    request: ReviewerRequest, found: HumanTask, conflict: TaskConflict | None
) -> HttpResponse:
    if conflict is None:
        return panel.done(request, found, _("Claimed. It is yours until you give it back."))
    now = task_for(request, found.pk)
    return panel.show(request, now, notice=Notice(wording.explain(conflict)), status=409)


def _show_row(
    request: ReviewerRequest, found: HumanTask, conflict: TaskConflict | None
) -> HttpResponse:
    """The row of a list: now mine, or whoever was faster."""
    context = {
        "task": task_for(request, found.pk),
        "list": "queue",
        "labels": labels(),
        "conflict": wording.explain(conflict) if conflict else None,
        "is_claimed_now": conflict is None,
    }
    status = 200 if conflict is None else 409
    response = render(request, "humantasks/_row.html", context, status=status)
    return panel.with_events(response, {"counts-changed": True})
