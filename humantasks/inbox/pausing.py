"""Putting a task aside: for a while, or until somebody has answered a question."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from humantasks import access
from humantasks.inbox import commenting, timing
from humantasks.inbox.audit import Entry, label_of
from humantasks.inbox.changing import (
    NOT_PAUSED,
    change_locked,
    lease_end,
    locked,
    must_hold,
    said,
)
from humantasks.inbox.errors import Code, FieldError, InvalidAnswer, NotEligible
from humantasks.inbox.refusing import wrong_state
from humantasks.models import HumanTask, Pause, Status, TaskComment
from orchestrator import clock

if TYPE_CHECKING:
    from django.contrib.auth.models import User

# As many as one look wakes; the next look takes the rest.
BATCH = 50


@transaction.atomic
def snooze(task: HumanTask, *, user: User, until: datetime) -> HumanTask:
    """Put a task aside until then. It stays theirs, and its due time stands.

    Raises InvalidAnswer for a time that has passed or is later than the task is due,
    NotEligible when its type does not allow it, and TaskConflict when it is not theirs.
    """
    now = locked(task)
    must_hold(now, user, Status.CLAIMED)
    if not now.policy.may_snooze:
        raise NotEligible(Code.NOT_ALLOWED, now)
    at = clock.now()
    if until <= at:
        raise _wrong_time(_("Choose a time that is still to come"))
    if now.due_at is not None and until > now.due_at and not access.is_lead(user, now):
        raise _wrong_time(_("The task is due before that. Choose an earlier time"))
    entry = Entry(verb="snoozed", actor=user, at=at, changes={"until": ["", until.isoformat()]})
    return _pause(now, entry, pause_kind=Pause.SNOOZE, paused_until=until)


@transaction.atomic
def unsnooze(task: HumanTask, *, user: User) -> HumanTask:
    """Take a snoozed task up again. Raises TaskConflict when it is not theirs, or not snoozed."""
    now = locked(task)
    must_hold(now, user, Status.PAUSED)
    if now.pause_kind != Pause.SNOOZE:
        raise wrong_state(now)
    return _take_up(now, Entry(verb="woke", actor=user, at=clock.now()))


def wake_due() -> int:
    """Take up again what was put aside until now. How many tasks that were."""
    due = HumanTask.objects.filter(paused_until__lte=clock.now(), status=Status.PAUSED)
    return sum(_wake(task) for task in due[:BATCH])


@transaction.atomic
def _wake(task: HumanTask) -> bool:
    now, at = locked(task), clock.now()
    if now.status != Status.PAUSED or now.paused_until is None or now.paused_until > at:
        return False
    _take_up(now, Entry(verb="woke", actor=None, at=at))
    return True


@transaction.atomic
def request_info(
    task: HumanTask,
    *,
    user: User,
    question: str,
    of: User | None = None,
    submission_id: UUID | None = None,
) -> HumanTask:
    """Ask `of` a question, else who started the run. The task waits, and its clock with it.

    Raises InvalidAnswer without a question or anybody to ask, and TaskConflict when the
    task is not theirs.
    """
    question = said(question, _("Write your question"), field="question")
    now = locked(task)
    must_hold(now, user, Status.CLAIMED)
    asked = of or now.requester
    if asked is None or asked == user or not asked.is_active:
        words = _("Choose whom to ask: nobody else is known who started the run")
        raise InvalidAnswer([FieldError(("of",), words, "nobody")])
    at = clock.now()
    commenting.add(now, user, question, at, TaskComment.Kind.QUESTION, name=submission_id)
    entry = Entry(verb="info_requested", actor=user, at=at, reason=label_of(asked))
    return _pause(now, entry, pause_kind=Pause.INFO, asked_of=asked)


@transaction.atomic
def answer_info(
    task: HumanTask, *, user: User, text: str, submission_id: UUID | None = None
) -> HumanTask:
    """Answer the question: the task goes on with who asked, and is due later by the wait.

    For who was asked, and for leads of the team. Raises InvalidAnswer without a text,
    NotEligible for anybody else, and TaskConflict when no question is open.
    """
    text = said(text, _("Write your answer"), field="text")
    now = locked(task)
    if now.status != Status.PAUSED or now.pause_kind != Pause.INFO:
        raise wrong_state(now)
    if now.asked_of_id != user.pk and not access.is_lead(user, now):
        raise NotEligible(Code.NOT_ALLOWED, now)
    at = clock.now()
    commenting.add(now, user, text, at, TaskComment.Kind.ANSWER, name=submission_id)
    entry = Entry(verb="info_answered", actor=user, at=at)
    taken_up = _take_up(now, entry, **timing.waited(now, at))
    timing.move_timers(taken_up)
    return taken_up


@transaction.atomic
def withdraw_question(task: HumanTask, *, user: User) -> HumanTask:
    """Go on without the answer. Raises TaskConflict when the task is not theirs or asks nothing."""
    now = locked(task)
    must_hold(now, user, Status.PAUSED)
    if now.pause_kind != Pause.INFO:
        raise wrong_state(now)
    return _take_up(now, Entry(verb="question_withdrawn", actor=user, at=clock.now()))


def _pause(task: HumanTask, entry: Entry, **fields: Any) -> HumanTask:
    # Who waits gives no sign, so the claim does not end meanwhile.
    given = NOT_PAUSED | {"paused_at": entry.at, "claim_expires_at": None} | fields
    return change_locked(task, entry, to_status=Status.PAUSED, **given)


def _take_up(task: HumanTask, entry: Entry, **fields: Any) -> HumanTask:
    given = NOT_PAUSED | {"claim_expires_at": lease_end(task, entry.at)} | fields
    return change_locked(task, entry, to_status=Status.CLAIMED, **given)


def _wrong_time(words: str) -> InvalidAnswer:
    return InvalidAnswer([FieldError(("until",), words, "value_error")])
