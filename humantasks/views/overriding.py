"""Deciding past the rules: a page of its own, for who has the permission, with a reason."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from humantasks import access, inbox, wording
from humantasks.forms import DecisionForm
from humantasks.inbox import Code, InvalidAnswer, NotEligible, TaskConflict
from humantasks.models import HumanTask
from humantasks.views import panel
from humantasks.views.common import ReviewerRequest, task_for
from humantasks.views.panel import Notice
from humantasks.views.tasks import refuse


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def override(request: ReviewerRequest, task_id: UUID) -> HttpResponse:
    """Ask how it is decided, and why (GET); or decide (POST). 403 without the permission."""
    task = task_for(request, task_id)
    if not access.may_override(request.user):
        return refuse(request, task, NotEligible(Code.NOT_ALLOWED, task))
    if request.method == "POST":
        return _decide(request, task)
    if not task.is_open:
        messages.info(request, _("This task has ended."))
        return redirect("humantasks:task", task.pk)
    return _show(request, task, _form(task))


def _form(task: HumanTask, data: QueryDict | None = None) -> DecisionForm:
    """The task's form, whose comment is the reason."""
    form = DecisionForm(task, data)
    comment = form.fields["comment"]
    comment.label, comment.required = _("Reason"), True
    comment.error_messages["required"] = _("Say why you decide past the rules")
    comment.help_text = _("It is kept with the decision, for whoever asks later.")
    return form


def _decide(request: ReviewerRequest, task: HumanTask) -> HttpResponse:
    form, outcome = _form(task, request.POST), request.POST.get("outcome", "")
    form.parse(outcome)
    if form.errors:
        return _show(request, task, form, status=422)
    try:
        inbox.override(
            task,
            user=request.user,
            outcome=outcome,
            reason=form.comment_text,
            data=form.values(outcome),
        )
    except InvalidAnswer as invalid:
        form.take(invalid)
        return _show(request, task, form, status=422)
    except NotEligible as refused:
        return refuse(request, task, refused)
    except TaskConflict as conflict:
        notice = Notice(wording.explain(conflict))
        return panel.show(request, task_for(request, task.pk), notice=notice, status=409)
    messages.success(request, _("Decided past the rules. The result says so."))
    return redirect("humantasks:task", task.pk)


def _show(
    request: ReviewerRequest, task: HumanTask, form: DecisionForm, *, status: int = 200
) -> HttpResponse:
    context = panel.judged(task, request.user) | {
        "task": task,
        "form": form,
        "outcomes": panel.outcomes(task, form),
        "may_attach": False,
    }
    return render(request, "humantasks/override.html", context, status=status)
