"""The panel of one task: what its part `_task.html` shows, in every state of the task."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.template.loader import select_template

from humantasks import evidence, plain, wording
from humantasks.checks import ui_template
from humantasks.forms import DecisionForm
from humantasks.models import HumanTask, Status, TaskDecision, TaskDraft
from humantasks.views.common import ReviewerRequest, page, task_for
from humantasks.wording import Explanation

SEE_DATA = "humantasks.view_taskpayload"


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
    notice: Notice | None = None,
    status: int = 200,
    attend: bool = False,
) -> HttpResponse:
    """Render the task as it is. `form` holds what was just sent; `attend` moves the focus."""
    mine = task.status == Status.CLAIMED and task.assignee == request.user
    draft = TaskDraft.objects.filter(task=task, user=request.user).first()
    context: dict[str, Any] = {
        "task": task,
        "mine": mine,
        "notice": notice,
        "attend": attend,
        "page_template": select_template([ui_template(task.ui), ui_template("form")]),
        "history": wording.history(task),
        **_evidence(request, task),
        **_decision(request, task),
        **_claiming(request, task),
    }
    if mine:
        context |= _filling_in(request, task, form, draft)
    elif form is not None or draft is not None:
        typed = form.typed if form is not None else draft.data if draft else {}
        context["kept"] = DecisionForm(task).describe(typed)
    return page(request, "task", context, status=status)


def done(request: ReviewerRequest, task: HumanTask, text: str) -> HttpResponse:
    """What follows a verb that has worked: the panel and a toast, or the page again."""
    if not request.htmx:
        messages.success(request, text)
        return redirect("humantasks:task", task.pk)
    response = show(request, task_for(request, task.pk), attend=True)
    return with_events(response, {"toast": text, "counts-changed": True})


def with_events(response: HttpResponse, events: dict[str, Any]) -> HttpResponse:
    response.headers["HX-Trigger"] = json.dumps(events)
    return response


def submission_id(request: ReviewerRequest) -> UUID:
    """The name of the form that was sent; a new one when it has none."""
    try:
        return UUID(request.POST.get("submission_id", ""))
    except ValueError:
        return uuid4()


def _filling_in(
    request: ReviewerRequest, task: HumanTask, form: DecisionForm | None, draft: TaskDraft | None
) -> dict[str, Any]:
    return {
        "form": form or DecisionForm(task, draft=draft.data if draft else None),
        "submission_id": submission_id(request),
        "draft": draft,
        "outcomes": _outcomes(task),
    }


def _outcomes(task: HumanTask) -> list[dict[str, Any]]:
    """The buttons: what stands on them, and how they look."""
    return [
        {"name": one.name, "label": plain.shown(one.label), "style": one.style, "outcome": one}
        for one in task.outcomes.values()
    ]


def _evidence(request: ReviewerRequest, task: HumanTask) -> dict[str, Any]:
    """The evidence, for those who judge and for those who may see every task's data."""
    if not may_see_data(request, task):
        return {"is_hidden": True}
    return {"evidence": evidence.of_text(task.payload.data)}


def may_see_data(request: ReviewerRequest, task: HumanTask) -> bool:
    if request.user.has_perm(SEE_DATA):
        return True
    return HumanTask.objects.involving(request.user).filter(pk=task.pk).exists()


def _decision(request: ReviewerRequest, task: HumanTask) -> dict[str, Any]:
    if task.status != Status.COMPLETED:
        return {}
    decision = TaskDecision.objects.filter(task=task).order_by("-decided_at").first()
    if decision is None:
        return {}
    outcome = task.outcomes.get(decision.outcome)
    found: dict[str, Any] = {
        "decision": decision,
        "decided": task.outcome_label,
        "is_positive": outcome is not None and outcome.positive,
        "next_task": _next_for(request),
    }
    if decision.data != "null" and may_see_data(request, task):
        found["answer"] = evidence.of_text(decision.data)
    return found


def _claiming(request: ReviewerRequest, task: HumanTask) -> dict[str, Any]:
    """Whether the reader may take the task, and why not."""
    if task.status != Status.READY:
        return {}
    if HumanTask.objects.answerable_by(request.user).filter(pk=task.pk).exists():
        return {"may_claim": True, "form": DecisionForm(task), "outcomes": _outcomes(task)}
    return {"why_not": wording.why_not(task)}


def _next_for(request: ReviewerRequest) -> HumanTask | None:
    """What to do next: first what I have, then what is free."""
    mine = HumanTask.objects.my_work(request.user).most_pressing_first().first()
    if mine is not None:
        return mine
    free = HumanTask.objects.queue_of(request.user).answerable_by(request.user)
    return free.most_pressing_first().first()
