"""The runs list, and its live rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.http import HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe
from django_htmx.http import push_url

from dashboard import saved
from dashboard.access import SEES_RUNS, OperatorRequest, permitted, sees_payloads
from dashboard.filtering import COLUMNS, PERIOD_WORDS, RunFilter, params, query
from dashboard.live import capped, is_seen, unchanged, wants_part
from dashboard.queries import runs as queries
from dashboard.queries.filters import FAMILIES, PERIODS, Filter, Pairs
from dashboard.queries.limits import TookTooLong, within
from dashboard.queries.runs import CAP, PAGE, Page
from dashboard.rows import Row, short_id
from dashboard.saved import View
from humantasks.present import Look, look
from orchestrator.core.definition import registry

# A list that takes longer is of no use to whoever waits for it, and a burden for the others.
LIMIT = timedelta(seconds=2)


@dataclass(frozen=True)
class Chip:
    """A family to filter by, as a link that adds it or takes it away."""

    name: str
    word: str
    look: Look
    query: str
    is_on: bool


@dataclass(frozen=True)
class Active:
    """A filter that is on and has no field of its own, as a link that takes it away."""

    name: str
    value: str
    query: str


@require_safe
@permitted(*SEES_RUNS)
def run_list(request: OperatorRequest) -> HttpResponse:
    views = [] if wants_part(request) else saved.views(request.user)
    usual = next((one.query for one in views if one.is_default), "")
    if usual and not request.GET:
        return redirect(f"{request.path}?{usual}")
    form = RunFilter(request.GET)
    wanted = form.wanted()
    try:
        with within(LIMIT):
            page = _page(request, form, wanted)
            if not page.rows and form.misses_workflow():
                wanted = form.wanted()
                page = _page(request, form, wanted)
    except TookTooLong:
        return _too_slow(request, form, wanted, views)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return _answer(request, _context(form, wanted, page) | {"views": views}, status)


def _page(request: OperatorRequest, form: RunFilter, wanted: Filter) -> Page:
    return queries.page(
        wanted,
        before=form.cleaned_data.get("before"),
        after=form.cleaned_data.get("after"),
        sees_payloads=sees_payloads(request.user),
        counts=wanted.narrows,
    )


def _context(form: RunFilter, wanted: Filter, page: Page) -> dict[str, Any]:
    columns = form.columns()
    return {
        "form": form,
        "wanted": wanted,
        "chips": [_chip(wanted, columns, name) for name in FAMILIES],
        "active": list(_active(wanted, columns)),
        "any_status": query(replace(wanted, families=()), columns),
        "all_columns": COLUMNS,
        "workflows": _names({one.name for one in registry}, wanted.workflow, page, "workflow"),
        "versions": _names(_versions(wanted.workflow), wanted.version, page, "version")
        if wanted.workflow
        else [],
        "pager": _pager(wanted, columns, page),
        **_rows(wanted, columns, page.rows, is_first=page.is_first),
    }


def _answer(request: OperatorRequest, context: dict[str, Any], status: int) -> HttpResponse:
    if not wants_part(request):
        return render(request, "dashboard/runs.html", context, status=status)
    part = render(request, "dashboard/_runs.html", context, status=status)
    # The address without the fields that are empty, and without the cursor.
    return push_url(part, f"{request.path}?{query(context['wanted'], context['columns'])}")


def _too_slow(
    request: OperatorRequest, form: RunFilter, wanted: Filter, views: Sequence[View]
) -> HttpResponse:
    """The page with its filters, and without what the database did not find in time."""
    context = _context(form, wanted, Page((), None, None, is_first=False))
    narrower = [
        (PERIOD_WORDS[period], query(replace(wanted, created=period))) for period in PERIODS
    ]
    context |= {"narrower": narrower, "views": views}
    return _answer(request, context, HTTPStatus.OK)


@require_safe
@permitted(*SEES_RUNS)
def run_rows(request: OperatorRequest) -> HttpResponse:
    """The rows that a page shows, as they are now; and how many more there would be."""
    try:
        shown = [UUID(one) for one in request.GET.get("shown", "").split(",") if one][:PAGE]
    except ValueError:
        return HttpResponseBadRequest("shown= takes ids")
    form, is_first = RunFilter(request.GET), "first" in request.GET
    wanted = form.wanted()
    arrivals = queries.arrivals(wanted, shown) if is_first else 0
    if is_seen(request, _tag(queries.revision(shown), arrivals)):
        return unchanged()
    rows = queries.rows_of(shown, sees_payloads=sees_payloads(request.user))
    context = _rows(wanted, form.columns(), rows, is_first=is_first, arrivals=arrivals)
    return render(request, "dashboard/_rows.html", context)


def _rows(
    wanted: Filter,
    columns: Sequence[str],
    rows: Sequence[Row],
    *,
    is_first: bool,
    arrivals: int = 0,
) -> dict[str, Any]:
    """What `_rows.html` needs, with the address at which it asks again."""
    live = params(wanted, columns, shown=",".join(row.id.hex for row in rows))
    if is_first:
        live["first"] = "1"
    return {
        "wanted": wanted,
        "columns": columns,
        "rows": rows,
        "arrivals": f"{arrivals}+" if arrivals >= PAGE else arrivals,
        "first_page": query(wanted, columns),
        "live_url": f"{reverse('dashboard:run_rows')}?{live.urlencode(safe=',')}",
        "tag": _tag(sum(row.rev for row in rows), arrivals),
    }


def _tag(revision: int, arrivals: int) -> str:
    return f"{revision}.{arrivals}"


def _pager(wanted: Filter, columns: Sequence[str], page: Page) -> dict[str, str]:
    """What `_pager.html` needs. Nothing is counted that nothing narrows."""
    number = len(page.rows)
    summary = f"{number} run{'' if number == 1 else 's'}"
    if page.total is not None and page.total > number:
        summary = f"{number} of {capped(page.total, CAP)}"
    return {
        "newer": query(wanted, columns, after=page.newer) if page.newer else "",
        "older": query(wanted, columns, before=page.older) if page.older else "",
        "summary": summary,
    }


def _chip(wanted: Filter, columns: Sequence[str], name: str) -> Chip:
    is_on = name in wanted.families
    chosen = tuple(one for one in FAMILIES if (one in wanted.families) != (one == name))
    family = FAMILIES[name]
    shown = look(family.status, family.wait_kind)
    return Chip(name, family.word, shown, query(replace(wanted, families=chosen), columns), is_on)


def _active(wanted: Filter, columns: Sequence[str]) -> list[Active]:
    found = []
    for key, value in wanted.attributes:
        less = replace(wanted, attributes=_without(wanted.attributes, key))
        found.append(Active("attribute", f"{key} {value}", query(less, columns)))
    for key, value in wanted.tags:
        less = replace(wanted, tags=_without(wanted.tags, key))
        found.append(Active("tag", f"{key} {value}", query(less, columns)))
    if wanted.version:
        found.append(Active("version", wanted.version, query(replace(wanted, version=""), columns)))
    if wanted.error:
        found.append(Active("error", wanted.error, query(replace(wanted, error=""), columns)))
    if wanted.parent_id:
        less = replace(wanted, parent_id=None)
        found.append(Active("children of", short_id(wanted.parent_id), query(less, columns)))
    return found


def _without(pairs: Pairs, key: str) -> Pairs:
    return tuple(pair for pair in pairs if pair[0] != key)


def _versions(workflow: str) -> set[str]:
    return {one.version for one in registry if one.name == workflow}


def _names(known: set[str], chosen: str, page: Page, column: str) -> list[str]:
    """The names to choose from: also of what the code does not have any more."""
    return sorted((known | {chosen} | {getattr(row, column) for row in page.rows}) - {""})
