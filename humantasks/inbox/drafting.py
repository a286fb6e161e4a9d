"""Drafts: what a person has typed and not sent. Never audited, never seen by others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction
from pydantic_core import to_jsonable_python

from humantasks import answers
from humantasks.inbox import seats
from humantasks.inbox.changing import lease_end, locked
from humantasks.inbox.errors import Code, TaskConflict
from humantasks.models import HumanTask, Status, TaskDecision, TaskDraft
from orchestrator import clock
from orchestrator.core.ids import uuid7

if TYPE_CHECKING:
    from django.contrib.auth.models import User

Typed = Mapping[str, list[str]]


@transaction.atomic
def save_draft(
    task: HumanTask, *, user: User, data: Typed, submission_id: UUID, draft_rev: int
) -> TaskDraft | None:
    """Keep what `user` has typed, while they hold the task.

    `submission_id` is the page's, `draft_rev` the last save that the page knows. None, and
    nothing is written, when they have sent the form meanwhile: a late save does not bring
    a draft back. Raises TaskConflict when the task is not theirs any more, and
    `draft_conflict` when another page of theirs has saved since.
    """
    now = locked(task)
    if _has_sent(now, user):
        return None
    seats.must_work_on(now, user)
    _note_activity(now, user)
    draft = TaskDraft.objects.filter(task=task, user=user).first()
    if draft and draft.data == data:
        return draft
    if draft and draft.submission_id != submission_id and draft.draft_rev != draft_rev:
        raise TaskConflict(Code.DRAFT_CONFLICT, now, at=draft.saved_at, is_me=True)
    return _upsert(now, user, data, submission_id)


@transaction.atomic
def keep_answers(
    task: HumanTask, *, user: User, data: Typed, submission_id: UUID
) -> TaskDraft | None:
    """Keep answers that came too late, for the person who gave them.

    None when it was their own answer that was first: what they decided stands.
    """
    now = locked(task)
    if _has_sent(now, user):
        return None
    return _upsert(now, user, data, submission_id)


def discard(task: HumanTask, *, user: User) -> None:
    """Forget the draft of a person who has sent the form."""
    TaskDraft.objects.filter(task=task, user=user).delete()


def refill(task: HumanTask, proposal: TaskDecision) -> None:
    """Give a person what they had filled in as a draft: nobody types it twice."""
    from humantasks.forms import CHECKED, REASONS, DecisionForm  # noqa: PLC0415 - it uses this package

    values = to_jsonable_python(answers.of_decision(task, proposal).data, by_alias=True) or {}
    typed = DecisionForm.of_values(task, values, proposal.outcome).typed
    more = {
        "comment": [proposal.comment] if proposal.comment else [],
        f"{REASONS}.{proposal.outcome}": proposal.reason_codes,
        CHECKED: proposal.checked,
    }
    typed |= {name: texts for name, texts in more.items() if texts}
    _upsert(task, proposal.user, typed, uuid7())


def _has_sent(task: HumanTask, user: User) -> bool:
    """Whether what the person decided or proposed is what the task waits with, or ended with."""
    if task.status not in (Status.COMPLETED, Status.IN_REVIEW):
        return False
    if task.completed_by == user:
        return True
    made = TaskDecision.objects.filter(task=task, user=user, round=task.round)
    return made.exclude(kind=TaskDecision.Kind.DECISION).exists()


def _note_activity(task: HumanTask, user: User) -> None:
    """Whoever types works on it: the task is in progress, and the claim lasts on.

    No change that anybody would be told of, so it has no entry in the audit.
    """
    if task.status == Status.IN_REVIEW:
        if task.lease_seconds is not None:
            until = lease_end(task, clock.now())
            seats.of_round(task).filter(user=user).update(expires_at=until)
        return
    if task.started_at is not None and task.lease_seconds is None:
        return
    at = clock.now()
    HumanTask.objects.filter(pk=task.pk).update(
        started_at=task.started_at or at, claim_expires_at=lease_end(task, at)
    )


def _upsert(task: HumanTask, user: User, data: Typed, submission_id: UUID) -> TaskDraft:
    # The task's row is locked, so nobody else saves a draft of it now.
    draft = TaskDraft.objects.filter(task=task, user=user).first()
    changes = {
        "draft_rev": draft.draft_rev + 1 if draft else 1,
        "submission_id": submission_id,
        "data": dict(data),
        "saved_at": clock.now(),
    }
    if draft is None:
        return TaskDraft.objects.create(task=task, user=user, **changes)
    TaskDraft.objects.filter(pk=draft.pk).update(**changes)
    draft.refresh_from_db()
    return draft
