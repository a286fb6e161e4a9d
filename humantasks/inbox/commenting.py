"""What people say about a task."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from humantasks.inbox.audit import Entry
from humantasks.inbox.changing import change_locked, locked, said
from humantasks.inbox.errors import Code, NotEligible
from humantasks.models import HumanTask, TaskComment
from orchestrator import clock
from orchestrator.core.ids import uuid7

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@transaction.atomic
def comment(
    task: HumanTask, *, user: User, text: str, submission_id: UUID | None = None
) -> TaskComment:
    """Say something about a task, also after it has ended. What is judged stays as it is.

    The same `submission_id` gives the first comment again. Raises InvalidAnswer for an
    empty text, and NotEligible for who may not see the task's data.
    """
    text = said(text, _("Write a comment"), field="text")
    now = locked(task)
    if not HumanTask.objects.open_to(user).filter(pk=now.pk).exists():
        raise NotEligible(Code.NOT_ALLOWED, now)
    if submission_id is not None:
        known = TaskComment.objects.filter(task=now, submission_id=submission_id).first()
        if known is not None:
            return known
    at = clock.now()
    made = add(now, user, text, at, name=submission_id)
    change_locked(now, Entry(verb="commented", actor=user, at=at))
    return made


def add(
    task: HumanTask,
    user: User,
    text: str,
    at: datetime,
    kind: str = TaskComment.Kind.COMMENT,
    *,
    name: UUID | None,
) -> TaskComment:
    """Write down what was said; the caller holds the task's row and writes the audit."""
    return TaskComment.objects.create(
        task=task, user=user, text=text, kind=kind, at=at, submission_id=name or uuid7()
    )
