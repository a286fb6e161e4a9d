"""The form of a task: keeping what is typed, and sending it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from humantasks import inbox, plain, wording
from humantasks.forms import DecisionForm
from humantasks.inbox import Code, InvalidAnswer, NotEligible, TaskConflict
from humantasks.models import HumanTask, Status, TaskDraft
from humantasks.views import panel, serving
from humantasks.views.common import ReviewerRequest, number, task_for
from humantasks.views.panel import Notice
from humantasks.views.tasks import refuse


@login_required
@require_POST
def draft(request: ReviewerRequest, task_id: UUID) -> HttpResponse:
    """Keep what is typed. The page asks for it while somebody types; a button does, too."""
    found = task_for(request, task_id)
    form = DecisionForm(found, request.POST)
    try:
        saved = inbox.save_draft(
            found,
            user=request.user,
            data=form.typed,
            submission_id=panel.submission_id(request),
            # "Keep what is on this page" names the save that it replaces.
            draft_rev=number(request, "overwrite") or number(request, "draft_rev"),
        )
    except TaskConflict as conflict:
        return _draft_conflict(request, found, form, conflict)
    if request.htmx:
        return _saved(request, saved)
    messages.success(request, _("Draft saved."))
    return redirect("humantasks:task", found.pk)


@login_required
@require_POST
def complete(request: ReviewerRequest, task_id: UUID) -> HttpResponse:
    """Decide. 422 with the form for a wrong answer, 409 with the reason for a lost race."""
    found = task_for(request, task_id)
    form = DecisionForm(found, request.POST)
    outcome = request.POST.get("outcome", "")
    if not form.check(outcome):
        if why := inbox.lost(found, user=request.user):
            return conflict(request, found, form, why)
        return panel.show(request, found, form=form, status=422)
    try:
        if "claim" in request.POST:
            inbox.claim(found, user=request.user)
        inbox.complete(
            found,
            user=request.user,
            outcome=outcome,
            data=form.values(outcome),
            comment=form.comment_text,
            reason_codes=form.reason_codes(outcome),
            checked=form.checked,
            submission_id=panel.submission_id(request),
            data_rev=number(request, "data_rev"),
        )
    except InvalidAnswer as invalid:
        form.take(invalid)
        return panel.show(request, found, form=form, status=422)
    except TaskConflict as lost:
        return conflict(request, found, form, lost)
    except NotEligible as refused:
        _keep(request, found, form)
        return refuse(request, found, refused)
    return _sent(request, found, outcome)


def _sent(request: ReviewerRequest, found: HumanTask, outcome: str) -> HttpResponse:
    """It is decided, or proposed: the task as it is now; in Next mode the next one."""
    words = _("Sent: %(outcome)s.")
    if found.status == Status.IN_REVIEW:
        words = _("You have voted: %(outcome)s.")
    elif HumanTask.objects.filter(pk=found.pk, status=Status.IN_REVIEW).exists():
        words = _("Proposed: %(outcome)s. It counts when somebody else has approved it.")
    text = words % {"outcome": plain.shown(found.outcomes[outcome].label)}
    if serving.mode(request):
        messages.success(request, text)
        return serving.onwards(request)
    return panel.done(request, found, text)


@login_required
@require_POST
def changes(request: ReviewerRequest, task_id: UUID) -> HttpResponse:
    """What the person has changed so far in the texts that they edit. Stores nothing."""
    found = task_for(request, task_id)
    form = DecisionForm(found, request.POST)
    if not request.htmx:
        again = DecisionForm(found, draft=form.typed)
        return panel.show(request, found, form=again, shows_changes=True)
    context = {"edited": panel.edited(form)}
    return render(request, "humantasks/_changes.html", context)


@login_required
@require_POST
def preview(request: ReviewerRequest, task_id: UUID) -> HttpResponse:
    """The texts that the person edits as they will look. Stores nothing."""
    found = task_for(request, task_id)
    form = DecisionForm(found, request.POST)
    previews = panel.previews(form)
    if not request.htmx:
        again = DecisionForm(found, draft=form.typed)
        return panel.show(request, found, form=again, previews=previews, shows_preview=True)
    return render(request, "humantasks/_preview.html", {"previews": previews})


@login_required
@require_POST
def fill(request: ReviewerRequest, task_id: UUID) -> HttpResponse:
    """Give the same verdict to each row that has none yet, and keep it as the draft."""
    found = task_for(request, task_id)
    form = DecisionForm(found, request.POST)
    name, _sign, verdict = request.POST.get("fill", "").partition("=")
    typed = form.filled(name, verdict)
    form = DecisionForm(found, draft=typed)
    try:
        saved = inbox.save_draft(
            found,
            user=request.user,
            data=typed,
            submission_id=panel.submission_id(request),
            draft_rev=number(request, "draft_rev"),
        )
    except TaskConflict as conflict:
        return _draft_conflict(request, found, form, conflict)
    if not request.htmx:
        return redirect("humantasks:task", found.pk)
    context = {"draft": saved, "field": form[name] if name in form.fields else None}
    return render(request, "humantasks/_filled.html", context)


def conflict(
    request: ReviewerRequest, found: HumanTask, form: DecisionForm, why: TaskConflict
) -> HttpResponse:
    """409: who was faster, with what the person had typed."""
    is_kept = _keep(request, found, form)
    kept = (
        _("Your answers were not sent. They are kept here, for you alone.")
        if is_kept
        else _("What you sent now was not stored. Here it is once more.")
    )
    notice = Notice(wording.explain(why), kept)
    now = task_for(request, found.pk)
    again = _resend(request, now, form) if why.code == Code.NOT_ASSIGNEE else None
    return panel.show(request, now, form=form, notice=notice, status=409, resend=again)


def _resend(request: ReviewerRequest, now: HumanTask, form: DecisionForm) -> dict[str, Any] | None:
    """What was sent, to be sent again with a claim; None when the task is not to be had."""
    chosen = now.outcomes.get(request.POST.get("outcome", ""))
    if now.status != Status.READY or not now.may_answer or chosen is None:
        return None
    sent = [(name, text) for name, texts in form.typed.items() for text in texts]
    names = ("submission_id", "data_rev", "outcome")
    return {
        "label": plain.shown(chosen.label),
        "sent": [*sent, *((name, request.POST.get(name, "")) for name in names)],
    }


def _keep(request: ReviewerRequest, found: HumanTask, form: DecisionForm) -> bool:
    kept = inbox.keep_answers(
        found,
        user=request.user,
        data=form.typed,
        submission_id=panel.submission_id(request),
    )
    return kept is not None


def _draft_conflict(
    request: ReviewerRequest, found: HumanTask, form: DecisionForm, conflict: TaskConflict
) -> HttpResponse:
    words = _("What is on this page is not saved.")
    if conflict.code != Code.DRAFT_CONFLICT and _keep(request, found, form):
        words = _("What is on this page is kept, for you alone.")
    notice = Notice(wording.explain(conflict), words)
    if not request.htmx:
        now = task_for(request, found.pk)
        return panel.show(request, now, form=form, notice=notice, status=409)
    saved = TaskDraft.objects.filter(task=found, user=request.user).first()
    context = {"task": found, "notice": notice, "saved": saved}
    return render(request, "humantasks/_draft_conflict.html", context, status=409)


def _saved(request: ReviewerRequest, saved: TaskDraft | None) -> HttpResponse:
    """When it was saved. Nothing for a save that came after the form was sent."""
    if saved is None:
        return HttpResponse(status=204)
    return render(request, "humantasks/_saved.html", {"draft": saved})
