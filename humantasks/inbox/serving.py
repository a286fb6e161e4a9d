"""Next mode: the most pressing task that a person may answer, claimed for them at once."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import connection, transaction

from humantasks.inbox import limits
from humantasks.inbox.audit import Entry, through
from humantasks.inbox.changing import give_back, locked, must_hold
from humantasks.inbox.claiming import take
from humantasks.inbox.errors import Code, NotEligible
from humantasks.models import HELD, HumanTask, TaskPass
from humantasks.querysets import TaskQuerySet
from orchestrator import clock

if TYPE_CHECKING:
    from django.contrib.auth.models import User

# How long a task that somebody let pass is not served to them.
PASS_FOR = timedelta(hours=1)

MOST_TRIES = 5


@transaction.atomic
def claim_next(*, user: User, among: TaskQuerySet | None = None) -> HumanTask | None:
    """Claim the most pressing free task (of `among`) for this person. None: there is none.

    Of many who ask at once, each gets another task. Raises NotEligible when the person
    holds as many as they may.
    """
    limit = limits.lock(user).claim_limit
    if limit is not None and limits.all_held(user) >= limit:
        raise NotEligible(Code.CLAIM_LIMIT, None, limit=limit)
    tasks = HumanTask.objects.all() if among is None else among
    free = tasks.free_for(user).not_passed_by(user)
    if full := limits.full_teams(user):
        free = free.exclude(team__in=full)
    for _ in range(MOST_TRIES):
        found = _first(free)
        if found is None:
            return None
        with through("next"):
            if take(found, user, clock.now()):
                return HumanTask.objects.get(pk=found.pk)
    return None


def _first(free: TaskQuerySet) -> HumanTask | None:
    """The first task that nobody else is just looking at; if that leaves none, the first."""
    ordered = free.most_pressing_first()
    if connection.features.has_select_for_update_skip_locked:
        found = ordered.select_for_update(of=("self",), skip_locked=True).first()
        if found is not None:
            return found
    return ordered.select_for_update(of=("self",)).first()


@transaction.atomic
def let_pass(task: HumanTask, *, user: User, reason: str = "") -> HumanTask:
    """Give a task back, and do not have it served to this person for an hour.

    Raises TaskConflict when it is not theirs any more.
    """
    now = locked(task)
    must_hold(now, user, *HELD)
    at = clock.now()
    TaskPass.objects.update_or_create(task=now, user=user, defaults={"until": at + PASS_FOR})
    return give_back(now, Entry(verb="passed", actor=user, at=at, reason=reason.strip()))
