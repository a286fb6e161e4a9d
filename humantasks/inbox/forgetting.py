"""Removing the data of tasks that ended long ago. What became of them stays."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial

from django.db import transaction
from django.db.models import QuerySet

from humantasks.inbox.audit import Entry
from humantasks.inbox.changing import change_locked, locked
from humantasks.models import (
    HumanTask,
    TaskAttachment,
    TaskComment,
    TaskDecision,
    TaskDraft,
    TaskPayload,
)
from orchestrator import clock

BATCH = 200
NOTHING = "null"


def forget(before: datetime) -> Iterator[HumanTask]:
    """Remove the data of each task that ended before then; a task in a transaction of its own.

    Gone are the evidence, what was filled in, drafts, what people said in comments, and the
    attached files. The decision, its digests, the names and sums of the files, and the
    audit stay; the audit says that the data was removed, so that it can be told from a
    change behind it.
    """
    last = None
    while batch := list(_ended(before, last)[:BATCH]):
        for task in batch:
            _forget(task)
            yield task
        last = batch[-1]


def due_to_be_forgotten(before: datetime) -> int:
    """How many tasks `forget` would take."""
    return _ended(before, None).count()


def _ended(before: datetime, last: HumanTask | None) -> QuerySet[HumanTask]:
    found = HumanTask.objects.filter(closed_at__lt=before, payload__removed_at=None)
    return (found.filter(pk__gt=last.pk) if last else found).order_by("pk")


@transaction.atomic
def _forget(task: HumanTask) -> None:
    now, at = locked(task), clock.now()
    if now.payload.removed_at is not None:
        return
    TaskPayload.objects.filter(task=now).update(data=NOTHING, initial="", removed_at=at)
    TaskDecision.objects.filter(task=now).update(data=NOTHING)
    TaskComment.objects.filter(task=now).update(text="")
    TaskDraft.objects.filter(task=now).delete()
    for one in TaskAttachment.objects.filter(task=now).exclude(file=""):
        # The files after the rows: who reads a row that is still there finds its file.
        transaction.on_commit(partial(one.file.delete, save=False))
    TaskAttachment.objects.filter(task=now).update(file="")
    change_locked(now, Entry(verb="forgotten", actor=None, at=at))
