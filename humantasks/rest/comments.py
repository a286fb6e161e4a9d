"""What people say about a task, and the questions that they ask each other."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from ninja.responses import Status as Reply
from pydantic import BaseModel, Field

from humantasks import inbox
from humantasks.models import HumanTask, TaskComment
from humantasks.rest import people, shapes
from humantasks.rest.common import (
    ACTS,
    READS,
    IfMatch,
    Name,
    TaskRequest,
    Words,
    act,
    router,
    shown,
    task_of,
    verb,
)
from orchestrator import rest
from orchestrator.rest import Cursor, Limit, Page

SAME = "With one that is known, what was said first stands."


class Say(BaseModel, extra="forbid"):
    """What to say."""

    text: Words
    submission_id: UUID | None = Field(None, description=SAME)


class Ask(BaseModel, extra="forbid"):
    """What to ask, and whom."""

    question: Words
    of: Name | None = Field(
        None, description="A user name; null: who started the run.", examples=["carol"]
    )


@router.get(
    "/{uuid:task_id}/comments", response=Page[shapes.Comment], operation_id="list_task_comments"
)
@READS
def list_task_comments(
    request: TaskRequest, task_id: UUID, cursor: Cursor = None, limit: Limit = 100
) -> Page[shapes.Comment]:
    """What was said about a task, in order. Who may not see its data, but was asked a question,
    gets that.
    """
    first, task = rest.number("task_comments", cursor), task_of(request.user, task_id)
    said = task.comments.select_related("user").order_by("id")
    if not task.sees_data:
        said = said.filter(pk__in=_question(task, request.user))
    found = list(said.filter(pk__gte=first)[: limit + 1])
    following = found[limit].pk if len(found) > limit else None
    return Page(
        items=[shapes.comment(one) for one in found[:limit]],
        next_cursor=rest.cursor("task_comments", following),
    )


@router.post(
    "/{uuid:task_id}/comments", response={201: shapes.Comment}, operation_id="comment_on_task"
)
@ACTS
def comment_on_task(
    request: TaskRequest, task_id: UUID, wanted: Say, if_match: IfMatch = None
) -> Any:
    """Say something about a task, also after it has ended. What is judged stays as it is."""
    found, name = task_of(request.user, task_id), wanted.submission_id
    made = act(
        found,
        if_match,
        lambda: inbox.comment(found, user=request.user, text=wanted.text, submission_id=name),
    )
    return Reply(201, shapes.comment(made))


@verb("request-info", "request_task_info")
def request_task_info(
    request: TaskRequest,
    task_id: UUID,
    wanted: Ask,
    response: HttpResponse,
    if_match: IfMatch = None,
) -> shapes.Task:
    """Ask somebody a question about a task that you hold. It waits for the answer, and its clock
    stands still.
    """
    found = task_of(request.user, task_id)
    asked = None if wanted.of is None else people.to_ask(found, wanted.of)
    act(
        found,
        if_match,
        lambda: inbox.request_info(found, user=request.user, question=wanted.question, of=asked),
    )
    return shown(request, task_id, response)


@verb("answer", "answer_task_question")
def answer_task_question(
    request: TaskRequest,
    task_id: UUID,
    wanted: Say,
    response: HttpResponse,
    if_match: IfMatch = None,
) -> shapes.Task:
    """Answer the question that a task waits for: it goes on with who asked. For who was asked,
    and for leads of its team.
    """
    found, name = task_of(request.user, task_id), wanted.submission_id
    act(
        found,
        if_match,
        lambda: inbox.answer_info(found, user=request.user, text=wanted.text, submission_id=name),
    )
    return shown(request, task_id, response)


@verb("withdraw-question", "withdraw_task_question")
def withdraw_task_question(
    request: TaskRequest, task_id: UUID, response: HttpResponse, if_match: IfMatch = None
) -> shapes.Task:
    """Go on with a task without the answer that it waits for."""
    found = task_of(request.user, task_id)
    act(found, if_match, lambda: inbox.withdraw_question(found, user=request.user))
    return shown(request, task_id, response)


def _question(task: HumanTask, user: Any) -> list[int]:
    """The question that this person is asked."""
    asked = task.comments.filter(kind=TaskComment.Kind.QUESTION).order_by("-id")
    is_asked = task.asked_of_id == user.pk
    return list(asked.values_list("pk", flat=True)[:1]) if is_asked else []
