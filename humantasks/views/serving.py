"""Next mode: one task after the other. `serve` in the address or the form says that it is on,
and holds the filters of the list from which the tasks come.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib.auth import get_user_model
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from humantasks import inbox, wording
from humantasks.counts import CappedCount, shown
from humantasks.inbox import NotEligible
from humantasks.models import HumanTask
from humantasks.querysets import TaskQuerySet
from humantasks.views.common import ReviewerRequest, page
from humantasks.views.filters import Filters

# What stands for no filters, since an empty text is no mode at all.
ALL = "all"
MAX_MODE = 500


@dataclass(frozen=True, slots=True)
class Progress:
    """What is left of the list, and what the person has done today."""

    left: str
    done: str


def mode(request: ReviewerRequest) -> str:
    """The filters of Next mode as a query, or `all`; empty when it is off."""
    given = request.POST.get("serve") or request.GET.get("serve", "")
    if not given:
        return ""
    return Filters.of_query(given[:MAX_MODE]).query or ALL


def with_mode(request: ReviewerRequest, url: str) -> str:
    """The address, in the mode of the request."""
    now = mode(request)
    return f"{url}?{urlencode({'serve': now})}" if now else url


def go(request: ReviewerRequest, url: str) -> HttpResponse:
    """Lead the person to another page, in the same mode; from a dialog, too."""
    url = with_mode(request, url)
    if not request.htmx:
        return redirect(url)
    return HttpResponse(status=204, headers={"HX-Redirect": url})


def onwards(request: ReviewerRequest) -> HttpResponse:
    """What comes after a task: the next one in Next mode, the list otherwise."""
    if not mode(request):
        return go(request, reverse("humantasks:my_work"))
    try:
        served = inbox.claim_next(user=request.user, among=_among(request))
    except NotEligible:
        served = None
    if served is None:
        return go(request, reverse("humantasks:next"))
    return go(request, reverse("humantasks:task", args=[served.pk]))


@login_required
@require_safe
def start(request: ReviewerRequest) -> HttpResponse:
    """The page of Next mode before and after it: what is left, and what holds one up."""
    mine = HumanTask.objects.filter(assignee=request.user, closed_at=None)
    held = mine.filter(status="claimed").most_pressing_first().for_list()
    context = {
        "mode": mode(request) or ALL,
        "filters": Filters.of_query(mode(request)),
        "progress": progress(request),
        "held": list(held[:5]),
        "waiting": mine.filter(status="paused").count(),
    }
    return page(request, "next", context)


@login_required
@require_POST
def serve(request: ReviewerRequest) -> HttpResponse:
    """Claim the next task and show it."""
    try:
        served = inbox.claim_next(user=request.user, among=_among(request))
    except NotEligible as refused:
        why = wording.refusal(refused)
        context = {"refusal": why, "mode": mode(request) or ALL, "progress": progress(request)}
        held = HumanTask.objects.filter(assignee=request.user, status="claimed")
        context["held"] = list(held.most_pressing_first().for_list()[:5])
        return page(request, "next", context, status=403)
    if served is None:
        return redirect(with_mode(request, reverse("humantasks:next")))
    return redirect(with_mode(request, reverse("humantasks:task", args=[served.pk])))


def progress(request: ReviewerRequest) -> Progress:
    """One query for both numbers."""
    morning = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    free = _among(request).free_for(request.user).not_passed_by(request.user)
    done = HumanTask.objects.done_by(request.user).filter(closed_at__gte=morning)
    me = get_user_model()._default_manager.filter(pk=request.user.pk)
    left, today = me.values_list(CappedCount(free), CappedCount(done)).get()
    return Progress(shown(left) or "0", shown(today) or "0")


def _among(request: ReviewerRequest) -> TaskQuerySet:
    now = mode(request)
    filters = Filters() if now in ("", ALL) else Filters.of_query(now)
    return filters.narrow(HumanTask.objects.all())
