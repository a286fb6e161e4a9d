"""The acts on a task, one at a time: the question, and the deed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from humantasks import inbox, wording
from humantasks.inbox import InvalidAnswer, NotEligible, TaskConflict
from humantasks.models import HumanTask
from humantasks.views import panel, serving
from humantasks.views.act_forms import ActForm
from humantasks.views.acts import ACTS, Act, offered
from humantasks.views.common import ReviewerRequest, task_for
from humantasks.views.panel import Notice
from humantasks.views.tasks import refuse


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def act(request: ReviewerRequest, task_id: UUID, act: str) -> HttpResponse:
    """Ask (GET), or do it (POST). 404 for an act that there is not."""
    if act not in ACTS:
        raise Http404("no such act")
    found, wanted = task_for(request, task_id), ACTS[act]
    if request.method == "POST":
        return _do(request, found, wanted)
    if wanted not in offered(found, request.user):
        return _not_now(request, found)
    return _ask(request, found, wanted, wanted.form(found, request.user))


def _ask(
    request: ReviewerRequest, task: HumanTask, wanted: Act, form: ActForm, *, status: int = 200
) -> HttpResponse:
    name = "_confirm" if request.htmx else "confirm"
    action = reverse("humantasks:act", args=[task.pk, wanted.name])
    context = {
        "title": f"{str(wanted.label).rstrip('…')} · #{task.ref} {task.title}",
        "text": wanted.text,
        "action": serving.with_mode(request, action),
        "verb": wanted.verb,
        "back": serving.with_mode(request, reverse("humantasks:task", args=[task.pk])),
        "danger": wanted.is_danger,
        "form": form,
    }
    return render(request, f"orchestrator/{name}.html", context, status=status)


def _do(request: ReviewerRequest, task: HumanTask, wanted: Act) -> HttpResponse:
    form = wanted.form(task, request.user, request.POST)
    if not form.is_valid():
        return _ask(request, task, wanted, form, status=422)
    try:
        wanted.do(task, user=request.user, **form.cleaned_data)
    except InvalidAnswer as invalid:
        form.take(invalid)
        return _ask(request, task, wanted, form, status=422)
    except TaskConflict as conflict:
        return _changed(request, task, conflict)
    except NotEligible as refused:
        return refuse(request, task_for(request, task.pk), refused)
    messages.success(request, str(wanted.done))
    if wanted.leaves:
        return serving.onwards(request)
    return serving.go(request, reverse("humantasks:task", args=[task.pk]))


def _not_now(request: ReviewerRequest, task: HumanTask) -> HttpResponse:
    """The act was offered on an older page, or never: back to the task as it is."""
    messages.info(request, _("This cannot be done with the task as it is now."))
    return serving.go(request, reverse("humantasks:task", args=[task.pk]))


def _changed(request: ReviewerRequest, task: HumanTask, conflict: TaskConflict) -> HttpResponse:
    """Somebody was faster. A dialog says so in its place, a page shows the task as it is."""
    why = wording.explain(conflict)
    if not request.htmx:
        now = task_for(request, task.pk)
        return panel.show(request, now, notice=Notice(why), status=409)
    context: dict[str, Any] = {
        "title": why.title,
        "text": why.text,
        "href": serving.with_mode(request, reverse("humantasks:task", args=[task.pk])),
    }
    return render(request, "humantasks/_too_late.html", context, status=409)


@login_required
@require_POST
def comment(request: ReviewerRequest, task_id: UUID) -> HttpResponse:
    """Say something about a task; or answer the question that one was asked."""
    found = task_for(request, task_id)
    text, name = request.POST.get("text", ""), panel.submission_id(request)
    is_answer = "answer" in request.POST
    say = inbox.answer_info if is_answer else inbox.comment
    try:
        say(found, user=request.user, text=text, submission_id=name)
    except InvalidAnswer as invalid:
        return panel.comments(request, found, text=text, problem=invalid.errors[0].message)
    except TaskConflict as conflict:
        notice = Notice(wording.explain(conflict))
        now = task_for(request, found.pk)
        return panel.comments(request, now, text=text, notice=notice)
    except NotEligible as refused:
        return refuse(request, found, refused)
    if is_answer:
        return _answered(request, found)
    if request.htmx:
        return panel.comments(request, task_for(request, found.pk))
    return redirect(f"{reverse('humantasks:task', args=[found.pk])}#comments")


def _answered(request: ReviewerRequest, task: HumanTask) -> HttpResponse:
    """Who was asked may not see the task any more."""
    messages.success(request, str(panel.ANSWERED))
    is_visible = HumanTask.objects.visible_to(request.user).filter(pk=task.pk).exists()
    name = "humantasks:task" if is_visible else "humantasks:my_work"
    return serving.go(request, reverse(name, args=[task.pk] if is_visible else []))
