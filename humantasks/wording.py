"""What happened, told to people: conflicts and the history of a task."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from humantasks import plain
from humantasks.inbox.errors import Code, NotEligible, TaskConflict
from humantasks.models import HumanTask, TaskAudit


@dataclass(frozen=True, slots=True)
class Explanation:
    """The code for programs, then what happened, who did it and when."""

    code: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """One entry of the history as it is shown."""

    who: str
    what: str
    at: datetime
    icon: str
    family: str = ""
    said: str = ""


def clock_time(at: datetime | None) -> str:
    """The time of today, else the date and the time, in the reader's zone."""
    if at is None:
        return ""
    here = timezone.localtime(at)
    time = date_format(here, "H:i")
    is_today = here.date() == timezone.localdate()
    return time if is_today else f"{date_format(here, 'SHORT_DATE_FORMAT')} {time}"


def explain(conflict: TaskConflict) -> Explanation:
    """Who was faster, when, and how."""
    facts = {"who": conflict.by or _("The workflow"), "at": clock_time(conflict.at)}
    title, text = _told(conflict)
    return Explanation(conflict.code, title % facts, text % facts)


def _told(conflict: TaskConflict) -> tuple[str, str]:
    if conflict.code == Code.ALREADY_COMPLETED and conflict.is_me:
        return (
            _("You have already completed this task"),
            _("You did so in another window at %(at)s. That answer stands."),
        )
    if conflict.code == Code.NOT_ASSIGNEE and conflict.task.status == "ready":
        return (
            _("You no longer hold this task"),
            _("%(who)s gave it back at %(at)s. It is free: you can claim it again."),
        )
    if conflict.code == Code.WITHDRAWN:
        return _("This task was withdrawn"), _withdrawn(conflict)
    return _conflicts().get(
        conflict.code, (_("This task is not what it was"), _("It has changed at %(at)s."))
    )


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


def _withdrawn(conflict: TaskConflict) -> str:
    text = _("The run does not need an answer since %(at)s.")
    # What people wrote may hold a percent sign.
    reason = conflict.reason.replace("%", "%%")
    return f"{text} {_('Reason:')} {reason}" if reason else text


def refusal(refused: NotEligible) -> Explanation:
    """Why this person may not answer this task at all."""
    if refused.code == Code.REQUESTER:
        return Explanation(
            refused.code,
            _("You cannot answer this task yourself"),
            _("You started the run that asks. Somebody else must decide."),
        )
    return Explanation(
        refused.code,
        _("You may not answer this task"),
        _("You are in none of the teams that it was sent to."),
    )


def why_not(task: HumanTask) -> Explanation:
    """Why a free task is not the reader's to take. `task` carries `excluded_why`."""
    code = Code.REQUESTER if task.excluded_why else Code.NOT_ELIGIBLE
    return refusal(NotEligible(code, task, why=task.excluded_why or ""))


# ---- history -------------------------------------------------------------------------


def history(task: HumanTask) -> list[Line]:
    """What happened to a task, the latest first."""
    return [_line(entry, task) for entry in task.audit.order_by("-seq")]


def _line(entry: TaskAudit, task: HumanTask) -> Line:
    icon, family = _LOOKS.get(entry.verb, ("info", ""))
    outcome = task.outcomes.get(entry.code) if entry.verb == "completed" else None
    if outcome is not None and not outcome.positive:
        icon, family = "x", ""
    said = entry.reason if entry.verb in ("completed", "withdrawn") else ""
    who = entry.actor_label or _("The workflow")
    return Line(who, _what(entry, task), entry.at, icon, family, said)


_LOOKS = {
    "created": ("inbox", "is-human"),
    "claimed": ("user-check", "is-running"),
    "released": ("undo-2", ""),
    "claim_refused": ("lock", "is-retry"),
    "completed": ("check", "is-ok"),
    "expired": ("timer-off", "is-failed"),
    "withdrawn": ("ban", ""),
}


def _what(entry: TaskAudit, task: HumanTask) -> str:
    match entry.verb:
        case "created" if entry.code == "assigned":
            return _("asked, and assigned it to %(who)s") % {"who": entry.reason}
        case "created":
            return _("asked %(team)s") % {"team": ", ".join(task.assign_to)}
        case "completed":
            outcome = task.outcomes.get(entry.code)
            label = plain.shown(outcome.label) if outcome else entry.code
            return _("decided: %(outcome)s") % {"outcome": label}
        case "withdrawn":
            return _withdrawals().get(entry.code, _("withdrew the task"))
    return _verbs().get(entry.verb, entry.verb)


def _verbs() -> dict[str, str]:
    return {
        "claimed": _("claimed the task"),
        "released": _("gave the task back"),
        "claim_refused": _("tried to claim the task of their own run"),
        "expired": _("went on: nobody answered in time"),
    }


def _withdrawals() -> dict[str, str]:
    return {
        "cancelled": _("withdrew the task: the run was cancelled"),
        "abandoned": _("withdrew the task: the run went on without it"),
        "finished": _("withdrew the task: the run has ended"),
    }
