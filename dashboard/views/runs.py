"""The runs list, and its live rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.http import HttpResponse, HttpResponseBadRequest, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe
from django_htmx.http import push_url

from dashboard.access import SEES_RUNS, OperatorRequest, permitted, sees_payloads
from dashboard.forms import RunFilter
from dashboard.live import capped, is_seen, unchanged, wants_part
from dashboard.queries import runs as queries
from dashboard.queries.runs import CAP, FAMILIES, PAGE, Filter, Page
from dashboard.rows import Row
from humantasks.present import Look, look
from orchestrator.core.definition import registry


@dataclass(frozen=True)
class Chip:
    """A family to filter by, as a link that adds it or takes it away."""

    name: str
    word: str
    look: Look
    query: str
    is_on: bool


@require_safe
@permitted(*SEES_RUNS)
def run_list(request: OperatorRequest) -> HttpResponse:
    form = RunFilter(request.GET)
    wanted = form.wanted()
    page = queries.page(
        wanted,
        before=form.cleaned_data.get("before"),
        after=form.cleaned_data.get("after"),
        sees_payloads=sees_payloads(request.user),
    )
    context = {
        "form": form,
        "wanted": wanted,
        "chips": [_chip(wanted, name) for name in FAMILIES],
        "any_status": _query(wanted, families=()),
        "workflows": _workflow_names(wanted),
        "pager": _pager(wanted, page),
        **_rows(wanted, page.rows, is_first=page.is_first),
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    if not wants_part(request):
        return render(request, "dashboard/runs.html", context, status=status)
    part = render(request, "dashboard/_runs.html", context, status=status)
    # The address without the fields that are empty, and without the cursor.
    return push_url(part, f"{request.path}?{_query(wanted)}")


@require_safe
@permitted(*SEES_RUNS)
def run_rows(request: OperatorRequest) -> HttpResponse:
    """The rows that a page shows, as they are now; and how many more there would be."""
    try:
        shown = [UUID(one) for one in request.GET.get("shown", "").split(",") if one][:PAGE]
    except ValueError:
        return HttpResponseBadRequest("shown= takes ids")
    wanted, is_first = RunFilter(request.GET).wanted(), "first" in request.GET
    arrivals = queries.arrivals(wanted, shown) if is_first else 0
    if is_seen(request, _tag(queries.revision(shown), arrivals)):
        return unchanged()
    rows = queries.rows_of(shown, sees_payloads=sees_payloads(request.user))
    context = _rows(wanted, rows, is_first=is_first, arrivals=arrivals)
    return render(request, "dashboard/_rows.html", context)


def _rows(
    wanted: Filter, rows: Sequence[Row], *, is_first: bool, arrivals: int = 0
) -> dict[str, Any]:
    """What `_rows.html` needs, with the address at which it asks again."""
    live = _params(wanted)
    live["shown"] = ",".join(row.id.hex for row in rows)
    if is_first:
        live["first"] = "1"
    return {
        "wanted": wanted,
        "rows": rows,
        "arrivals": f"{arrivals}+" if arrivals >= PAGE else arrivals,
        "first_page": _query(wanted),
        "live_url": f"{reverse('dashboard:run_rows')}?{live.urlencode(safe=',')}",
        "tag": _tag(sum(row.rev for row in rows), arrivals),
    }


def _tag(revision: int, arrivals: int) -> str:
    return f"{revision}.{arrivals}"


def _pager(wanted: Filter, page: Page) -> dict[str, str]:
    """What `_pager.html` needs. Nothing is counted that nothing narrows."""
    number = len(page.rows)
    summary = f"{number} run{'' if number == 1 else 's'}"
    if wanted.is_countable and (page.older or not page.is_first):
        summary = f"{number} of {capped(queries.count(wanted), CAP)}"
    return {
        "newer": _query(wanted, after=page.newer) if page.newer else "",
        "older": _query(wanted, before=page.older) if page.older else "",
        "summary": summary,
    }


def _chip(wanted: Filter, name: str) -> Chip:
    is_on = name in wanted.families
    chosen = [one for one in FAMILIES if (one in wanted.families) != (one == name)]
    family = FAMILIES[name]
    shown = look(family.status, family.wait_kind)
    return Chip(name, family.word, shown, _query(wanted, families=chosen), is_on)


def _workflow_names(wanted: Filter) -> list[str]:
    """The names to choose from; the one that is chosen may be gone from the code."""
    return sorted({one.name for one in registry} | ({wanted.workflow} - {""}))


def _query(wanted: Filter, *, families: Sequence[str] | None = None, **cursor: UUID) -> str:
    params = _params(wanted, families)
    for name, run_id in cursor.items():
        params[name] = str(run_id)
    return params.urlencode()


def _params(wanted: Filter, families: Sequence[str] | None = None) -> QueryDict:
    """The filter as a query string has it, without what is empty."""
    params = QueryDict(mutable=True)
    params.setlist("status", list(wanted.families if families is None else families))
    for name, value in (
        ("workflow", wanted.workflow),
        ("q", wanted.text),
        ("ended", wanted.ended),
    ):
        if value:
            params[name] = value
    return params
