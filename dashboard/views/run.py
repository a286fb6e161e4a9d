"""The page of one run."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard import audit, machines, steps
from dashboard.access import (
    AUDIT,
    PAYLOAD,
    SEES_RUNS,
    OperatorRequest,
    permitted,
    sees_payloads,
)
from dashboard.diagnosis import Diagnosis, diagnose
from dashboard.errors import Problem, problem, why
from dashboard.labels import CHART, CHART_BESIDE_PANEL
from dashboard.live import is_seen, unchanged, wants_part
from dashboard.panel import panel
from dashboard.payloads import Payload, payload, plain
from dashboard.queries import run as queries
from dashboard.queries.waits import Wait, waits
from dashboard.redaction import redacted
from dashboard.rows import short_id
from dashboard.timeline import Mode, timeline
from dashboard.verbs import offers, ways_on
from orchestrator import courses
from orchestrator.models import Event, Run, Status

MODES: tuple[Mode, ...] = ("compressed", "linear", "sequence")


@dataclass(frozen=True)
class Tab:
    """A tab of the page: its name in the address, its title, and what its template needs."""

    name: str
    title: str
    fill: Callable[[OperatorRequest, Run], dict[str, Any]]


@require_safe
@permitted(*SEES_RUNS)
def run_detail(request: OperatorRequest, run_id: UUID) -> HttpResponse:
    run = run_or_404(run_id)
    found = waits(run, user=request.user, sees_payloads=sees_payloads(request.user))
    diagnoses = diagnose(run, found, run.read_at)  # type: ignore[attr-defined] # annotated
    tag = _tag(run, found, diagnoses)
    if is_seen(request, tag):
        return unchanged()
    tabs = [tab for tab in TABS if _has(request, run, tab)]
    tab = next((one for one in tabs if one.name == request.GET.get("tab")), tabs[0])
    context = {
        "run": run,
        "short_id": short_id(run.id),
        "attributes": redacted(run.attributes),
        "waits": found,
        "executing": steps.in_flight(run).values(),
        "diagnoses": diagnoses,
        "problem": _problem(request, run),
        "why": why(run.error, is_blocked=run.status == Status.BLOCKED),
        "offers": offers(run, request.user.has_perm),
        "tabs": tabs,
        "tab": tab,
        "tab_template": f"dashboard/_tab_{tab.name}.html",
        "tag": tag,
        **tab.fill(request, run),
    }
    page = "_run.html" if wants_part(request) else "run.html"
    return render(request, f"dashboard/{page}", context)


@require_safe
@permitted(*SEES_RUNS)
@permitted(PAYLOAD)
def run_value(
    request: OperatorRequest, run_id: UUID, name: Literal["input", "output"]
) -> HttpResponse:
    """The whole input or output as a file, redacted like the page."""
    run_or_404(run_id)
    text = dict(zip(("input", "output"), queries.payloads(run_id), strict=True))[name]
    if text is None:
        raise Http404("The run has no output.")
    value = json.dumps(redacted(plain(text)), ensure_ascii=False, indent=2)
    filename = f'attachment; filename="{short_id(run_id)}-{name}.json"'
    return HttpResponse(
        value, content_type="application/json", headers={"Content-Disposition": filename}
    )


def run_or_404(run_id: UUID) -> Run:
    run = queries.run(run_id)
    if run is None:
        raise Http404("No run has this id, or the retention rule has removed it.")
    return run


def _tag(run: Run, found: Sequence[Wait], diagnoses: Sequence[Diagnosis]) -> str:
    """Changes with whatever the page shows of the run."""
    tasks = [f"{one.task.ref}.{one.task.seq}" for one in found if one.task]
    # Who takes a step that was handed out does not touch the run.
    tasks += [f"{one.info.key}.{one.place}" for one in found if one.place]
    return "-".join([str(run.rev), *tasks, *(one.code for one in diagnoses)])


def _problem(request: OperatorRequest, run: Run) -> Problem | None:
    if run.status not in (Status.FAILED, Status.BLOCKED):
        return None
    return problem(run.error, is_visible=sees_payloads(request.user))


def _has(request: OperatorRequest, run: Run, tab: Tab) -> bool:
    """Whether the page has this tab."""
    return {
        "machine": bool(run.state),
        "path": not run.state,
        "audit": request.user.has_perm(AUDIT),
    }.get(tab.name, True)


# ---- tabs ------------------------------------------------------------------------------


def _machine(request: OperatorRequest, run: Run) -> dict[str, Any]:
    is_visible = sees_payloads(request.user)
    course, following = courses.last_transitions(
        run, before=_number(request, "from") or None, size=queries.PAGE
    )
    return {
        "board": machines.board(run, sees_payloads=is_visible),
        "course": course,
        "sees_payloads": is_visible,
        "following": following,
    }


def _path(request: OperatorRequest, run: Run) -> dict[str, Any]:
    return {"path": machines.path(run)}


def _timeline(request: OperatorRequest, run: Run) -> dict[str, Any]:
    page = queries.timeline(run, after=_number(request, "from"))
    mode = next((one for one in MODES if one == request.GET.get("axis")), MODES[0])
    is_start, key = "from" not in request.GET, request.GET.get("step", "")
    layout = timeline(
        page.rows,
        run.finished_at or run.read_at,  # type: ignore[attr-defined] # annotated
        mode,
        queued_at=run.created_at if is_start else None,
        chart=CHART_BESIDE_PANEL if key else CHART,
    )
    return {
        "layout": layout,
        "selected": key,
        "following": page.following,
        "models": page.models,
        "step": panel(run, key, sees_payloads=sees_payloads(request.user)) if key else None,
        "begin_here": ways_on(run, request.user.has_perm) if key else (),
    }


def _events(request: OperatorRequest, run: Run) -> dict[str, Any]:
    events, following = queries.events(run.id, after=_number(request, "from"))
    is_visible = sees_payloads(request.user)
    return {
        "events": [
            (one, _event_name(one), payload(one.payload, is_visible=is_visible)) for one in events
        ],
        "following": following,
    }


def _event_name(event: Event) -> str:
    """What the engine itself puts into a mailbox is named after the key that it is about."""
    if not event.name.startswith("@"):
        return event.name
    word, _, key = event.name[1:].partition(" ")
    return f"{_MAIL.get(word, word)} {key}"


_MAIL = {
    "answer": "Answer to",
    "skip": "Skip the sleep",
    "retry": "Retry at once",
    "resolve": "Decision about",
}


def _values(request: OperatorRequest, run: Run) -> dict[str, Any]:
    stored, is_visible = queries.payloads(run.id), sees_payloads(request.user)
    values: list[Payload | None] = [payload(one, is_visible=is_visible) for one in stored]
    return {"input": values[0], "output": values[1]}


def _history(request: OperatorRequest, run: Run) -> dict[str, Any]:
    entries, following = queries.history(run.id, after=_number(request, "from"))
    executing = steps.in_flight(run)
    statuses = [
        "running" if steps.running(one, executing, run) else steps.status(one) for one in entries
    ]
    lengths = [
        one.finished_at - one.started_at if one.started_at and one.finished_at else None
        for one in entries
    ]
    shown = list(zip(entries, statuses, lengths, strict=True))
    return {"entries": shown, "following": following}


def _audit(request: OperatorRequest, run: Run) -> dict[str, Any]:
    found = audit.of_run(run.id, before=_number(request, "from") or None)
    following = found[audit.PAGE - 1].id if len(found) > audit.PAGE else None
    shown = [(one, audit.became(one)) for one in found[: audit.PAGE]]
    return {"actions": shown, "following": following}


def _number(request: OperatorRequest, name: str) -> int:
    """A number of the address; 0 for anything else."""
    text = request.GET.get(name, "")
    return int(text) if re.fullmatch("[0-9]{1,9}", text) else 0


TABS = (
    Tab("machine", "State machine", _machine),
    Tab("timeline", "Timeline", _timeline),
    Tab("events", "Events", _events),
    Tab("values", "Input & output", _values),
    Tab("history", "History", _history),
    Tab("path", "Path", _path),
    Tab("audit", "Audit", _audit),
)
