"""How many tasks a person may hold at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import OuterRef, QuerySet, Subquery

from humantasks.inbox.errors import Code, NotEligible
from humantasks.models import HELD, HumanTask, ReviewerState, Status, TaskSeat, TeamProfile

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def lock(user: User) -> ReviewerState:
    """Let nobody else, and no other window, give this person a task until we are done.

    Take it before any task's row.
    """
    ReviewerState.objects.get_or_create(user=user)
    return ReviewerState.objects.select_for_update().get(user=user)


def check(task: HumanTask, user: User) -> None:
    """Raises NotEligible when the person holds as many tasks as they may.

    Locks the person only if there is a limit at all.
    """
    of_team, own = _limits(task, user)
    if of_team is None and own is None:
        return
    mine = HumanTask.objects.filter(assignee=user, status__in=HELD)
    limit = lock(user).claim_limit
    if HumanTask.objects.filter(pk=task.pk, assignee=user, status=Status.CLAIMED).exists():
        return
    seats = _seats(user)
    if seats.filter(task=task).exists():
        return
    if limit is not None and mine.count() + seats.count() >= limit:
        raise NotEligible(Code.CLAIM_LIMIT, task, limit=limit)
    in_team = seats.filter(task__team=task.team_id)
    if of_team is not None and mine.filter(team=task.team_id).count() + in_team.count() >= of_team:
        raise NotEligible(Code.CLAIM_LIMIT, task, limit=of_team)


def full_teams(user: User) -> list[int]:
    """The teams of which the (locked) person holds as many tasks as they may."""
    limits = TeamProfile.objects.filter(group__user=user, claim_limit__isnull=False)
    held, seats = HumanTask.objects.filter(assignee=user, status__in=HELD), _seats(user)
    return [
        group
        for group, limit in limits.values_list("group_id", "claim_limit")
        if limit is not None
        and held.filter(team=group).count() + seats.filter(task__team=group).count() >= limit
    ]


def all_held(user: User) -> int:
    """How many tasks, and seats of tasks in review, the person holds."""
    tasks = HumanTask.objects.filter(assignee=user, status__in=HELD)
    return tasks.count() + _seats(user).count()


def _seats(user: User) -> QuerySet[TaskSeat]:
    return TaskSeat.objects.filter(user=user, status=TaskSeat.Status.TAKEN)


def _limits(task: HumanTask, user: User) -> tuple[int | None, int | None]:
    """That of the task's team, and that of the person. One query."""
    of_team = TeamProfile.objects.filter(group=OuterRef("team")).values("claim_limit")
    own = ReviewerState.objects.filter(user=user).values("claim_limit")
    found = HumanTask.objects.filter(pk=task.pk)
    of_team_and_own: tuple[int | None, int | None]
    of_team_and_own = found.values_list(Subquery(of_team), Subquery(own)).get()
    return of_team_and_own
