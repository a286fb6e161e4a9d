"""What a person may do beside answering: looked up when they act, never remembered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from humantasks.models import HumanTask

if TYPE_CHECKING:
    from django.contrib.auth.models import User

OPERATE = "orchestrator.operate_run"
OVERRIDE = "humantasks.override_task"


def is_lead(user: User, task: HumanTask) -> bool:
    """Whether the person leads the task's team, or a team above it."""
    return HumanTask.objects.led_by(user).filter(pk=task.pk).exists()


def is_manager(user: User, task: HumanTask) -> bool:
    """Whether the person may change how pressing the task is: its leads, and operators."""
    return user.is_active and (user.has_perm(OPERATE) or is_lead(user, task))


def may_skip(user: User, task: HumanTask) -> bool:
    """Operators may skip any task; leads those whose type allows it."""
    if not user.is_active:
        return False
    return user.has_perm(OPERATE) or (task.policy.skippable and is_lead(user, task))


def may_override(user: User) -> bool:
    return user.is_active and user.has_perm(OVERRIDE)
