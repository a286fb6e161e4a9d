"""My work, in the order in which a person takes it up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.translation import gettext as _

from humantasks.models import HumanTask, Status


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    tasks: list[HumanTask]


def of_my_work(tasks: Sequence[HumanTask], reader: User) -> list[Group]:
    """The tasks in groups, each in the order in which it came; none is empty."""
    found: dict[str, list[HumanTask]] = {
        title: []
        for title in (_("Asked of you"), _("Overdue"), _("Today"), _("Later"), _("Paused"))
    }
    for task in tasks:
        found[_group_of(task, reader)].append(task)
    return [Group(title, members) for title, members in found.items() if members]


def _group_of(task: HumanTask, reader: User) -> str:
    if task.asked_of_id == reader.pk:
        return _("Asked of you")
    if task.status == Status.PAUSED:
        return _("Paused")
    if task.is_overdue:
        return _("Overdue")
    is_today = task.due_at and timezone.localtime(task.due_at).date() == timezone.localdate()
    return _("Today") if is_today else _("Later")
