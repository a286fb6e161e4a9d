"""How runs went lately: numbers over time, by workflow and by what they failed of."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard.access import SEES_RUNS, OperatorRequest, permitted
from dashboard.live import is_seen, unchanged, wants_part
from dashboard.queries import trends as queries
from dashboard.queries.trends import RANGES

# The words and the families of the lines.
LINES = {
    "created": ("Started", "running"),
    "completed": ("Completed", "ok"),
    "failed": ("Failed", "failed"),
}


@require_safe
@permitted(*SEES_RUNS)
def trends(request: OperatorRequest) -> HttpResponse:
    found = queries.trends(RANGES.get(request.GET.get("range", ""), RANGES["24h"]))
    failed = sum(one.number for one in found.causes)
    upto = int(found.upto.timestamp()) if found.upto else 0
    tag = f"{upto}-{found.range.name}-{failed}"
    if is_seen(request, tag):
        return unchanged()
    context = {
        "trends": found,
        "ranges": RANGES.values(),
        "lines": [(*LINES[one.what], one) for one in found.courses],
        "points": zip(found.starts, *(one.numbers for one in found.courses), strict=True),
        "tag": tag,
    }
    page = "_trends.html" if wants_part(request) else "trends.html"
    return render(request, f"dashboard/{page}", context)
