"""Why something could not be done, told to people: who, when, and what now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from humantasks.inbox.errors import Code, NotEligible, TaskConflict
from humantasks.models import HumanTask, Status


@dataclass(frozen=True, slots=True)
class Explanation:
    """The code for programs, then what happened, who did it and when."""

    code: str
    title: str
    text: str


def clock_time(at: datetime | None) -> str:
    """The time of today, else the date and the time: in the reader's zone, which it names."""
    if at is None:
        return ""
    here = timezone.localtime(at)
    time = f"{date_format(here, 'H:i')} {here.tzname()}"
    is_today = here.date() == timezone.localdate()
    return time if is_today else f"{date_format(here, 'SHORT_DATE_FORMAT')} {time}"


def explain(conflict: TaskConflict) -> Explanation:
    """Who was faster, when, and how."""
    facts = {"who": conflict.by or _("The workflow"), "at": clock_time(conflict.at)}
    title, text = _told(conflict)
    text %= facts
    # After the facts are in: what people wrote may hold a percent sign.
    if conflict.reason:
        text = f"{text} {_('Reason:')} {conflict.reason}"
    return Explanation(conflict.code, title % facts, text)


def _told(conflict: TaskConflict) -> tuple[str, str]:
    if (told := _special(conflict)) is not None:
        return told
    return _conflicts().get(
        conflict.code, (_("This task is not what it was"), _("It has changed at %(at)s."))
    )


def _special(conflict: TaskConflict) -> tuple[str, str] | None:
    """What depends on more than the code."""
    key: tuple[str, str] = (conflict.code, conflict.task.status)
    if key == (Code.ALREADY_COMPLETED, Status.COMPLETED) and conflict.is_me:
        return (
            _("You have already completed this task"),
            _("You did so in another window at %(at)s. That answer stands."),
        )
    if conflict.code == Code.WITHDRAWN and conflict.by:
        return _("This task was withdrawn"), _("%(who)s cancelled the run at %(at)s.")
    return _by_status().get(key)


def _by_status() -> dict[tuple[str, str], tuple[str, str]]:
    return {
        (Code.ALREADY_COMPLETED, Status.SKIPPED): (
            _("This task was skipped"),
            _("%(who)s decided so at %(at)s."),
        ),
        (Code.ALREADY_COMPLETED, Status.FAILED): (
            _("This task cannot be done"),
            _("%(who)s said so at %(at)s, and the workflow was told."),
        ),
        (Code.NOT_ASSIGNEE, Status.READY): (
            _("You no longer hold this task"),
            _("It is free since %(at)s: you can claim it again."),
        ),
        (Code.WRONG_STATE, Status.IN_REVIEW): (
            _("Others look at this task now"),
            _("%(who)s sent it on or took part in it at %(at)s. Nothing is left for you to send."),
        ),
        (Code.ALREADY_COMPLETED, Status.IN_REVIEW): (
            _("You have already voted"),
            _("You did so at %(at)s, and votes on this task stand."),
        ),
        (Code.ALREADY_CLAIMED, Status.IN_REVIEW): (
            _("All seats are taken"),
            _("%(who)s took the last one at %(at)s."),
        ),
        (Code.NOT_ASSIGNEE, Status.IN_REVIEW): (
            _("You have no seat at this task"),
            _("%(who)s has one since %(at)s."),
        ),
        (Code.WRONG_STATE, Status.PAUSED): (
            _("You have put this task aside"),
            _("That was at %(at)s. Take it up again to go on."),
        ),
    }


def _conflicts() -> dict[Code, tuple[str, str]]:
    return {
        Code.ALREADY_COMPLETED: (
            _("%(who)s has already completed this task"),
            _("That was at %(at)s."),
        ),
        Code.ALREADY_CLAIMED: (
            _("%(who)s has already claimed this task"),
            _("That was at %(at)s."),
        ),
        Code.NOT_ASSIGNEE: (
            _("You no longer hold this task"),
            _("%(who)s has held it since %(at)s."),
        ),
        Code.WITHDRAWN: (
            _("This task was withdrawn"),
            _("The run does not need an answer since %(at)s."),
        ),
        Code.EXPIRED: (
            _("The time for this task is over"),
            _("It expired at %(at)s, and the workflow went on without an answer."),
        ),
        Code.STALE: (
            _("What you judge has changed since you opened this page"),
            _("Look at it again below, then decide again."),
        ),
        Code.DRAFT_CONFLICT: (
            _("You have typed into this form in another window"),
            _("That was saved at %(at)s."),
        ),
        Code.IDEMPOTENCY_MISMATCH: (
            _("This form was already sent, with another answer"),
            _("The answer of %(at)s stands."),
        ),
    }


def refusal(refused: NotEligible) -> Explanation:
    """Why this person may not do this with the task, or with any."""
    title, text = _refusals().get(
        refused.why or refused.code,
        (
            _("You may not answer this task"),
            _("You are in none of the teams that it was sent to."),
        ),
    )
    return Explanation(refused.code, title, text % {"limit": refused.limit or 0})


def _refusals() -> dict[str, tuple[str, str]]:
    own = _("You cannot answer this task yourself")
    return {
        "requester": (own, _("You started the run that asks. Somebody else must decide.")),
        "decider": (
            own,
            _("You have decided another task of this run. Somebody else must decide this one."),
        ),
        "named": (own, _("Whoever wrote this workflow has excluded you from this task.")),
        "maker": (own, _("You have proposed how to decide it. Somebody else must check that.")),
        "rounds": (own, _("It was sent back to you too often. Somebody else must decide it.")),
        "checker": (
            _("You may not check this task"),
            _("Somebody else of those who check must do it."),
        ),
        "conflict": (own, _("You have said that you must not decide it.")),
        Code.REQUESTER: (own, _("You are excluded from it. Somebody else must decide.")),
        Code.CLAIM_LIMIT: (
            _("You hold as many tasks as you may"),
            _("Your limit is %(limit)s. Finish one, or give one back."),
        ),
        Code.NOT_LEAD: (
            _("Only a lead of the team can do this"),
            _("Ask a lead, or say it in a comment."),
        ),
        Code.NOT_ALLOWED: (
            _("You may not do this with this task"),
            _("Its type does not allow it, or it is not yours to do."),
        ),
    }


def why_locked(task: HumanTask) -> str:
    """In few words, why a free task is not the reader's. `task` carries `excluded_why`."""
    words = {
        "requester": _("You started this run"),
        "decider": _("You decided another task of this run"),
        "named": _("You are excluded"),
        "conflict": _("You declared a conflict"),
        "rounds": _("It was sent back to you too often"),
    }
    return words.get(task.excluded_why or "", "")


def why_not(task: HumanTask) -> Explanation:
    """Why a free task is not the reader's to take. `task` carries `excluded_why`."""
    code = Code.REQUESTER if task.excluded_why else Code.NOT_ELIGIBLE
    return refusal(NotEligible(code, task, why=task.excluded_why or ""))
