"""The history of a task, told to people: what its audit says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from humantasks import plain
from humantasks.models import HumanTask, Priority, TaskAudit
from humantasks.wording import clock_time


@dataclass(frozen=True, slots=True)
class Line:
    """One entry of the history as it is shown."""

    who: str
    what: str
    at: datetime
    icon: str
    family: str = ""
    said: str = ""


def of(task: HumanTask) -> list[Line]:
    """What happened to a task `for_reader`, the latest first. Comments stand elsewhere."""
    entries = task.audit.exclude(verb="commented").order_by("-seq")
    return [_line(entry, task) for entry in entries]


def latest_move(task: HumanTask) -> Line:
    """What happened last, but for what people say and how pressing the task is."""
    moves = task.audit.exclude(verb__in=["commented", "claim_refused", "updated"])
    return _line(moves.latest("seq"), task)


def _line(entry: TaskAudit, task: HumanTask) -> Line:
    icon, family = _LOOKS.get(entry.verb, ("info", ""))
    outcome = task.outcomes.get(entry.code) if entry.verb in _DECISIONS else None
    if outcome is not None and not outcome.positive:
        icon, family = "x", ""
    names_somebody = entry.verb in _NAMES_SOMEBODY or entry.code == "overdue"
    said = "" if names_somebody else entry.reason
    who = entry.actor_label or _("The workflow")
    if entry.on_behalf_of:
        who = _("%(who)s, for %(owner)s,") % {"who": who, "owner": entry.on_behalf_of}
    return Line(who, _what(entry, task), entry.at, icon, family, said)


_DECISIONS = ("completed", "overridden", "proposed", "approved", "voted", "vote_changed")
# Their reason is a name, which stands in the sentence.
_NAMES_SOMEBODY = (
    "created",
    "lease_expired",
    "access_lost",
    "info_requested",
    "attached",
    "replaced",
)

_LOOKS = {
    "created": ("inbox", "is-human"),
    "claimed": ("user-check", "is-running"),
    "released": ("undo-2", ""),
    "passed": ("skip-forward", ""),
    "lease_expired": ("timer-off", "is-retry"),
    "access_lost": ("lock", "is-retry"),
    "claim_refused": ("lock", "is-retry"),
    "declared_conflict": ("lock", "is-retry"),
    "assigned": ("user", "is-running"),
    "delegated": ("users", "is-running"),
    "moved": ("arrow-right", ""),
    "snoozed": ("moon", "is-waiting"),
    "woke": ("clock", ""),
    "info_requested": ("hourglass", "is-waiting"),
    "info_answered": ("check", ""),
    "updated": ("settings", ""),
    "attached": ("paperclip", ""),
    "replaced": ("paperclip", ""),
    "forgotten": ("archive-x", ""),
    "escalated": ("triangle-alert", "is-retry"),
    "completed": ("check", "is-ok"),
    "overridden": ("check", "is-ok"),
    "proposed": ("users", "is-waiting"),
    "approved": ("check", "is-ok"),
    "returned": ("undo-2", "is-retry"),
    "voted": ("user-check", "is-waiting"),
    "vote_changed": ("rotate-cw", "is-waiting"),
    "skipped": ("skip-forward", ""),
    "failed": ("x", "is-failed"),
    "expired": ("timer-off", "is-failed"),
    "withdrawn": ("ban", ""),
}


def _what(entry: TaskAudit, task: HumanTask) -> str:
    match entry.verb:
        case "created":
            return _created(entry, task)
        case "claimed" | "assigned" if entry.code:
            return _seated(entry)
        case verb if verb in _DECISIONS:
            return _decided(entry, task)
        case "updated":
            return _updated(entry)
        case "withdrawn":
            return _withdrawals(entry)
    is_hidden = entry.verb in ("attached", "replaced") and not task.sees_data
    words = _("added a file") if is_hidden else _verbs().get(entry.verb, entry.verb)
    if entry.verb == "escalated" and entry.code == "overdue":
        words = _("escalated the task to %(name)s: it is overdue")
    old, new = _changed(entry)
    return words % {"name": entry.reason, "old": old, "new": new}


def _created(entry: TaskAudit, task: HumanTask) -> str:
    if entry.code == "assigned":
        return _("asked, and assigned it to %(who)s") % {"who": entry.reason}
    return _("asked %(team)s") % {"team": ", ".join(task.assign_to)}


def _seated(entry: TaskAudit) -> str:
    """Of a task in review it is a seat that somebody takes, or gets."""
    _old, new = _changed(entry)
    if entry.verb == "assigned":
        return _("had %(who)s look at it") % {"who": new}
    return _("took it to check") if entry.code == "checker" else _("took a seat to vote")


def _decided(entry: TaskAudit, task: HumanTask) -> str:
    outcome = task.outcomes.get(entry.code)
    words = {
        "completed": _("decided: %(outcome)s"),
        "overridden": _("decided past the rules: %(outcome)s"),
        "proposed": _("proposed: %(outcome)s"),
        "approved": _("approved the proposal: %(outcome)s"),
        "voted": _("voted: %(outcome)s"),
        "vote_changed": _("changed their vote: %(outcome)s"),
    }[entry.verb]
    if "votes" in entry.changes:
        words = _("ended the vote: %(outcome)s")
        if entry.changes["is_tie"]:
            words = _("ended the vote, which was even: %(outcome)s")
    elif not entry.code:
        words = _("voted") if entry.verb == "voted" else _("changed their vote")
    return words % {"outcome": plain.shown(outcome.label) if outcome else entry.code}


def _changed(entry: TaskAudit) -> tuple[str, str]:
    """Old and new of the one thing that an entry says it changed."""
    for name, value in entry.changes.items():
        if isinstance(value, list):
            old, new = (_shown(name, one) for one in value)
            return old, new
    return "", ""


def _shown(name: str, value: object) -> str:
    if name == "priority":
        return str(Priority(int(str(value))).label)
    if name in ("due_at", "until") and value:
        return clock_time(datetime.fromisoformat(str(value)))
    return str(value)


def _updated(entry: TaskAudit) -> str:
    old, new = _changed(entry)
    if "priority" in entry.changes:
        words = _("changed the priority from %(old)s to %(new)s")
    elif not new:
        words = _("took away the due time")
    else:
        words = _("changed the due time to %(new)s")
    return words % {"old": old, "new": new}


def _verbs() -> dict[str, str]:
    return {
        "claimed": _("claimed the task"),
        "released": _("gave the task back"),
        "passed": _("let the task pass"),
        "lease_expired": _("set the task free: %(name)s had done nothing for too long"),
        "access_lost": _("set the task free: %(name)s may not answer it any more"),
        "claim_refused": _("tried to claim the task, and must not answer it"),
        "declared_conflict": _("must not decide this task"),
        "assigned": _("assigned the task to %(new)s"),
        "delegated": _("let %(new)s work on the task"),
        "moved": _("moved the task to %(new)s"),
        "snoozed": _("put the task aside until %(new)s"),
        "woke": _("took the task up again"),
        "returned": _("sent the proposal back"),
        "info_requested": _("asked %(name)s a question"),
        "info_answered": _("answered the question"),
        "question_withdrawn": _("went on without an answer"),
        "attached": _("added the file %(name)s"),
        "replaced": _("put the file %(name)s in the place of another"),
        "forgotten": _("removed the data: it was kept long enough"),
        "escalated": _("escalated the task"),
        "skipped": _("skipped the task"),
        "failed": _("said that the task cannot be done"),
        "expired": _("went on: nobody answered in time"),
    }


def _withdrawals(entry: TaskAudit) -> str:
    if entry.code == "cancelled" and entry.actor_label:
        return _("cancelled the run, which withdrew the task")
    words = {
        "cancelled": _("withdrew the task: the run was cancelled"),
        "abandoned": _("withdrew the task: the run went on without it"),
        "finished": _("withdrew the task: the run has ended"),
    }
    return words.get(entry.code, _("withdrew the task"))
