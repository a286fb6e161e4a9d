"""Taking tasks, filling them in, and ending them."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from django.http import HttpResponse
from ninja.responses import Status as Reply
from pydantic import BaseModel, Field, JsonValue

from humantasks import inbox
from humantasks.answers import MAX_COMMENT
from humantasks.models import HumanTask, TaskDecision, TaskDraft
from humantasks.rest import problems, shapes
from humantasks.rest.common import (
    ACTS,
    READS,
    TAGGED,
    Because,
    IfMatch,
    MaybeWords,
    Name,
    TaskRequest,
    Words,
    act,
    router,
    shown,
    task_of,
    verb,
)
from humantasks.reviews import Quorum
from orchestrator import rest
from orchestrator.core.ids import uuid7
from orchestrator.rest import NoNul, Problem, invalid

SAME = "With one that is known, the first decision stands and is answered."
SEEN = "Of the task as you saw it: what is judged may have changed since."


class Answer(BaseModel, extra="forbid"):
    """How to end a task."""

    outcome: Name = Field(examples=["approve"])
    data: dict[str, JsonValue] | None = Field(None, description="What the form asks.")
    comment: str = Field("", max_length=MAX_COMMENT)
    reason_codes: list[Name] = Field([], max_length=50, description="Those of the outcome.")
    checked: list[Name] = Field(
        [], max_length=50, description="What of the checklist you have looked at, by name."
    )
    submission_id: UUID | None = Field(None, description=SAME)
    data_rev: int | None = Field(None, description=SEEN)


class Next(BaseModel, extra="forbid"):
    """Which task to be given."""

    type: Name | None = Field(None, description="Of this type; null: of any.")


class Release(BaseModel, extra="forbid"):
    """Why a task is given back."""

    reason: Annotated[str, NoNul] = Field("", max_length=MAX_COMMENT)


class PutDraft(BaseModel, extra="forbid"):
    """What is filled in so far."""

    data: dict[str, JsonValue] = {}
    comment: Annotated[str, NoNul] = Field("", max_length=MAX_COMMENT)
    draft_rev: int = Field(
        0, ge=0, lt=2**31, description="Of the draft that you know; 0 for the first."
    )


class Approve(BaseModel, extra="forbid"):
    """What to say to a proposal that counts."""

    comment: MaybeWords = ""
    submission_id: UUID | None = Field(None, description=SAME)
    data_rev: int | None = Field(None, description=SEEN)


class Return(BaseModel, extra="forbid"):
    """What has to change in a proposal."""

    comment: Words
    submission_id: UUID | None = Field(None, description=SAME)
    data_rev: int | None = Field(None, description=SEEN)


class Override(BaseModel, extra="forbid"):
    """How to end a task past its rules."""

    outcome: Name = Field(examples=["approve"])
    reason: Words = Field(description="Stands in the result as its comment, and in the audit.")
    data: dict[str, JsonValue] | None = Field(None, description="What the form asks.")


@router.get("/{uuid:task_id}/draft", response=shapes.Draft, operation_id="get_draft")
@READS
def get_draft(request: TaskRequest, task_id: UUID) -> shapes.Draft:
    """What you have filled in and not sent."""
    mine = TaskDraft.objects.filter(task=task_of(request.user, task_id), user=request.user)
    saved = mine.select_related("task").first()
    if saved is None:
        raise Problem(rest.NOT_FOUND, "You have no draft of this task.")
    return shapes.draft(saved)


@router.put(
    "/{uuid:task_id}/draft", response={200: shapes.Draft, 204: None}, operation_id="put_draft"
)
@ACTS
def put_draft(
    request: TaskRequest, task_id: UUID, wanted: PutDraft, if_match: IfMatch = None
) -> Any:
    """Keep what is filled in so far, of a task that you hold. Its values are not checked yet.

    204, and nothing is kept, if you have answered the task meanwhile.
    """
    found = task_of(request.user, task_id)
    asked = (found.form_schema or {}).get("properties", {})
    for name in wanted.data:
        if name not in asked:
            there = f"It has: {', '.join(asked)}." if asked else "It has none."
            raise invalid(f"the form has no field {name!r}. {there}", "body", "data", name)
    saved = act(
        found,
        if_match,
        lambda: inbox.save_draft(
            found,
            user=request.user,
            data=shapes.typed(found, wanted.data, wanted.comment),
            submission_id=uuid7(),
            draft_rev=wanted.draft_rev,
        ),
    )
    return Reply(204, None) if saved is None else shapes.draft(saved)


@router.post(
    "/next",
    response={200: shapes.Task, 204: None},
    operation_id="claim_next_task",
    openapi_extra=TAGGED,
)
@ACTS
def claim_next_task(
    request: TaskRequest, response: HttpResponse, wanted: Next | None = None
) -> Any:
    """Claim the most pressing task that is free for you. 204: there is none."""
    among = HumanTask.objects.of_type(wanted.type) if wanted and wanted.type else None
    found = act(None, None, lambda: inbox.claim_next(user=request.user, among=among))
    return Reply(204, None) if found is None else shown(request, found.pk, response)


@verb("claim", "claim_task")
def claim_task(
    request: TaskRequest, task_id: UUID, response: HttpResponse, if_match: IfMatch = None
) -> shapes.Task:
    """Make a task yours. Who has it already keeps it."""
    found = task_of(request.user, task_id)
    act(found, if_match, lambda: inbox.claim(found, user=request.user))
    return shown(request, task_id, response)


@verb("release", "release_task")
def release_task(
    request: TaskRequest,
    task_id: UUID,
    response: HttpResponse,
    wanted: Release | None = None,
    if_match: IfMatch = None,
) -> shapes.Task:
    """Give a task back to its team. Your draft stays yours."""
    found, reason = task_of(request.user, task_id), wanted.reason if wanted else ""
    act(found, if_match, lambda: inbox.release(found, user=request.user, reason=reason))
    return shown(request, task_id, response)


@verb("complete", "complete_task")
def complete_task(
    request: TaskRequest,
    task_id: UUID,
    wanted: Answer,
    response: HttpResponse,
    if_match: IfMatch = None,
) -> shapes.Task:
    """Answer a task that you hold, and let the run that asked go on. Where somebody else has to
    check it, or others vote as well, the run waits on.
    """
    found = task_of(request.user, task_id)
    act(found, if_match, lambda: _answer(found, request, wanted))
    return shown(request, task_id, response)


@verb("vote", "vote_on_task")
def vote_on_task(
    request: TaskRequest,
    task_id: UUID,
    wanted: Answer,
    response: HttpResponse,
    if_match: IfMatch = None,
) -> shapes.Task:
    """Vote on a task that several people decide, from the seat that you have claimed. Until the
    end you may change your vote, if its type lets you.
    """
    found = task_of(request.user, task_id)
    if not isinstance(found.review, Quorum):
        raise Problem(problems.NO_VOTE)
    act(found, if_match, lambda: _answer(found, request, wanted))
    return shown(request, task_id, response)


def _answer(task: HumanTask, request: TaskRequest, wanted: Answer) -> TaskDecision:
    return inbox.complete(
        task,
        user=request.user,
        outcome=wanted.outcome,
        data=wanted.data,
        comment=wanted.comment,
        reason_codes=wanted.reason_codes,
        checked=wanted.checked,
        submission_id=wanted.submission_id,
        data_rev=wanted.data_rev,
    )


@verb("approve", "approve_proposal")
def approve_proposal(
    request: TaskRequest,
    task_id: UUID,
    response: HttpResponse,
    wanted: Approve | None = None,
    if_match: IfMatch = None,
) -> shapes.Task:
    """Let a proposal count that somebody else has made. You have claimed the check before."""
    found, said = task_of(request.user, task_id), wanted.model_dump() if wanted else {}
    act(found, if_match, lambda: inbox.approve(found, user=request.user, **said))
    return shown(request, task_id, response)


@verb("return", "return_proposal")
def return_proposal(
    request: TaskRequest,
    task_id: UUID,
    wanted: Return,
    response: HttpResponse,
    if_match: IfMatch = None,
) -> shapes.Task:
    """Send a proposal back to who has made it, for another round. You have claimed the check
    before.
    """
    found, said = task_of(request.user, task_id), wanted.model_dump()
    act(found, if_match, lambda: inbox.return_proposal(found, user=request.user, **said))
    return shown(request, task_id, response)


@verb("fail", "fail_task")
def fail_task(
    request: TaskRequest,
    task_id: UUID,
    wanted: Because,
    response: HttpResponse,
    if_match: IfMatch = None,
) -> shapes.Task:
    """Say that a task that you hold cannot be done: the workflow gets an error with the reason."""
    found = task_of(request.user, task_id)
    act(found, if_match, lambda: inbox.fail(found, user=request.user, reason=wanted.reason))
    return shown(request, task_id, response)


@verb("skip", "skip_task")
def skip_task(
    request: TaskRequest,
    task_id: UUID,
    wanted: Because,
    response: HttpResponse,
    if_match: IfMatch = None,
) -> shapes.Task:
    """Decide that a task need not be done: its run goes on. For operators, and for leads of its
    team if its type is skippable.
    """
    found = task_of(request.user, task_id)
    act(found, if_match, lambda: inbox.skip(found, user=request.user, reason=wanted.reason))
    return shown(request, task_id, response)


@verb("override", "override_task")
def override_task(
    request: TaskRequest,
    task_id: UUID,
    wanted: Override,
    response: HttpResponse,
    if_match: IfMatch = None,
) -> shapes.Task:
    """Decide an open task past its rules, whoever holds it; its result says so. Needs the
    permission `humantasks.override_task`.
    """
    found = task_of(request.user, task_id)
    act(
        found,
        if_match,
        lambda: inbox.override(
            found,
            user=request.user,
            outcome=wanted.outcome,
            reason=wanted.reason,
            data=wanted.data,
        ),
    )
    return shown(request, task_id, response)
