"""The audit: one entry for each change, written in the transaction of the change."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from humantasks.models import HumanTask, TaskAudit

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MAX_LABEL = 255


def label_of(user: User) -> str:
    """A person's name as pages and the audit write it."""
    return (user.get_full_name() or user.get_username())[:MAX_LABEL]


def append(
    task_id: UUID,
    verb: str,
    *,
    at: datetime,
    actor: User | None,
    from_status: str,
    to_status: str,
    code: str = "",
    reason: str = "",
) -> None:
    """Note what has just been done to a task whose row this transaction has locked.

    The change itself has counted `seq` up; the entry gets that number.
    """
    TaskAudit.objects.create(
        task_id=task_id,
        seq=HumanTask.objects.values_list("seq", flat=True).get(pk=task_id),
        at=at,
        actor=actor,
        actor_label=label_of(actor) if actor else "",
        verb=verb,
        from_status=from_status,
        to_status=to_status,
        code=code,
        reason=reason,
    )
