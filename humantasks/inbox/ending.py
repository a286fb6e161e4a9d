"""Ends other than an answer: it cannot be done, need not be done, or is decided past the rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext as _

from humantasks import access, answers
from humantasks.asking import HumanTaskResult
from humantasks.inbox import checking, recording, seats, timing
from humantasks.inbox.audit import Entry
from humantasks.inbox.changing import (
    NOT_HELD,
    change_locked,
    locked,
    must_be_open,
    must_hold,
    said,
)
from humantasks.inbox.errors import Code, NotEligible, TaskConflict
from humantasks.models import HumanTask, Status, TaskDecision
from orchestrator import clock, waits
from orchestrator.core.ids import uuid7

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@transaction.atomic
def fail(task: HumanTask, *, user: User, reason: str) -> HumanTask:
    """Say that the task cannot be done: the workflow gets a HumanTaskFailed with the reason.

    Raises InvalidAnswer without a reason, and TaskConflict when the task is not theirs.
    """
    reason = said(reason, _("Say why it cannot be done"))
    takes_answers, now = waits.hold(task.run_id), locked(task)
    must_hold(now, user, Status.CLAIMED)
    return _end(now, user, "failed", Status.FAILED, reason, takes_answers=takes_answers)


@transaction.atomic
def skip(task: HumanTask, *, user: User, reason: str) -> HumanTask:
    """Decide that the task need not be done: the workflow's result has the status "skipped".

    For operators, and for leads when its type is skippable. Raises InvalidAnswer without
    a reason, NotEligible for anybody else, and TaskConflict when it has ended.
    """
    reason = said(reason, _("Say why it need not be done"))
    takes_answers, now = waits.hold(task.run_id), locked(task)
    must_be_open(now, user)
    if not access.may_skip(user, now):
        raise NotEligible(Code.NOT_ALLOWED, now)
    return _end(now, user, "skipped", Status.SKIPPED, reason, takes_answers=takes_answers)


@transaction.atomic
def override(
    task: HumanTask,
    *,
    user: User,
    outcome: str,
    reason: str,
    data: Mapping[str, Any] | None = None,
) -> TaskDecision:
    """Decide an open task past its rules, whoever holds it. The result says so.

    For who has the permission `humantasks.override_task`, also when they are excluded; but
    not for who has proposed what somebody else is to check.
    Raises InvalidAnswer for a wrong answer or no reason, NotEligible for anybody else, and
    TaskConflict when it has ended.
    """
    if not access.may_override(user):
        raise NotEligible(Code.NOT_ALLOWED, task)
    reason = said(reason, _("Say why you decide past the rules"))
    answer = answers.check(task, outcome, data, reason, reason_codes=None, checked=None)
    takes_answers, now = waits.hold(task.run_id), locked(task)
    must_be_open(now, user)
    checking.must_not_be_own(now, user)
    if not takes_answers:
        raise TaskConflict(Code.WITHDRAWN, now)
    return recording.write(now, user, answer, uuid7(), is_override=True)


def _end(
    task: HumanTask, user: User, verb: str, status: Status, reason: str, *, takes_answers: bool
) -> HumanTask:
    if not takes_answers:
        raise TaskConflict(Code.WITHDRAWN, task)
    at = clock.now()
    entry = Entry(verb=verb, actor=user, at=at, reason=reason)
    ended = change_locked(task, entry, to_status=status, **NOT_HELD, closed_at=at)
    if task.status == Status.IN_REVIEW:
        seats.close(task)
    result: HumanTaskResult[Any] = HumanTaskResult(
        status="failed" if status == Status.FAILED else "skipped",
        comment=reason,
        completed_by=user.get_username(),
        task_id=task.pk,
        created_at=task.created_at,
        claimed_at=task.claimed_at,
        completed_at=at,
        working_seconds=timing.working_seconds(task, at),
    )
    if not waits.answer(task.run_id, task.key, result):
        raise TaskConflict(Code.WITHDRAWN, task)
    return ended
