"""What the REST API says of human tasks."""

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
from humantasks import rounds
from humantasks.forms import DecisionForm
from humantasks.models import (
    HumanTask,
    Priority,
    Status,
    TaskAttachment,
    TaskAudit,
    TaskComment,
    TaskDecision,
    TaskDraft,
)
from humantasks.querysets import SEE_DATA
from humantasks.reviews import Quorum
from orchestrator.core.plain import plain

# The people and teams that a task names.
PEOPLE = ("team", "assignee", "owner", "asked_of", "requester", "completed_by")

# Without a name of its own in the description, where runs have a `Status`.
TaskStatus = Annotated[Status, WithJsonSchema({"type": "string", "enum": Status.values})]
DecisionKind = Annotated[
    TaskDecision.Kind, WithJsonSchema({"type": "string", "enum": TaskDecision.Kind.values})
]
CommentKind = Annotated[
    TaskComment.Kind, WithJsonSchema({"type": "string", "enum": TaskComment.Kind.values})
]


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
    owner: str | None = Field(description="Who had it done by the assignee, and is responsible.")
    requester: str | None = Field(description="Who started the run, if that is a user.")
    run_id: UUID
    workflow: str
    data_rev: int = Field(description="Grows when what is judged changes.")
    seq: int = Field(description="Grows with each change.")
    created_at: datetime
    claimed_at: datetime | None
    start_by: datetime | None = Field(description="By when somebody should have begun.")
    due_at: datetime | None
    overdue: bool
    at_risk: bool = Field(description="Due soon: a fifth of its time is left, or less.")
    pause_kind: Literal["info", "snooze"] | None = Field(
        description="info: an answer is waited for. snooze: it was put aside."
    )
    paused_until: datetime | None
    asked_of: str | None = Field(description="The user whose answer is waited for.")
    escalation_level: int
    expires_at: datetime | None = Field(description="When the run stops waiting for it.")
    closed_at: datetime | None
    outcome: str | None
    completed_by: str | None
    round: int = Field(description="One more for each time that it was sent back.")


class Said(BaseModel):
    """What one of several people has said who decide a task together."""

    user: str
    kind: DecisionKind
    round: int
    outcome: str
    data: Any = Field(description="What they have filled in.")
    comment: str
    reason_codes: list[str]
    checked: list[str]
    at: datetime


class Review(BaseModel):
    """How a task stands that several people decide."""

    kind: Literal["four_eyes", "quorum"]
    seat: Literal["taken", "done"] | None = Field(description="Yours in this round.")
    open_seats: int = Field(description="How many are free in this round.")
    votes: int = Field(description="How many there are in this round.")
    needed: int | None = Field(description="How many votes an outcome needs.")
    blind: bool = Field(description="Whether the votes of others are not told yet.")
    said: list[Said] = Field(description="By whom, in their order, in all rounds.")


class File(BaseModel):
    """A file that is part of what is judged. The page of the task hands it out."""

    id: UUID
    name: str
    type: str = Field(examples=["application/pdf"])
    size: int = Field(description="In bytes.")
    sha256: str
    added_by: str
    added_at: datetime


class Task(TaskSummary):
    """A human task with what is judged."""

    payloads: Literal["visible", "hidden"] = Field(
        description="hidden: it is not for you to judge, and you may not see its data."
    )
    data: Any = Field(description="What the workflow handed over.")
    files: list[File] = Field(description="What was attached; without what was replaced.")
    has_draft: bool = Field(description="Whether you have a draft of it.")
    review: Review | None = Field(description="null: one person decides it.")


class Outcome(BaseModel):
    """A way in which a task can end."""

    name: str = Field(examples=["approve"])
    label: str
    positive: bool
    comment: Literal["optional", "required"]
    needs_form: bool = Field(description="Whether `data` has to fit a form.")
    form: dict[str, Any] | None = Field(
        description="JSON Schema of `data` with this outcome, where it has a form of its own."
    )


class Check(BaseModel):
    """What must have been looked at before some of the outcomes."""

    name: str = Field(examples=["id_doc"])
    label: str
    required_for: list[str] = Field(description="The outcomes that need it.")


class Form(BaseModel):
    """What a task asks, and what you may do with it now."""

    form: dict[str, Any] | None = Field(description="JSON Schema of `data`; null: none is asked.")
    outcomes: list[Outcome]
    checklist: list[Check]
    operations: dict[str, str | None] = Field(
        description="The verbs, and `draft`, `comment` and `update`: null if you may, or the code "
        "of the problem that you would get."
    )


class Draft(BaseModel):
    """What you have filled in and not sent. Nobody else sees it."""

    draft_rev: int = Field(description="Counts the saves.")
    data: dict[str, Any]
    comment: str
    saved_at: datetime


class Comment(BaseModel):
    """What somebody has said about a task."""

    id: int
    at: datetime
    user: str
    kind: CommentKind
    text: str


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
    shown: dict[str, Any] = {"payloads": "hidden", "data": None, "files": []}
    sees = may_read(task, user)
    shown["review"] = _review(task, user, sees=sees)
    if sees:
        shown |= {
            "payloads": "visible",
            "data": plain(task.payload.data),
            "files": [
                _file(one)
                for one in task.attachments.filter(superseded_by=None)
                .order_by("seq")
                .select_related("user")
            ],
        }
    return Task.model_validate(_fields(task) | shown | {"has_draft": has_draft})


def _file(attachment: TaskAttachment) -> File:
    return File(
        id=attachment.pk,
        name=attachment.name,
        type=attachment.mime,
        size=attachment.size,
        sha256=attachment.sha256,
        added_by=attachment.user.get_username(),
        added_at=attachment.added_at,
    )


def _review(task: HumanTask, user: User, *, sees: bool) -> Review | None:
    found = rounds.of(task, user, sees=sees)
    if found is None:
        return None
    seat: Any = found.mine.status if found.mine else None
    return Review(
        kind="four_eyes" if found.is_check else "quorum",
        seat=seat,
        open_seats=found.free,
        votes=found.cast,
        needed=found.review.needed if isinstance(found.review, Quorum) else None,
        blind=found.is_blind,
        said=[
            Said(
                user=one.user.get_username(),
                kind=TaskDecision.Kind(one.kind),
                round=one.round,
                outcome=one.outcome,
                data=plain(one.data),
                comment=one.comment,
                reason_codes=one.reason_codes,
                checked=one.checked,
                at=one.decided_at,
            )
            for one in found.said
        ],
    )


def may_read(task: HumanTask, user: User) -> bool:
    """Whether this person may see what is judged, and what was said about it.

    Who was only asked a question may not: the question has to say what they need.
    """
    if user.has_perm(SEE_DATA):
        return True
    return HumanTask.objects.involving(user).filter(pk=task.pk).exists()


def _fields(task: HumanTask) -> dict[str, Any]:
    same = {one: getattr(task, one) for one in TaskSummary.model_fields if hasattr(task, one)}
    return same | {
        "priority": Priority(task.priority).name.lower(),
        "team": task.team.name if task.team else None,
        "assignee": _name(task.assignee),
        "requester": _name(task.requester),
        "completed_by": _name(task.completed_by),
        "owner": _name(task.owner),
        "asked_of": _name(task.asked_of),
        "pause_kind": task.pause_kind or None,
        "overdue": task.is_overdue,
        "at_risk": task.is_at_risk,
        "outcome": task.outcome or None,
    }


def _name(user: User | None) -> str | None:
    return user.get_username() if user else None


def form(task: HumanTask, operations: dict[str, str | None]) -> Form:
    return Form(
        form=task.form_schema,
        outcomes=[
            Outcome(
                name=one.name,
                label=words.shown(one.label),
                positive=one.positive,
                comment=one.comment,
                needs_form=task.form_of(one)[0] is not None,
                form=None if one.form == "task" else task.form_of(one)[0],
            )
            for one in task.outcomes.values()
        ],
        checklist=[
            Check(
                name=one.name,
                label=words.shown(one.label),
                required_for=list(one.required_for or ()),
            )
            for one in task.checklist
        ],
        operations=operations,
    )


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


def comment(said: TaskComment) -> Comment:
    kind, name = TaskComment.Kind(said.kind), said.user.get_username()
    return Comment(id=said.pk, at=said.at, user=name, kind=kind, text=said.text)


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
