"""The lists: my work, my teams' queue, what to check, what I have done; and their numbers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from humantasks.counts import counts_and_news, counts_of, shown
from humantasks.models import HumanTask, Priority
from humantasks.querysets import TaskQuerySet
from humantasks.views import groups
from humantasks.views.common import ReviewerRequest, page
from humantasks.views.filters import Filters, due_choices
from humantasks.views.groups import Group

PAGE = 50
# Tasks that are asked for their type.
ENOUGH = 200


@login_required
@require_safe
def my_work(request: ReviewerRequest) -> HttpResponse:
    """What I have claimed, and what I was asked for information about."""
    return _list(request, "my_work", HumanTask.objects.my_work(request.user))


@login_required
@require_safe
def queue(request: ReviewerRequest) -> HttpResponse:
    """What waits for my teams; with `show=open` also what others of them have claimed."""
    return _list(request, "queue", _queue(request))


@login_required
@require_safe
def check(request: ReviewerRequest) -> HttpResponse:
    """What I check or vote on, and where a seat is free for me."""
    return _list(request, "check", HumanTask.objects.to_check(request.user))


@login_required
@require_safe
def done(request: ReviewerRequest) -> HttpResponse:
    """What I have completed, the latest first; with `show=checked` what I checked or voted on."""
    filters, mine = Filters.of(request.GET), HumanTask.objects
    tasks = mine.checked_by(request.user) if filters.with_checked else mine.done_by(request.user)
    ordered = filters.narrow(tasks).latest_first().select_related("team")
    last = _last_seen(request)
    return _render_list(request, "done", tasks, filters, ordered.before(last) if last else ordered)


@login_required
@require_safe
def news(request: ReviewerRequest) -> HttpResponse:
    """Whether the queue has tasks that came after the page was made, with the `counts`.

    A page that asks for news need not ask for its counts apart. 204 when both are as seen.
    """
    newest = _uuid(request.GET.get("newest", ""))
    tasks = Filters.of(request.GET).narrow(_queue(request))
    if newest is not None:
        tasks = tasks.filter(id__gt=newest)
    found, number = counts_and_news(request.user, tasks)
    if (str(number), found.seen) == (request.GET.get("seen"), request.GET.get("counts")):
        return HttpResponse(status=204)
    context = {
        "number": number,
        "newest": newest or "",
        "query": Filters.of(request.GET).query,
        "text": ngettext("%(number)s new task", "%(number)s new tasks", number)
        % {"number": shown(number)},
        "nav_counts": found,
        "is_answer": True,
    }
    return render(request, "humantasks/_news.html", context)


@login_required
@require_safe
def counts(request: ReviewerRequest) -> HttpResponse:
    """The numbers in the navigation; 204 when they are those that the page has (`seen`)."""
    found = counts_of(request.user)
    if request.GET.get("seen") == found.seen:
        return HttpResponse(status=204)
    return render(request, "humantasks/_counts.html", {"nav_counts": found, "is_answer": True})


def _queue(request: ReviewerRequest) -> TaskQuerySet:
    if Filters.of(request.GET).with_claimed:
        return HumanTask.objects.open_for(request.user)
    return HumanTask.objects.queue_of(request.user)


def _list(request: ReviewerRequest, name: str, tasks: TaskQuerySet) -> HttpResponse:
    filters = Filters.of(request.GET)
    ordered = filters.ordered(filters.narrow(tasks), _last_seen(request)).for_list()
    return _render_list(request, name, tasks, filters, ordered)


def _render_list(
    request: ReviewerRequest,
    name: str,
    tasks: TaskQuerySet,
    filters: Filters,
    ordered: TaskQuerySet,
) -> HttpResponse:
    found = list(ordered.with_exclusion_of(request.user)[: PAGE + 1])
    is_first_page, has_more = "after" not in request.GET, len(found) > PAGE
    context: dict[str, Any] = {
        "list": name,
        "title": _titles()[name],
        "labels": labels(),
        "tasks": found[:PAGE],
        "more_after": found[PAGE - 1].id if has_more else None,
        "is_first_page": is_first_page,
        # On this page the news bring the counts.
        "has_news": name == "queue" and is_first_page,
        "newest": max((task.id for task in found), default=""),
        "filters": filters,
        # A list of one page is short enough to be read in groups.
        "groups": _groups(request, name, found),
        # The part for htmx shows no filters, and most lists are shorter than a page.
        "choices": SimpleLazyObject(partial(_choices_of, tasks, filters)),
        "priorities": Priority.choices,
        "dues": due_choices(),
        "total": str(len(found)),
    }
    if has_more:
        # The numbers of the navigation come along, in the same query.
        counts, number = counts_and_news(request.user, filters.narrow(tasks).order_by())
        context |= {"nav_counts": counts, "total": shown(number)}
    return page(request, "list", context)


def _groups(request: ReviewerRequest, name: str, found: list[HumanTask]) -> list[Group]:
    is_all = "after" not in request.GET and len(found) <= PAGE
    return groups.of_my_work(found, request.user) if name == "my_work" and is_all else []


@dataclass(frozen=True, slots=True)
class Choices:
    """What a list can be narrowed to; nothing where there is no choice."""

    types: list[str]
    teams: list[str]


def _choices_of(tasks: TaskQuerySet, filters: Filters) -> Choices:
    """The types and the teams of the most pressing tasks, and those that are chosen."""
    found = tasks.most_pressing_first().values_list("type", "team__name")[:ENOUGH]
    types, teams = {filters.type}, {filters.team}
    for name, team in found:
        types.add(name)
        teams.add(team or "")
    several = sorted(teams - {""})
    return Choices(sorted(types - {""}), several if len(several) > 1 or filters.team else [])


def labels() -> dict[str, str]:
    """What the columns are called: looked up once, and not for each row."""
    return {
        "status": _("Status"),
        "team": _("Team"),
        "priority": _("Priority"),
        "due": _("Due"),
        "asked": _("Asked"),
        "decision": _("Decision"),
        "completed": _("Completed"),
    }


def _titles() -> dict[str, str]:
    return {
        "my_work": _("My work"),
        "queue": _("Team queue"),
        "check": _("To check"),
        "done": _("Done"),
    }


def _last_seen(request: ReviewerRequest) -> HumanTask | None:
    """The last task of the page before, in `?after=`; None for the first page."""
    last = _uuid(request.GET.get("after", ""))
    if last is None:
        return None
    return HumanTask.objects.visible_to(request.user).filter(pk=last).first()


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
