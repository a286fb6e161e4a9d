"""The lists: my work, the queue of my teams, what I have done; and their numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from humantasks.models import HumanTask
from humantasks.querysets import TaskQuerySet
from humantasks.views.common import ReviewerRequest, capped, counts_of, page

PAGE = 50
# Tasks that are asked for their type.
ENOUGH = 200
# A news bar counts no further.
MAX_NEWS = 99


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list is narrowed to. All of it stands in the address."""

    text: str
    type: str
    with_claimed: bool

    @classmethod
    def of(cls, request: ReviewerRequest) -> Filters:
        # PostgreSQL refuses a NUL, even to compare with.
        text, name = (request.GET.get(key, "").replace("\x00", "") for key in ("q", "type"))
        return cls(text[:200], name[:100], request.GET.get("show") == "open")

    @property
    def is_set(self) -> bool:
        return bool(self.text or self.type or self.with_claimed)

    @property
    def query(self) -> str:
        given = {"q": self.text, "type": self.type, "show": "open" if self.with_claimed else ""}
        return urlencode({name: value for name, value in given.items() if value})

    def narrow(self, tasks: TaskQuerySet) -> TaskQuerySet:
        return tasks.of_type(self.type).matching(self.text)


@login_required
@require_safe
def my_work(request: ReviewerRequest) -> HttpResponse:
    """What I have claimed."""
    return _list(request, "my_work", HumanTask.objects.my_work(request.user))


@login_required
@require_safe
def queue(request: ReviewerRequest) -> HttpResponse:
    """What waits for my teams; with `show=open` also what others of them have claimed."""
    return _list(request, "queue", _queue(request))


@login_required
@require_safe
def done(request: ReviewerRequest) -> HttpResponse:
    """What I have completed, the latest first."""
    tasks = HumanTask.objects.done_by(request.user)
    filters = Filters.of(request)
    shown = filters.narrow(tasks).latest_first().select_related("team")
    last = _last_seen(request)
    return _render_list(request, "done", tasks, filters, shown.before(last) if last else shown)


@login_required
@require_safe
def news(request: ReviewerRequest) -> HttpResponse:
    """Whether the queue has tasks that came after the page was made: a bar, or 204."""
    newest = _uuid(request.GET.get("newest", ""))
    tasks = Filters.of(request).narrow(_queue(request))
    if newest is not None:
        tasks = tasks.filter(id__gt=newest)
    number = len(tasks.values_list("id")[: MAX_NEWS + 1])
    if str(number) == request.GET.get("seen"):
        return HttpResponse(status=204)
    context = {
        "number": number,
        "newest": newest or "",
        "query": Filters.of(request).query,
        "text": ngettext("%(number)s new task", "%(number)s new tasks", number)
        % {"number": f"{MAX_NEWS}+" if number > MAX_NEWS else number},
    }
    return render(request, "humantasks/_news.html", context)


@login_required
@require_safe
def counts(request: ReviewerRequest) -> HttpResponse:
    """The numbers in the navigation; 204 when they are those that the page has (`seen`)."""
    found = counts_of(request.user)
    seen = ".".join(found.values())
    if request.GET.get("seen") == seen:
        return HttpResponse(status=204)
    return render(request, "humantasks/_counts.html", {"counts": found, "seen": seen})


def _queue(request: ReviewerRequest) -> TaskQuerySet:
    if Filters.of(request).with_claimed:
        return HumanTask.objects.open_for(request.user)
    return HumanTask.objects.queue_of(request.user)


def _list(request: ReviewerRequest, name: str, tasks: TaskQuerySet) -> HttpResponse:
    filters = Filters.of(request)
    shown = filters.narrow(tasks).most_pressing_first().for_list()
    last = _last_seen(request)
    return _render_list(request, name, tasks, filters, shown.after(last) if last else shown)


def _render_list(
    request: ReviewerRequest,
    name: str,
    tasks: TaskQuerySet,
    filters: Filters,
    shown: TaskQuerySet,
) -> HttpResponse:
    found = list(shown.with_exclusion_of(request.user)[: PAGE + 1])
    context: dict[str, Any] = {
        "list": name,
        "title": _titles()[name],
        "tasks": found[:PAGE],
        "more_after": found[PAGE - 1].id if len(found) > PAGE else None,
        "is_first_page": "after" not in request.GET,
        "newest": max((task.id for task in found), default=""),
        "filters": filters,
        "types": _types_of(tasks, filters.type),
        "total": capped(filters.narrow(tasks)),
    }
    return page(request, "list", context)


def _types_of(tasks: TaskQuerySet, chosen: str) -> list[str]:
    """The types to choose from: those of the most pressing tasks, and the chosen one."""
    found = set(tasks.most_pressing_first().values_list("type", flat=True)[:ENOUGH])
    return sorted(found | ({chosen} if chosen else set()))


def _titles() -> dict[str, str]:
    return {"my_work": _("My work"), "queue": _("Team queue"), "done": _("Done")}


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
