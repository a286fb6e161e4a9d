"""The panel of one task: what its part `_task.html` shows, in every state of the task."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.contrib.auth.models import User
from django.forms import BoundField, Form
from django.http import HttpResponse
from django.shortcuts import render
from django.template.loader import select_template
from django.urls import reverse
from django.utils.translation import gettext_lazy

from humantasks import (
    access,
    comparing,
    diffs,
    evidence,
    fields,
    files,
    history,
    markdown,
    plain,
    presence,
    rounds,
    rows,
    wording,
)
from humantasks.checks import ui_template
from humantasks.definitions import Outcome
from humantasks.forms import DecisionForm
from humantasks.models import HumanTask, Status, TaskComment, TaskDecision, TaskDraft
from humantasks.views import acts, reviewing, serving
from humantasks.views.common import ReviewerRequest, page, task_for
from humantasks.wording import Explanation

ANSWERED = gettext_lazy("Your answer is on its way.")


@dataclass(frozen=True, slots=True)
class Notice:
    """What went wrong, and what became of the reader's work."""

    explanation: Explanation
    kept: str = ""


def show(
    request: ReviewerRequest,
    task: HumanTask,
    *,
    form: DecisionForm | None = None,
    check: Form | None = None,
    notice: Notice | None = None,
    status: int = 200,
    attend: bool = False,
    **further: Any,
) -> HttpResponse:
    """Render the task as it is. `form` or `check` holds what was just sent; `attend` moves the
    focus.
    """
    standing = rounds.of(task, request.user, sees=task.sees_data)
    mine = _is_mine(request, task, standing)
    draft = TaskDraft.objects.filter(task=task, user=request.user).first()
    context: dict[str, Any] = {
        "task": task,
        "mine": mine,
        "notice": notice,
        "attend": attend,
        "page_template": select_template([ui_template(task.ui), ui_template("form")]),
        "history": history.of(task),
        **judged(task, request.user),
        **_decision(request, task),
        **_claiming(request, task),
        **reviewing.of(task, standing, mine=mine),
        **presence.of_task(task, request.user),
        **further,
    }
    context |= _people(request, task)
    if notice is not None:
        context["next_task"] = _next_for(request)
    if mine:
        context |= _filling_in(request, task, form, draft)
    elif context.get("sits"):
        context |= {
            "check": check or reviewing.check_form(draft),
            "submission_id": submission_id(request),
            "draft": draft,
        }
    elif form is not None or draft is not None:
        typed = form.typed if form is not None else draft.data if draft else {}
        context["kept"] = DecisionForm(task).describe(typed)
    response = page(request, "task", context, status=status)
    # Who was slower has old numbers in the navigation.
    return with_events(response, {"counts-changed": True}) if notice else response


def _is_mine(request: ReviewerRequest, task: HumanTask, standing: rounds.Standing | None) -> bool:
    """Whether the reader fills in the form: they hold the task, or vote on it."""
    if task.status != Status.IN_REVIEW:
        return task.status == Status.CLAIMED and task.assignee == request.user
    if standing is None or standing.is_check:
        return False
    return standing.sits or (standing.may_change and "change" in request.GET)


def done(request: ReviewerRequest, task: HumanTask, text: str) -> HttpResponse:
    """What follows a verb that has worked: the panel and a toast, or the page again."""
    if not request.htmx:
        messages.success(request, text)
        return serving.go(request, reverse("humantasks:task", args=[task.pk]))
    response = show(request, task_for(request, task.pk), attend=True)
    return with_events(response, {"toast": text, "counts-changed": True})


def with_events(response: HttpResponse, events: dict[str, Any]) -> HttpResponse:
    known = json.loads(response.headers.get("HX-Trigger", "{}"))
    response.headers["HX-Trigger"] = json.dumps(known | events)
    return response


def submission_id(request: ReviewerRequest) -> UUID:
    """The name of the form that was sent; a new one when it has none."""
    return uuid_of(request.POST.get("submission_id", "")) or uuid4()


def uuid_of(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _filling_in(
    request: ReviewerRequest, task: HumanTask, form: DecisionForm | None, draft: TaskDraft | None
) -> dict[str, Any]:
    form = form or DecisionForm(task, draft=draft.data if draft else None)
    return {
        "form": form,
        "submission_id": submission_id(request),
        "draft": draft,
        "outcomes": outcomes(task, form),
        "edited": (changed := edited(form)),
        "has_markdown": any(one["is_markdown"] for one in changed),
    }


def edited(form: DecisionForm) -> list[dict[str, Any]]:
    """The texts that are edited, each with what has changed in it so far."""
    return [
        {
            "name": one.field.label,
            "changes": diffs.changes(one.before, one.now),
            "words": diffs.count(one.now),
            "is_markdown": one.is_markdown,
        }
        for one in form.edited()
    ]


def previews(form: DecisionForm) -> list[dict[str, Any]]:
    """The edited texts in Markdown as they will look."""
    return [
        {"name": one.field.label, "html": markdown.rendered(one.now)}
        for one in form.edited()
        if one.is_markdown
    ]


def outcomes(task: HumanTask, form: DecisionForm) -> list[dict[str, Any]]:
    """The buttons: what stands on them, and how they look."""
    return [
        {
            "name": one.name,
            "label": plain.shown(one.label),
            "style": one.style,
            "outcome": one,
            **_panel_of(one, form),
        }
        for one in task.outcomes.values()
    ]


def _panel_of(outcome: Outcome, form: DecisionForm) -> dict[str, Any]:
    """What an outcome alone asks; it unfolds above the button, and stands open when filled in."""
    reasons, groups = form.reasons_of(outcome.name), form.groups_of(outcome.name)
    asked = [field for group in groups for field in group.fields]
    asked += [reasons] if reasons else []
    return {
        "reasons": reasons,
        "groups": groups,
        "has_panel": bool(asked),
        "is_open": any(map(_is_touched, asked)),
    }


def _is_touched(field: BoundField) -> bool:
    """Whether somebody has filled it in; a default that stands in it does not count."""
    first = field.field.prepare_value(field.field.initial)
    return bool(field.errors) or str(field.value() or "") != str(first or "")


def _people(request: ReviewerRequest, task: HumanTask) -> dict[str, Any]:
    """What can be done with the task beside answering it, and what was said about it."""
    situation = acts.Situation(task, request.user)
    all_acts = acts.offered(task, request.user) if task.is_open else []
    now = serving.mode(request)
    return {
        "acts": [act for act in all_acts if not act.is_first],
        "first_acts": [act for act in all_acts if act.is_first],
        "may_override": task.is_open and access.may_override(request.user),
        "is_asked": situation.is_asked,
        "mode": now,
        "progress": serving.progress(request) if now else None,
        **said(request, task),
    }


def said(request: ReviewerRequest, task: HumanTask) -> dict[str, Any]:
    """The comments, for those who may see them; the one who is asked sees the question alone."""
    found = task.comments.select_related("user").order_by("at", "id")
    if task.sees_data:
        return {"comments": list(found), "may_comment": True, "comment_id": uuid4()}
    asked = [one for one in found if one.kind == TaskComment.Kind.QUESTION][-1:]
    is_asked = task.asked_of_id == request.user.pk
    return {"comments": asked if is_asked else [], "comment_id": uuid4()}


def comments(
    request: ReviewerRequest,
    task: HumanTask,
    *,
    text: str = "",
    problem: str = "",
    notice: Notice | None = None,
) -> HttpResponse:
    """The comments anew; with what was typed when it could not be said."""
    status = 409 if notice else 422 if problem else 200
    typed: dict[str, Any] = {"comment_text": text, "comment_problem": problem}
    if not request.htmx:
        return show(request, task, notice=notice, status=status, **typed)
    context = {"task": task, "notice": notice, **typed, **_people(request, task)}
    return render(request, "humantasks/_comments.html", context, status=status)


def judged(task: HumanTask, reader: User) -> dict[str, Any]:
    """What is judged: the data and the files, as far as the reader may see them."""
    return {**_evidence(task), **files.of_task(task, reader)}


def _evidence(task: HumanTask) -> dict[str, Any]:
    """The evidence, for those who judge and for those who may see every task's data."""
    if not task.sees_data:
        return {"is_hidden": True}
    if task.payload.removed_at is not None:
        return {"is_removed": True}
    stored = json.loads(task.payload.data)
    outcome = task.outcomes.get(task.outcome)
    if task.is_open or (outcome is not None and outcome.form == "task"):
        # They stand in the form, or in the answer.
        stored = rows.without_tables(stored, fields.of_schema(task.form_schema))
    compared = comparing.of_text(task.payload.data) if task.ui == "evidence-review" else []
    if compared:
        stored = comparing.without_both(stored)
    return {
        "evidence": evidence.of_value(stored),
        "comparison": compared,
        "differences": comparing.count_differences(compared),
    }


def _decision(request: ReviewerRequest, task: HumanTask) -> dict[str, Any]:
    if task.status != Status.COMPLETED:
        return {}
    # What was said by whom it counts for; a check says nothing of its own.
    counts = TaskDecision.objects.filter(
        task=task, user=task.completed_by, superseded_at=None
    ).exclude(kind__in=[TaskDecision.Kind.APPROVAL, TaskDecision.Kind.RETURN])
    decision = counts.select_related("user").order_by("-id").first()
    if decision is None:
        return {}
    outcome = task.outcomes.get(task.outcome)
    found: dict[str, Any] = {
        "decision": decision,
        "decided": task.outcome_label,
        "is_positive": outcome is not None and outcome.positive,
        "reasons": reviewing.reasons(outcome, decision),
        "checked": [
            plain.shown(one.label) for one in task.checklist if one.name in decision.checked
        ],
        "next_task": _next_for(request),
    }
    if decision.outcome == task.outcome and decision.data != "null" and task.sees_data:
        found |= _answer(task, outcome, json.loads(decision.data))
        found["was_edited"] = reviewing.was_edited(task, decision)
    return found


def _answer(task: HumanTask, outcome: Outcome | None, stored: Any) -> dict[str, Any]:
    """What was filled in; tables that were judged row by row as tables."""
    asked = fields.of_schema(task.form_of(outcome)[0] if outcome else None)
    tables = rows.judged(task, asked, evidence.plain_of(stored))
    rest = rows.without(stored, {one.path[0] for one in asked if one.kind == "rows"})
    return {"answer": evidence.of_value(rest), "judged_tables": tables}


def _claiming(request: ReviewerRequest, task: HumanTask) -> dict[str, Any]:
    """Whether the reader may take the task, and why not."""
    if task.status != Status.READY:
        return {}
    if task.may_answer:
        return {"may_claim": True, "form": DecisionForm(task)}
    return {"why_not": wording.why_not(task)}


def _next_for(request: ReviewerRequest) -> HumanTask | None:
    """What to do next: first what I have, then what is free."""
    mine = HumanTask.objects.my_work(request.user).most_pressing_first().first()
    if mine is not None:
        return mine
    free = HumanTask.objects.free_for(request.user)
    return free.most_pressing_first().first()
