"""What the verbs share: a locked row, a conditional change with its audit entry, a refusal."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import F

from humantasks.inbox import audit, refusing
from humantasks.inbox.audit import Entry
from humantasks.inbox.errors import Code, FieldError, InvalidAnswer, NotEligible, TaskConflict
from humantasks.models import HumanTask, Status, TaskCandidate
from humantasks.querysets import TaskQuerySet

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MAX_REASON = 2_000

# What a task has while it is put aside, and no longer.
NOT_PAUSED: dict[str, Any] = {
    "pause_kind": "",
    "paused_at": None,
    "paused_until": None,
    "asked_of": None,
}
# A task that nobody holds.
NOT_HELD: dict[str, Any] = NOT_PAUSED | {
    "assignee": None,
    "owner": None,
    "started_at": None,
    "claim_expires_at": None,
}


def locked(task: HumanTask) -> HumanTask:
    """The task as it is now; nobody changes it until the transaction ends."""
    return (
        HumanTask.objects.select_for_update(of=("self",))
        .select_related("assignee", "owner", "completed_by", "payload")
        .get(pk=task.pk)
    )


def change(
    tasks: TaskQuerySet,
    entry: Entry,
    *,
    from_status: str,
    to_status: str,
    task: HumanTask,
    **fields: Any,
) -> bool:
    """Change the task if it is (still) one of `tasks`, and note it. False: nothing is written."""
    mine = tasks.filter(pk=task.pk)
    if not mine.update(status=to_status, seq=F("seq") + 1, **fields):
        return False
    audit.append(task.pk, entry, from_status=from_status, to_status=to_status)
    return True


def change_locked(
    task: HumanTask, entry: Entry, *, to_status: str | None = None, **fields: Any
) -> HumanTask:
    """Change a task that this transaction has locked. The task as it is then."""
    status = to_status or task.status
    change(
        HumanTask.objects.all(),
        entry,
        from_status=task.status,
        to_status=status,
        task=task,
        **fields,
    )
    return HumanTask.objects.get(pk=task.pk)


def held_by(user: User, task: HumanTask, at: datetime) -> dict[str, Any]:
    """A task that this person holds from now on."""
    return NOT_PAUSED | {
        "assignee": user,
        "claimed_at": at,
        "started_at": None,
        "claim_expires_at": lease_end(task, at),
        "unroutable": False,
    }


def lease_end(task: HumanTask, at: datetime) -> datetime | None:
    """When a claim of the task ends, if its holder gives no sign from now on."""
    return None if task.lease_seconds is None else at + timedelta(seconds=task.lease_seconds)


def give_back(task: HumanTask, entry: Entry) -> HumanTask:
    """Let go of a locked task: to its owner if it was delegated, else to its team."""
    owner = task.owner
    if owner is not None and not refusing.not_eligible(task, owner):
        fields = held_by(owner, task, entry.at) | {"owner": None}
        return change_locked(task, entry, to_status=Status.CLAIMED, **fields)
    fields = NOT_HELD | {"claimed_at": None}
    return change_locked(task, entry, to_status=Status.READY, **fields)


def must_hold(task: HumanTask, user: User, *statuses: str) -> None:
    """Raises TaskConflict unless the person holds the task, in one of these states."""
    if task.assignee_id != user.pk:
        raise refusing.conflict(task, user, held=Code.NOT_ASSIGNEE)
    if task.status not in (statuses or (Status.CLAIMED,)):
        raise refusing.wrong_state(task)


def must_be_open(task: HumanTask, user: User) -> None:
    """Raises TaskConflict for a task that has ended."""
    if not task.is_open:
        raise refusing.conflict(task, user, held=Code.WRONG_STATE)


def must_be_judged(
    task: HumanTask,
    refusal: NotEligible | None,
    *,
    takes_answers: bool,
    data_rev: int | None,
) -> None:
    """Raises when the run wants no answer, this person may not judge it, or saw old data."""
    if not takes_answers:
        raise TaskConflict(Code.WITHDRAWN, task)
    if refusal is not None:
        raise refusal
    if data_rev is not None and data_rev != task.data_rev:
        raise TaskConflict(Code.STALE, task)


def exclude(task: HumanTask, user: User, why: str) -> None:
    """From now on this person must not answer the task. The first reason stays."""
    TaskCandidate.objects.get_or_create(
        task=task,
        kind=TaskCandidate.Kind.EXCLUDED,
        user=user,
        defaults={"name": user.get_username(), "why": why},
    )


def said(text: str, words: str, *, field: str = "reason") -> str:
    """What a person had to say. Raises InvalidAnswer with `words` when it is nothing."""
    from humantasks import answers  # noqa: PLC0415 - it imports the errors of this package

    text = text.strip()
    if not text:
        raise InvalidAnswer([FieldError((field,), words, "missing")])
    if wrong := answers.text_error(text, MAX_REASON):
        raise InvalidAnswer([FieldError((field,), wrong[0], wrong[1])])
    return text
