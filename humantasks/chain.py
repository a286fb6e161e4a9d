"""Whether the audit is as it was written: reads each entry again and counts its digest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from humantasks.inbox.audit import digest
from humantasks.inbox.recording import decision_digest, evidence_digest_at
from humantasks.models import HumanTask, TaskAttachment, TaskAudit
from humantasks.querysets import TaskQuerySet

# Tasks that are read at once.
BATCH = 200


@dataclass(frozen=True, slots=True)
class Break:
    """Where a task's audit is not as it was written, and what is wrong there."""

    ref: int
    seq: int
    what: str


def breaks(tasks: TaskQuerySet, *, with_files: bool = False) -> Iterator[Break]:
    """What is wrong with the audit of these tasks; nothing, if all is as it was written.

    The first break of a task is told: what comes after it hangs on it. `with_files` also
    reads each attached file and adds it up again.
    """
    ordered = tasks.order_by("id").select_related("payload").prefetch_related("decisions")
    for task in ordered.prefetch_related("audit", "attachments").iterator(BATCH):
        found = _first_break(task)
        if found is None and with_files:
            found = _first_wrong_file(task)
        if found is not None:
            yield found


def _first_break(task: HumanTask) -> Break | None:
    before, expected = "", 0
    for row in sorted(task.audit.all(), key=lambda row: row.seq):
        if row.seq != expected:
            return Break(task.ref, expected, "this entry is missing")
        if row.digest != digest(row, before):
            return Break(task.ref, row.seq, "this entry was changed, or the one before it")
        if what := _wrong_decision(task, row) or _wrong_file(task, row):
            return Break(task.ref, row.seq, what)
        before, expected = row.digest, expected + 1
    if expected != task.seq + 1:
        return Break(task.ref, expected, "this entry is missing, and all after it")
    return None


def _wrong_file(task: HumanTask, row: TaskAudit) -> str:
    """What is wrong with the file that the entry is about, if it is about one."""
    if row.verb not in ("attached", "replaced"):
        return ""
    said = (row.changes["sha256"], row.changes["size"], row.reason)
    is_there = any(
        (one.sha256, one.size, one.name) == said
        for one in task.attachments.all()
        if one.seq == row.seq
    )
    return "" if is_there else "the attached file was changed or removed"


def _first_wrong_file(task: HumanTask) -> Break | None:
    for one in sorted(task.attachments.all(), key=lambda one: one.seq):
        if one.file and _sum_of(one) != one.sha256:
            return Break(task.ref, one.seq, "the file itself was changed, or is not there")
    return None


def _sum_of(attachment: TaskAttachment) -> str:
    try:
        with attachment.file.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return ""


def _was_forgotten(task: HumanTask) -> bool:
    """Whether the data was removed by rule. The audit says so; whoever else empties it, lies."""
    return any(row.verb == "forgotten" for row in task.audit.all())


def _wrong_decision(task: HumanTask, row: TaskAudit) -> str:
    """What is wrong with the decision that the entry is about, if it is about one."""
    # What the answer and the evidence were cannot be read any more once they were removed.
    if "decision" not in row.changes or _was_forgotten(task):
        return ""
    made = [one for one in task.decisions.all() if one.user_id == row.actor_id]
    if row.changes["decision"] not in map(decision_digest, made):
        return "the decision was changed or removed"
    if row.changes["evidence"] != evidence_digest_at(task, task.attachments.all(), row.seq):
        return "the evidence, or what was asked, was changed"
    return ""
