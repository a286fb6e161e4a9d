"""Why something cannot be done with a task, as a program is told it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from humantasks import wording
from humantasks.inbox import Code, FieldError, InboxError, InvalidAnswer, NotEligible, TaskConflict
from humantasks.models import HumanTask
from orchestrator.rest import INVALID, Kind, Problem, kind

UNKNOWN_TASK = kind(
    404,
    "unknown-task",
    "There is no such task",
    "The id is wrong, or it is not for you or your teams.",
)
TASK_CHANGED = kind(
    412, "task-changed", "The task has changed", "It is not what `If-Match` names any more."
)
NO_VOTE = kind(
    409, "no-vote", "Nobody votes on this task", "One person decides it: `/complete` it instead."
)

_TITLES = {
    "already_claimed": "Somebody has claimed the task",
    "not_assignee": "You do not hold the task",
    "stale": "What you judged has changed",
    "already_completed": "The task is completed",
    "withdrawn": "The task was withdrawn",
    "expired": "The time for the task is over",
    "draft_conflict": "Another page of yours has saved a draft since",
    "idempotency_mismatch": "The form was sent before, with another answer",
    "wrong_state": "The task is not in a state for that",
    "not_eligible": "You may not answer the task",
    "sod": "Somebody else must answer the task",
    "claim_limit": "You hold as many tasks as you may",
    "not_lead": "Leads of the team may do this",
    "not_allowed": "Tasks of this type do not allow it",
}
_FORBIDDEN = ("not_eligible", "sod", "claim_limit", "not_lead", "not_allowed")
_KINDS: Mapping[str, Kind] = {
    code.value: kind(
        403 if code in _FORBIDDEN else 409,
        code.value,
        _TITLES[code.value],
        "`detail` says why. Nothing was changed.",
    )
    for code in Code
}


def of(error: InboxError) -> Problem:
    """Why the inbox refuses, for a program: with the task as it is, and who was faster."""
    if isinstance(error, InvalidAnswer):
        errors: list[Any] = [
            {"loc": ["body", *_place(one)], "msg": one.message, "type": one.type}
            for one in error.errors
        ]
        return Problem(INVALID, str(error), errors=errors)
    assert isinstance(error, TaskConflict | NotEligible)
    more: dict[str, Any] = {"task": _now(error.task)}
    if isinstance(error, TaskConflict):
        told = wording.explain(error)
        more |= {"by": error.by, "at": error.at, "is_me": error.is_me}
    else:
        told = wording.refusal(error)
    return Problem(_KINDS[error.code], f"{told.title}. {told.text}", **more)


def _place(error: FieldError) -> tuple[str | int, ...]:
    return ("outcome",) if error.type == "unknown_outcome" else error.loc


def _now(task: HumanTask | None) -> dict[str, Any] | None:
    return {"id": task.pk, "ref": task.ref, "status": task.status} if task else None
