"""Where people land, and the overview."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from dashboard.access import SEES_RUNS, OperatorRequest, permitted, sees_payloads, sees_runs
from dashboard.filtering import USUAL
from dashboard.live import capped, is_seen, unchanged, wants_part
from dashboard.queries import overview as queries
from dashboard.queries.filters import FAMILIES
from dashboard.queries.overview import Overview
from dashboard.queries.runs import CAP
from humantasks.present import Look, look


@dataclass(frozen=True)
class Stat:
    """A number of the overview, and the list that it counts."""

    word: str
    look: Look
    number: str
    is_zero: bool
    href: str


@require_safe
def home(request: OperatorRequest) -> HttpResponse:
    """`/`: operators to their overview, everybody else to their inbox."""
    return redirect("dashboard:overview" if sees_runs(request.user) else "humantasks:my_work")


@require_safe
@permitted(*SEES_RUNS)
def overview(request: OperatorRequest) -> HttpResponse:
    found = queries.overview(sees_payloads=sees_payloads(request.user))
    attention = [_stat(found, "human"), _failed(found), _stat(found, "blocked")]
    now = list(_stats(found, ("running", "waiting", "retrying", "queued", "scheduled", "paused")))
    tag = _tag(found)
    if is_seen(request, tag):
        return unchanged()
    page = "_overview.html" if wants_part(request) else "overview.html"
    context = {
        "attention": attention,
        "now": now,
        "overview": found,
        "columns": USUAL,
        "tag": tag,
    }
    return render(request, f"dashboard/{page}", context)


def _stats(found: Overview, names: Iterable[str]) -> Iterable[Stat]:
    return (_stat(found, name) for name in names)


def _stat(found: Overview, name: str) -> Stat:
    family, number = FAMILIES[name], found.counts[name]
    href = f"{reverse('dashboard:runs')}?status={name}"
    return Stat(family.word, look(family.status, family.wait_kind), f"{number:,}", not number, href)


def _failed(found: Overview) -> Stat:
    href = f"{reverse('dashboard:runs')}?status=failed&ended=24h"
    number = capped(found.failed, CAP)
    return Stat("Failed in the last 24 h", look("failed"), number, not found.failed, href)


def _tag(found: Overview) -> str:
    counts = "-".join(str(number) for number in found.counts.values())
    newest = found.failures[0].id.hex[-8:] if found.failures else "none"
    return f"{counts}-{found.failed}-{newest}-{found.overdue}"
