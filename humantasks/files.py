"""The files of a task as a reader sees them: each with those that it has replaced."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from humantasks.conf import conf
from humantasks.models import HumanTask, TaskAttachment

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@dataclass(frozen=True, slots=True)
class Shown:
    """A file, and those whose place it took, the latest first."""

    file: TaskAttachment
    earlier: list[TaskAttachment]


def of_task(task: HumanTask, reader: User) -> dict[str, Any]:
    """What a page needs: the files that the reader may have, and whether they may add one.

    `task` is one `for_reader`. Who is only asked a question sees what they have added.
    """
    added = task.attachments.select_related("user").order_by("seq")
    mine = [one for one in added if task.sees_data or one.user_id == reader.pk]
    may_attach = task.sees_data or task.asked_of_id == reader.pk
    return {
        "files": _grouped(mine),
        "may_attach": task.is_open and may_attach,
        "endings": conf.ATTACHMENT_TYPES,
        "most_bytes": conf.ATTACHMENT_SIZE,
        "file_id": uuid4(),
    }


def _grouped(added: list[TaskAttachment]) -> list[Shown]:
    before = {one.superseded_by_id: one for one in added if one.superseded_by_id}
    return [Shown(one, _chain(before, one)) for one in added if one.is_current]


def _chain(before: dict[Any, TaskAttachment], one: TaskAttachment) -> list[TaskAttachment]:
    found = []
    while (earlier := before.get(one.pk)) is not None:
        found.append(earlier)
        one = earlier
    return found
