"""Whether the audit is as it was written: reads each entry again and counts its digest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from humantasks.inbox.audit import digest
from humantasks.inbox.recording import decision_digest, evidence_digest
from humantasks.models import HumanTask, TaskAudit
from humantasks.querysets import TaskQuerySet

# Tasks that are read at once.
BATCH = 200


@dataclass(frozen=True, slots=True)
class Break:
    """Where a task's audit is not as it was written, and what is wrong there."""

    ref: int
    seq: int
    what: str


def breaks(tasks: TaskQuerySet) -> Iterator[Break]:
    """What is wrong with the audit of these tasks; nothing, if all is as it was written.

    The first break of a task is told: what comes after it hangs on it.
    """
    ordered = tasks.order_by("id").select_related("payload").prefetch_related("decisions")
    for task in ordered.prefetch_related("audit").iterator(BATCH):
        if found := _first_break(task):
            yield found


def _first_break(task: HumanTask) -> Break | None:
    before, expected = "", 0
    for row in sorted(task.audit.all(), key=lambda row: row.seq):
        if row.seq != expected:
            return Break(task.ref, expected, "this entry is missing")
        if row.digest != digest(row, before):
            return Break(task.ref, row.seq, "this entry was changed, or the one before it")
        if what := _wrong_decision(task, row):
            return Break(task.ref, row.seq, what)
        before, expected = row.digest, expected + 1
    if expected != task.seq + 1:
        return Break(task.ref, expected, "this entry is missing, and all after it")
    return None


def _wrong_decision(task: HumanTask, row: TaskAudit) -> str:
    """What is wrong with the decision that the entry is about, if it is about one."""
    if "decision" not in row.changes:
        return ""
    made = [one for one in task.decisions.all() if one.user_id == row.actor_id]
    if row.changes["decision"] not in map(decision_digest, made):
        return "the decision was changed or removed"
    if row.changes["evidence"] != evidence_digest(task):
        return "the evidence, or what was asked, was changed"
    return ""
