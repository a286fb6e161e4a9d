"""What the REST API says of human tasks: shapes, and the problems of who may not or came late."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.contrib.auth.models import User
from django.http import QueryDict
from pydantic import BaseModel, Field, WithJsonSchema

from humantasks import plain as words
from humantasks import wording
from humantasks.forms import DecisionForm
from humantasks.inbox import Code, FieldError, InboxError, InvalidAnswer, NotEligible, TaskConflict
from humantasks.inbox import refusing as refusals
from humantasks.models import HumanTask, Priority, Status, TaskAudit, TaskDraft
from orchestrator.core.plain import plain
from orchestrator.rest import INVALID, Kind, Problem, kind

# ---- shapes ------------------------------------------------------------------------------


# Without a name of its own in the description, where runs have a `Status`.
TaskStatus = Annotated[Status, WithJsonSchema({"type": "string", "enum": Status.values})]


class TaskSummary(BaseModel):
    """A human task as a line of a list."""

    id: UUID
    ref: int = Field(description="What people call it: #1042.")
    type: str = Field(examples=["kyc-review"])
    name: str = Field(description="The name of the wait in the workflow.")
    title: str
    status: TaskStatus
    priority: str = Field(description="low, normal, high or urgent.")
    team: str | None
    assignee: str | None = Field(description="The user who holds it.")
    requester: str | None = Field(description="Who started the run, if that is a user.")
    run_id: UUID
    workflow: str
    data_rev: int = Field(description="Grows when what is judged changes.")
    seq: int = Field(description="Grows with each change.")
    created_at: datetime
    claimed_at: datetime | None
    due_at: datetime | None
    overdue: bool
    expires_at: datetime | None = Field(description="When the run stops waiting for it.")
    closed_at: datetime | None
    outcome: str | None
    completed_by: str | None


class Task(TaskSummary):
    """A human task with what is judged."""

    payloads: Literal["visible", "hidden"] = Field(
        description="hidden: it is not for you to judge, and you may not see its data."
    )
    data: Any = Field(description="What the workflow handed over.")
    has_draft: bool = Field(description="Whether you have a draft of it.")


class Outcome(BaseModel):
    """A way in which a task can end."""

    name: str = Field(examples=["approve"])
    label: str
    positive: bool
    comment: Literal["optional", "required"]
    needs_form: bool = Field(description="Whether `data` has to fit the form.")


class Form(BaseModel):
    """What a task asks, and what you may do with it now."""

    form: dict[str, Any] | None = Field(description="JSON Schema of `data`; null: none is asked.")
    outcomes: list[Outcome]
    operations: dict[str, str | None] = Field(
        description="claim, release, draft and complete: null if you may, or the code of the "
        "problem that you would get."
    )


class Draft(BaseModel):
    """What you have filled in and not sent. Nobody else sees it."""

    draft_rev: int = Field(description="Counts the saves.")
    data: dict[str, Any]
    comment: str
    saved_at: datetime


class AuditEntry(BaseModel):
    """What happened to a task."""

    seq: int
    at: datetime
    actor: str | None = Field(description="null: the engine.")
    verb: str
    from_status: str
    to_status: str
    code: str | None
    reason: str | None = Field(description="null as well when you may not see the task's data.")


def summary(task: HumanTask) -> TaskSummary:
    return TaskSummary.model_validate(_fields(task))


def whole(task: HumanTask, user: User) -> Task:
    has_draft = TaskDraft.objects.filter(task=task, user=user).exists()
    shown: dict[str, Any] = {"payloads": "hidden", "data": None}
    if may_read(task, user):
        shown = {"payloads": "visible", "data": plain(task.payload.data)}
    return Task.model_validate(_fields(task) | shown | {"has_draft": has_draft})


def may_read(task: HumanTask, user: User) -> bool:
    """Whether this person may see what is judged, and what was said about it."""
    return HumanTask.objects.open_to(user).filter(pk=task.pk).exists()


def _fields(task: HumanTask) -> dict[str, Any]:
    same = {one: getattr(task, one) for one in TaskSummary.model_fields if hasattr(task, one)}
    return same | {
        "priority": Priority(task.priority).name.lower(),
        "team": task.team.name if task.team else None,
        "assignee": _name(task.assignee),
        "requester": _name(task.requester),
        "completed_by": _name(task.completed_by),
        "overdue": task.is_overdue,
        "outcome": task.outcome or None,
    }


def _name(user: User | None) -> str | None:
    return user.get_username() if user else None


def form(task: HumanTask, user: User) -> Form:
    return Form(
        form=task.form_schema,
        outcomes=[
            Outcome(
                name=one.name,
                label=words.shown(one.label),
                positive=one.positive,
                comment=one.comment,
                needs_form=one.form is not None and task.form_schema is not None,
            )
            for one in task.outcomes.values()
        ],
        operations=_operations(task, user),
    )


def _operations(task: HumanTask, user: User) -> dict[str, str | None]:
    if task.status == Status.CLAIMED and task.assignee == user:
        held = None
    else:
        held = refusals.conflict(task, user, held=Code.NOT_ASSIGNEE).code.value
    claim: str | None = None
    if refused := refusals.not_eligible(task, user):
        claim = refused.code.value
    elif task.status != Status.READY and held is not None:
        claim = refusals.conflict(task, user).code.value
    return {"claim": claim, "release": held, "draft": held, "complete": held}


def draft(saved: TaskDraft) -> Draft:
    filled = QueryDict(mutable=True)
    for name, texts in saved.data.items():
        filled.setlist(name, texts)
    read = DecisionForm(saved.task, filled)
    read.full_clean()
    # Through JSON: dates and exact decimals as the API takes them.
    data = json.loads(json.dumps(read.values(), default=str))
    return Draft(
        draft_rev=saved.draft_rev, data=data, comment=read.comment_text, saved_at=saved.saved_at
    )


def typed(task: HumanTask, data: Mapping[str, Any], comment: str) -> dict[str, list[str]]:
    """Values as a browser's form would send them, which is how a draft is kept."""
    found = DecisionForm.of_values(task, data).typed
    return found | ({"comment": [comment]} if comment else {})


def audit(entry: TaskAudit, *, sees: bool) -> AuditEntry:
    return AuditEntry(
        seq=entry.seq,
        at=entry.at,
        actor=entry.actor_label or None,
        verb=entry.verb,
        from_status=entry.from_status,
        to_status=entry.to_status,
        code=entry.code or None,
        reason=(entry.reason or None) if sees else None,
    )


# ---- problems ----------------------------------------------------------------------------

UNKNOWN_TASK = kind(
    404,
    "unknown-task",
    "There is no such task",
    "The id is wrong, or it is not for you or your teams.",
)
TASK_CHANGED = kind(
    412, "task-changed", "The task has changed", "It is not what `If-Match` names any more."
)

_TITLES = {
    "already_claimed": "Somebody has claimed the task",
    "not_assignee": "You do not hold the task",
    "stale": "What you judged has changed",
    "already_completed": "The task is completed",
    "withdrawn": "The task was withdrawn",
    "expired": "The time for the task is over",
    "draft_conflict": "Another page of yours has saved a draft since",
    "idempotency_mismatch": "The form was sent before, with another answer",
    "wrong_state": "The task is not in a state for that",
    "not_eligible": "You may not answer the task",
    "sod": "Somebody else must answer the task",
    "claim_limit": "You hold as many tasks as you may",
    "not_lead": "Leads of the team may do this",
    "not_allowed": "Tasks of this type do not allow it",
}
_FORBIDDEN = ("not_eligible", "sod", "claim_limit", "not_lead", "not_allowed")
_KINDS: Mapping[str, Kind] = {
    code.value: kind(
        403 if code in _FORBIDDEN else 409,
        code.value,
        _TITLES[code.value],
        "`detail` says why. Nothing was changed.",
    )
    for code in Code
}


def problem(error: InboxError) -> Problem:
    """Why the inbox refuses, for a program: with the task as it is, and who was faster."""
    if isinstance(error, InvalidAnswer):
        errors: list[Any] = [
            {"loc": ["body", *_place(one)], "msg": one.message, "type": one.type}
            for one in error.errors
        ]
        return Problem(INVALID, str(error), errors=errors)
    assert isinstance(error, TaskConflict | NotEligible)
    more: dict[str, Any] = {"task": _now(error.task)}
    if isinstance(error, TaskConflict):
        told = wording.explain(error)
        more |= {"by": error.by, "at": error.at, "is_me": error.is_me}
    else:
        told = wording.refusal(error)
    return Problem(_KINDS[error.code], f"{told.title}. {told.text}", **more)


def _place(error: FieldError) -> tuple[str | int, ...]:
    return ("outcome",) if error.type == "unknown_outcome" else error.loc


def _now(task: HumanTask | None) -> dict[str, Any] | None:
    return {"id": task.pk, "ref": task.ref, "status": task.status} if task else None
