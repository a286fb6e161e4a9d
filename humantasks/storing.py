"""Where attachments lie: in the storage called `attachments`, else in the default one.

Nobody gets a file but through the page that asks who they are, so the storage needs no
address of its own, and better has none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.files.storage import Storage, storages
from django.core.files.storage.handler import InvalidStorageError

if TYPE_CHECKING:
    from humantasks.models import TaskAttachment

ALIAS = "attachments"


def storage() -> Storage:
    """The storage of attachments, as STORAGES has it now."""
    try:
        return storages[ALIAS]
    except InvalidStorageError:
        return storages["default"]


def place(attachment: TaskAttachment, _name: str) -> str:
    """Under the attachment's id alone: the name that its sender gave is no path."""
    return f"humantasks/{attachment.added_at:%Y/%m}/{attachment.pk}"
