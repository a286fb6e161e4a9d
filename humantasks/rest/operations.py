"""What a person may do with a task now: asked beforehand, so that a program offers no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from humantasks import access, rounds
from humantasks.inbox import Code, refusing, seats
from humantasks.models import HELD, HumanTask, Pause, Status

if TYPE_CHECKING:
    from django.contrib.auth.models import User

Refused = Code | None


def of(task: HumanTask, user: User) -> dict[str, str | None]:
    """Each operation with None, or the code of the problem. `task` was read `for_reader`."""
    found = _of_holder(task, user) | _of_team(task, user) | _of_review(task, user)
    return {name: refused.value if refused else None for name, refused in found.items()}


def _of_holder(task: HumanTask, user: User) -> dict[str, Refused]:
    works, has = _holds(task, user, Status.CLAIMED), _holds(task, user, *HELD)
    snooze = None if task.policy.may_snooze else Code.NOT_ALLOWED
    return {
        "claim": _claim(task, user),
        "release": has,
        "draft": works,
        "complete": works,
        "delegate": works,
        "let-pass": has,
        "snooze": works or snooze,
        "wake": _has_paused(task, user, Pause.SNOOZE),
        "request-info": works,
        "withdraw-question": _has_paused(task, user, Pause.INFO),
        "fail": works,
    }


def _of_team(task: HumanTask, user: User) -> dict[str, Refused]:
    ended = None if task.is_open else refusing.conflict(task, user, held=Code.WRONG_STATE).code
    is_mine = task.assignee == user
    is_own_to_give = is_mine and task.policy.transferable
    is_operator = user.has_perm(access.OPERATE)
    skips = is_operator or (task.policy.skippable and task.is_led)
    return {
        "assign": ended or _unless(Code.NOT_LEAD, is_own_to_give or task.is_led),
        "move": ended or _unless(Code.NOT_LEAD, is_own_to_give or task.is_led),
        "escalate": ended or _unless(Code.NOT_LEAD, is_mine or task.is_led),
        "update": ended or _unless(Code.NOT_LEAD, is_operator or task.is_led),
        "declare-conflict": ended or (None if task.may_review else _not_eligible(task)),
        "answer": _answer(task, user),
        "comment": _unless(Code.NOT_ALLOWED, task.sees_data or task.asked_of == user),
        "skip": ended or _unless(Code.NOT_ALLOWED, skips),
        "override": ended or _unless(Code.NOT_ALLOWED, access.may_override(user)),
    }


def _of_review(task: HumanTask, user: User) -> dict[str, Refused]:
    """What several people decide together; nothing of it for other tasks."""
    standing = rounds.of(task, user, sees=task.sees_data)
    if standing is None:
        return {}
    sits = None if standing.sits else seats.no_seat(task, user).code
    if task.status != Status.IN_REVIEW:
        sits = refusing.conflict(task, user, held=Code.NOT_ASSIGNEE).code
    if standing.is_check:
        own = {"approve": sits, "return": sits}
    else:
        own = {"vote": None if standing.may_change else sits}
        own["complete"] = own["vote"]
    if task.status == Status.IN_REVIEW:
        own |= {"claim": _seat(task, user, standing), "release": sits, "draft": sits}
    return own


def _seat(task: HumanTask, user: User, standing: rounds.Standing) -> Refused:
    if refused := refusing.not_reviewer(task, user):
        return refused.code
    return _unless(Code.ALREADY_CLAIMED, standing.mine or standing.free)


def _unless(code: Code, may: object) -> Refused:
    return None if may else code


def _not_eligible(task: HumanTask) -> Refused:
    if task.may_answer:
        return None
    return Code.REQUESTER if task.excluded_why else Code.NOT_ELIGIBLE


def _claim(task: HumanTask, user: User) -> Refused:
    if refused := _not_eligible(task):
        return refused
    if task.status == Status.READY or (task.status == Status.CLAIMED and task.assignee == user):
        return None
    return refusing.conflict(task, user).code


def _holds(task: HumanTask, user: User, *statuses: str) -> Refused:
    if task.assignee != user:
        return refusing.conflict(task, user, held=Code.NOT_ASSIGNEE).code
    return None if task.status in statuses else Code.WRONG_STATE


def _has_paused(task: HumanTask, user: User, kind: Pause) -> Refused:
    if task.assignee != user:
        return refusing.conflict(task, user, held=Code.NOT_ASSIGNEE).code
    return _unless(Code.WRONG_STATE, task.pause_kind == kind)


def _answer(task: HumanTask, user: User) -> Refused:
    if task.pause_kind != Pause.INFO:
        return Code.WRONG_STATE
    return _unless(Code.NOT_ALLOWED, task.asked_of == user or task.is_led)
