"""Giving a task to somebody else: to a person, for a person, to another team."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from humantasks import access
from humantasks.inbox import refusing, seats
from humantasks.inbox.audit import Entry, label_of
from humantasks.inbox.changing import (
    NOT_HELD,
    change_locked,
    exclude,
    give_back,
    held_by,
    locked,
    must_be_open,
    must_hold,
    said,
)
from humantasks.inbox.errors import Code, FieldError, InvalidAnswer, NotEligible
from humantasks.models import HELD, HumanTask, Status, TaskCandidate, TaskSeat
from humantasks.reviews import Quorum
from orchestrator import clock

if TYPE_CHECKING:
    from django.contrib.auth.models import Group, User


@transaction.atomic
def assign(task: HumanTask, *, user: User, to: User, note: str = "") -> HumanTask:
    """Give an open task to `to`, whoever has it now. For leads; for who holds it, if its type
    is transferable.

    Raises NotEligible for anybody else, InvalidAnswer when `to` may not answer it, and
    TaskConflict when it has ended.
    """
    now = locked(task)
    must_be_open(now, user)
    is_own_to_give = now.assignee == user and now.policy.transferable
    if not is_own_to_give and not access.is_lead(user, now):
        raise NotEligible(Code.NOT_LEAD, now)
    _must_be_eligible(now, to)
    at = clock.now()
    if now.status == Status.IN_REVIEW:
        return seats.give(now, user, to, at, note.strip())
    entry = Entry(
        verb="assigned",
        actor=user,
        at=at,
        reason=note.strip(),
        changes={"assignee": [label_of(now.assignee) if now.assignee else "", label_of(to)]},
    )
    fields = held_by(to, now, at) | {"owner": None}
    return change_locked(now, entry, to_status=Status.CLAIMED, **fields)


@transaction.atomic
def delegate(task: HumanTask, *, user: User, to: User, note: str = "") -> HumanTask:
    """Have `to` work on the task for `user`, who stays responsible.

    Giving it back leads to `user` again, and the result names both. Raises InvalidAnswer
    when `to` may not answer it, and TaskConflict when `user` does not hold it.
    """
    now = locked(task)
    must_hold(now, user, Status.CLAIMED)
    _must_be_eligible(now, to)
    at = clock.now()
    entry = Entry(
        verb="delegated",
        actor=user,
        at=at,
        reason=note.strip(),
        changes={"assignee": [label_of(user), label_of(to)]},
    )
    owner = now.owner or user
    fields = held_by(to, now, at) | {"owner": None if owner == to else owner}
    return change_locked(now, entry, to_status=Status.CLAIMED, **fields)


@transaction.atomic
def move(task: HumanTask, *, user: User, to: Group, note: str = "") -> HumanTask:
    """Send an open task to another team: it is free there. For leads, and for who holds it
    if its type is transferable. Who must not answer it still must not.

    Raises NotEligible for anybody else, and TaskConflict when it has ended.
    """
    now = locked(task)
    must_be_open(now, user)
    is_own_to_give = now.assignee == user and now.policy.transferable
    if not is_own_to_give and not access.is_lead(user, now):
        raise NotEligible(Code.NOT_LEAD, now)
    entry = Entry(
        verb="moved",
        actor=user,
        at=clock.now(),
        reason=note.strip(),
        changes={"team": [now.team.name if now.team else "", to.name]},
    )
    TaskCandidate.objects.filter(task=now, kind=TaskCandidate.Kind.CANDIDATE).delete()
    TaskCandidate.objects.create(
        task=now, kind=TaskCandidate.Kind.CANDIDATE, group=to, name=to.name
    )
    fields = NOT_HELD | {"claimed_at": None, "team": to, "assign_to": [to.name]}
    if now.status != Status.IN_REVIEW:
        return change_locked(now, entry, to_status=Status.READY, **fields)
    # There others judge it, from the beginning.
    seats.close(now)
    fields["round"] = now.round + 1
    if not isinstance(now.review, Quorum):
        return change_locked(now, entry, to_status=Status.READY, **fields)
    moved = change_locked(now, entry, **fields)
    seats.make(moved, TaskSeat.Role.VOTER, now.review.of)
    return moved


@transaction.atomic
def declare_conflict(task: HumanTask, *, user: User, reason: str) -> HumanTask:
    """Say that one must not judge this task: one is excluded from now on, and lets go of it.

    Raises InvalidAnswer without a reason, NotEligible for who could not answer it anyway,
    and TaskConflict when it has ended.
    """
    reason = said(reason, _("Say why you must not decide this"))
    now = locked(task)
    must_be_open(now, user)
    if refusal := _refusal(now, user):
        raise refusal
    exclude(now, user, TaskCandidate.Why.CONFLICT)
    entry = Entry(verb="declared_conflict", actor=user, at=clock.now(), reason=reason)
    if now.status in HELD and now.assignee == user:
        return give_back(now, entry)
    seat = seats.of(now, user)
    if seat is not None and seat.status == TaskSeat.Status.TAKEN:
        now = seats.leave(now, seat, "released", entry.at, by=user)
    return change_locked(now, entry)


def _refusal(task: HumanTask, user: User) -> NotEligible | None:
    """Why this person may not have the task, or a seat of it when it is in review."""
    if task.status == Status.IN_REVIEW:
        return refusing.not_reviewer(task, user)
    return refusing.not_eligible(task, user)


def _must_be_eligible(task: HumanTask, to: User) -> None:
    refusal = _refusal(task, to)
    if refusal is None:
        return
    words = (
        _("%(who)s must not answer this task: separation of duties")
        if refusal.code == Code.REQUESTER
        else _("%(who)s is in none of the teams that this task was sent to")
    )
    text = words % {"who": label_of(to)}
    raise InvalidAnswer([FieldError(("to",), text, refusal.code)])
