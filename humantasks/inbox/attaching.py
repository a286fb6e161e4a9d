"""Files that are added to a task. They belong to what is judged, and to the proof of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Any
from uuid import UUID

from django.core.files.base import File
from django.db import transaction
from django.db.models import F
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from humantasks import filetypes
from humantasks.conf import conf
from humantasks.filetypes import FileType
from humantasks.inbox.audit import Entry
from humantasks.inbox.changing import change_locked, locked, must_be_open
from humantasks.inbox.errors import Code, FieldError, InvalidAnswer, NotEligible
from humantasks.models import HumanTask, TaskAttachment
from orchestrator import clock
from orchestrator.core.ids import uuid7

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MAX_NAME = 200
CHUNK = 65_536


def attach(
    task: HumanTask,
    *,
    user: User,
    file: IO[bytes],
    name: str,
    replaces: UUID | None = None,
    submission_id: UUID | None = None,
) -> TaskAttachment:
    """Add a file to an open task; with `replaces`, in the place of one that it has.

    What is judged changes by it: who decides on a page of before is told first. The same
    `submission_id` gives the first attachment again. The file is written before the row;
    if the row is refused, it is removed again.

    Raises InvalidAnswer for a file that is empty, too large, of the wrong kind or one too
    many, NotEligible for who may not see the task's data, and TaskConflict when it has ended.
    """
    name = _plain_name(name)
    made = TaskAttachment(id=uuid7(), user=user, name=name, submission_id=submission_id or uuid7())
    made.size, made.sha256 = _measured(file)
    made.mime = _kind_of(name, file).mime
    _must_be_for(task, user)
    made.added_at = clock.now()
    made.file.save(name, File(file), save=False)
    try:
        added = _add(task, made, replaces)
    except BaseException:
        made.file.delete(save=False)
        raise
    if added.pk != made.pk:
        made.file.delete(save=False)
    return added


@transaction.atomic
def _add(task: HumanTask, made: TaskAttachment, replaces: UUID | None) -> TaskAttachment:
    now = locked(task)
    mine = TaskAttachment.objects.filter(task=now)
    if known := mine.filter(submission_id=made.submission_id).first():
        return known
    must_be_open(now, made.user)
    _must_be_for(now, made.user)
    if mine.count() >= conf.ATTACHMENT_COUNT:
        words = _("A task has at most %(limit)s files") % {"limit": conf.ATTACHMENT_COUNT}
        raise _wrong(words, "too_many")
    old = _replaced(now, replaces)
    made.task, made.seq = now, now.seq + 1
    made.save(force_insert=True)
    if old is not None:
        mine.filter(pk=old.pk).update(superseded_by=made)
    change_locked(now, _entry(made, old), data_rev=F("data_rev") + 1)
    return made


def _replaced(task: HumanTask, replaces: UUID | None) -> TaskAttachment | None:
    """The file whose place is taken; nobody else may have taken it meanwhile."""
    if replaces is None:
        return None
    old = TaskAttachment.objects.filter(task=task, pk=replaces, superseded_by=None).first()
    if old is None:
        raise _wrong(_("This file was replaced meanwhile. Look at the new one first"), "replaced")
    return old


def _entry(made: TaskAttachment, old: TaskAttachment | None) -> Entry:
    changes: dict[str, Any] = {"sha256": made.sha256, "size": made.size}
    if old is not None:
        changes["replaces"] = old.sha256
    verb = "attached" if old is None else "replaced"
    return Entry(verb=verb, actor=made.user, at=made.added_at, reason=made.name, changes=changes)


def _must_be_for(task: HumanTask, user: User) -> None:
    if not HumanTask.objects.open_to(user).filter(pk=task.pk).exists():
        raise NotEligible(Code.NOT_ALLOWED, task)


# ---- the file ------------------------------------------------------------------------


def _plain_name(name: str) -> str:
    """The last part of a path, without what would hide its ending."""
    base = name.replace("\\", "/").rpartition("/")[2]
    plain = "".join(letter for letter in base if letter.isprintable()).strip()
    if len(plain) > MAX_NAME:
        ending = filetypes.ending_of(plain)[:10]
        plain = f"{plain[: MAX_NAME - len(ending) - 1]}.{ending}"
    return plain


def _kind_of(name: str, file: IO[bytes]) -> FileType:
    allowed = conf.ATTACHMENT_TYPES
    file.seek(0)
    found = filetypes.find(name, file.read(filetypes.HEAD))
    file.seek(0)
    if filetypes.ending_of(name) not in allowed:
        words = _("Choose a file of one of these kinds: %(kinds)s")
        raise _wrong(words % {"kinds": ", ".join(allowed)}, "wrong_kind")
    if found is None:
        words = _("This is no %(kind)s file, though it is called so")
        raise _wrong(words % {"kind": filetypes.ending_of(name).upper()}, "wrong_kind")
    return found


def _measured(file: IO[bytes]) -> tuple[int, str]:
    """How large a file is, and its sha256. Reads no further than the limit."""
    limit, size, digest = conf.ATTACHMENT_SIZE, 0, hashlib.sha256()
    for chunk in _chunks(file):
        size += len(chunk)
        digest.update(chunk)
        if size > limit:
            words = _("The file must not be larger than %(limit)s")
            raise _wrong(words % {"limit": filesizeformat(limit)}, "too_large")
    if size == 0:
        raise _wrong(_("The file is empty"), "empty")
    return size, digest.hexdigest()


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while chunk := file.read(CHUNK):
        yield chunk
    file.seek(0)


def _wrong(words: str, code: str) -> InvalidAnswer:
    return InvalidAnswer([FieldError(("file",), words, code)])
