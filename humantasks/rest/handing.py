"""Handing tasks on, putting them aside, and changing how pressing they are."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.http import HttpResponse
from pydantic import BaseModel, Field

from humantasks import inbox
from humantasks.asking import PRIORITIES, Priority
from humantasks.models import HumanTask
from humantasks.rest import people, shapes
from humantasks.rest.common import (
    ACTS,
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
from orchestrator.rest import Instant


class ToPerson(BaseModel, extra="forbid"):
    """To whom a task goes."""

    to: Name = Field(description="The user name of somebody who may answer it.", examples=["bob"])
    note: MaybeWords = Field("", description="Kept in the audit.")


class ToTeam(BaseModel, extra="forbid"):
    """To which team a task goes."""

    to: Name = Field(description="The name of a team that has members.", examples=["editors"])
    note: MaybeWords = Field("", description="Kept in the audit.")


class Snooze(BaseModel, extra="forbid"):
    """For how long a task is put aside."""

    until: Instant


class Note(BaseModel, extra="forbid"):
    """Why it is done."""

    note: Words


class MaybeBecause(BaseModel, extra="forbid"):
    """Why it is done, if you want to say."""

    reason: MaybeWords = ""


class Update(BaseModel, extra="forbid"):
    """What to change. What is left out stays as it is."""

    priority: Priority | None = Field(None, description="null: as it is.")
    due_at: Instant | None = Field(None, description="null: it is never due.")
    reason: MaybeWords = Field("", description="Needed for a later due time, and for none.")


@verb("assign", "assign_task")
def assign_task(
    request: TaskRequest,
    task_id: UUID,
    wanted: ToPerson,
    response: HttpResponse,
    if_match: IfMatch = None,
) -> shapes.Task:
    """Give an open task to somebody, whoever has it now. For leads; for who holds it, if its type
    is transferable.
    """
    found = task_of(request.user, task_id)
    to, note = people.to_answer(found, wanted.to), wanted.note
    act(found, if_match, lambda: inbox.assign(found, user=request.user, to=to, note=note))
    return shown(request, task_id, response)


@verb("delegate", "delegate_task")
def delegate_task(
    request: TaskRequest,
    task_id: UUID,
    wanted: ToPerson,
    response: HttpResponse,
    if_match: IfMatch = None,
) -> shapes.Task:
    """Have somebody work on a task that you hold. You stay responsible: given back, it is yours
    again, and the result names both.
    """
    found = task_of(request.user, task_id)
    to, note = people.to_answer(found, wanted.to), wanted.note
    act(found, if_match, lambda: inbox.delegate(found, user=request.user, to=to, note=note))
    return shown(request, task_id, response)


@verb("move", "move_task")
def move_task(
    request: TaskRequest,
    task_id: UUID,
    wanted: ToTeam,
    response: HttpResponse,
    if_match: IfMatch = None,
) -> shapes.Task:
    """Send an open task to another team, where it is free. For leads; for who holds it, if its
    type is transferable.
    """
    found, to, note = task_of(request.user, task_id), people.team(wanted.to), wanted.note
    act(found, if_match, lambda: inbox.move(found, user=request.user, to=to, note=note))
    return shown(request, task_id, response)


@verb("let-pass", "let_task_pass")
def let_task_pass(
    request: TaskRequest,
    task_id: UUID,
    response: HttpResponse,
    wanted: MaybeBecause | None = None,
    if_match: IfMatch = None,
) -> shapes.Task:
    """Give a task back, and do not have it served to you for an hour."""
    found, reason = task_of(request.user, task_id), wanted.reason if wanted else ""
    act(found, if_match, lambda: inbox.let_pass(found, user=request.user, reason=reason))
    return shown(request, task_id, response)


@verb("snooze", "snooze_task")
def snooze_task(
    request: TaskRequest,
    task_id: UUID,
    wanted: Snooze,
    response: HttpResponse,
    if_match: IfMatch = None,
) -> shapes.Task:
    """Put a task that you hold aside. It stays yours and comes back by itself; its due time
    stands.
    """
    found = task_of(request.user, task_id)
    act(found, if_match, lambda: inbox.snooze(found, user=request.user, until=wanted.until))
    return shown(request, task_id, response)


@verb("wake", "wake_task")
def wake_task(
    request: TaskRequest, task_id: UUID, response: HttpResponse, if_match: IfMatch = None
) -> shapes.Task:
    """Take up a task that you have put aside."""
    found = task_of(request.user, task_id)
    act(found, if_match, lambda: inbox.unsnooze(found, user=request.user))
    return shown(request, task_id, response)


@verb("escalate", "escalate_task")
def escalate_task(
    request: TaskRequest,
    task_id: UUID,
    wanted: Note,
    response: HttpResponse,
    if_match: IfMatch = None,
) -> shapes.Task:
    """Bring an open task to the team above, too. For who holds it, and for leads."""
    found = task_of(request.user, task_id)
    act(found, if_match, lambda: inbox.escalate(found, user=request.user, note=wanted.note))
    return shown(request, task_id, response)


@verb("declare-conflict", "declare_conflict")
def declare_conflict(
    request: TaskRequest,
    task_id: UUID,
    wanted: Because,
    response: HttpResponse,
    if_match: IfMatch = None,
) -> shapes.Task:
    """Say that you must not judge a task: you are excluded from it, for good."""
    found, reason = task_of(request.user, task_id), wanted.reason
    act(found, if_match, lambda: inbox.declare_conflict(found, user=request.user, reason=reason))
    return shown(request, task_id, response)


@router.patch(
    "/{uuid:task_id}", response=shapes.Task, operation_id="update_task", openapi_extra=TAGGED
)
@ACTS
def update_task(
    request: TaskRequest,
    task_id: UUID,
    wanted: Update,
    response: HttpResponse,
    if_match: IfMatch = None,
) -> shapes.Task:
    """Change how pressing an open task is, and when it is due: both, or neither. Who is judging
    it is not disturbed. For leads of its team, and for operators.
    """
    found = task_of(request.user, task_id)
    act(found, if_match, lambda: _update(found, request, wanted))
    return shown(request, task_id, response)


@transaction.atomic
def _update(task: HumanTask, request: TaskRequest, wanted: Update) -> None:
    user, named = request.user, wanted.model_fields_set
    if wanted.priority is not None:
        inbox.set_priority(task, user=user, priority=PRIORITIES[wanted.priority])
    if "due_at" in named:
        inbox.set_due(task, user=user, due_at=wanted.due_at, reason=wanted.reason)
