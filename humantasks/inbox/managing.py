"""How pressing a task is: what its leads and operators may change while it is open."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from humantasks import access
from humantasks.inbox import timing
from humantasks.inbox.audit import Entry
from humantasks.inbox.changing import change_locked, locked, must_be_open, said
from humantasks.inbox.errors import Code, FieldError, InvalidAnswer, NotEligible
from humantasks.models import HumanTask, Priority, TaskCandidate, TeamProfile
from orchestrator import clock

if TYPE_CHECKING:
    from django.contrib.auth.models import Group, User


@transaction.atomic
def set_priority(task: HumanTask, *, user: User, priority: int) -> HumanTask:
    """Change how pressing an open task is. Who is judging it is not disturbed.

    Raises InvalidAnswer for what is no priority, NotEligible for who is neither lead nor
    operator, and TaskConflict when it has ended.
    """
    now = _managed(task, user)
    if priority not in Priority.values:
        raise InvalidAnswer([FieldError(("priority",), _("Choose a priority"), "enum")])
    if priority == now.priority:
        return now
    changes = {"priority": [now.priority, priority]}
    entry = Entry(verb="updated", actor=user, at=clock.now(), changes=changes)
    return change_locked(now, entry, priority=priority)


@transaction.atomic
def set_due(task: HumanTask, *, user: User, due_at: datetime | None, reason: str = "") -> HumanTask:
    """Change when an open task is due. A later time, or none, needs a reason.

    Raises InvalidAnswer without it, NotEligible for who is neither lead nor operator, and
    TaskConflict when it has ended.
    """
    now = _managed(task, user)
    if due_at == now.due_at:
        return now
    if now.due_at is not None and (due_at is None or due_at > now.due_at):
        reason = said(reason, _("Say why it may be later"))
    changes = {"due_at": [_text(now.due_at), _text(due_at)]}
    entry = Entry(
        verb="updated", actor=user, at=clock.now(), changes=changes, reason=reason.strip()
    )
    changed = change_locked(now, entry, due_at=due_at)
    timing.move_timers(changed)
    return changed


@transaction.atomic
def escalate(task: HumanTask, *, user: User, note: str) -> HumanTask:
    """Bring an open task to the team above, whose leads and members then see it, too.

    For who holds it, and for leads. Raises InvalidAnswer without a note or when there is no
    team above, NotEligible for anybody else, and TaskConflict when it has ended.
    """
    note = said(note, _("Say why you escalate it"))
    now = locked(task)
    must_be_open(now, user)
    if now.assignee != user and not access.is_lead(user, now):
        raise NotEligible(Code.NOT_LEAD, now)
    above = _team_above(now)
    level = now.escalation_level + 1
    changes = {"escalation_level": [now.escalation_level, level]}
    entry = Entry(verb="escalated", actor=user, at=clock.now(), reason=note, changes=changes)
    TaskCandidate.objects.get_or_create(
        task=now,
        kind=TaskCandidate.Kind.CANDIDATE,
        group=above,
        defaults={"name": above.name},
    )
    return change_locked(
        now,
        entry,
        escalation_level=level,
        priority=max(now.priority, Priority.HIGH),
        unroutable=False,
    )


def _team_above(task: HumanTask) -> Group:
    """The team so many levels above the task's as it will have been escalated."""
    found = TeamProfile.objects.filter(group=task.team_id).first()
    for _level in range(task.escalation_level + 1):
        found = found.parent if found else None
    if found is None:
        words = _("No team stands above this one. Ask a lead to assign it")
        raise InvalidAnswer([FieldError((), words, "no_team")])
    return found.group


def _managed(task: HumanTask, user: User) -> HumanTask:
    now = locked(task)
    must_be_open(now, user)
    if not access.is_manager(user, now):
        raise NotEligible(Code.NOT_LEAD, now)
    return now


def _text(at: datetime | None) -> str:
    return "" if at is None else at.isoformat()
