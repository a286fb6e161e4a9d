"""Runs as commands show them: as JSON with the names of the REST API, and as rows of a table."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from orchestrator import courses, models, reading
from orchestrator.core import codec
from orchestrator.core.checkpoints import Checkpoint
from orchestrator.core.plain import plain
from orchestrator.infos import WaitInfo
from orchestrator.machine import Transition
from orchestrator.models import Run
from orchestrator.moments import duration, relative
from orchestrator.run import StepInfo

HEAD = ("ID", "WORKFLOW", "VERSION", "STATUS", "CREATED", "ABOUT")
STEPS_HEAD = ("KEY", "KIND", "STATUS", "ATTEMPTS", "STARTED", "TOOK")
COURSE_HEAD = ("EVENT", "FROM", "TO", "OUTCOME", "BY", "WHEN", "WHY")

# All that a line of a list needs. Payloads and tracebacks may be large.
COLUMNS = (
    *("id", "rev", "workflow", "version", "status", "idempotency_key", "initiator", "parent_id"),
    *("attributes", "tags", "created_at", "started_at", "finished_at", "waiting_on"),
    *("owned", "cancel_requested_at", "error", "state"),
)

MAX_SHOWN = 2_000


def summary(run: Run) -> dict[str, Any]:
    """A run as a line of a list."""
    names = ("id", "workflow", "version", "status", "rev", "idempotency_key", "initiator")
    more = ("parent_id", "attributes", "tags", "created_at", "started_at", "finished_at")
    return {
        **{name: getattr(run, name) for name in (*names, *more)},
        "waiting_on": _waits(reading.waiting_on(run)),
        "error_line": error_line(run) or None,
        **({"state": run.state} if run.state else {}),
    }


def whole(run: Run) -> dict[str, Any]:
    """A run with what it did, what it waits for, and what came of it."""
    names = ("attempt", "queue", "priority", "cancel_reason", "pause_requested", "is_purged")
    progress = {"fraction": run.progress, "text": run.progress_text}
    return {
        **summary(run),
        **{name: getattr(run, name) for name in names},
        "cancel_requested_at": run.cancel_requested_at,
        "forked_from": run.forked_from_id,
        "progress": None if run.progress is None else progress,
        "input": plain(run.input),
        "output": _plain(run.output),
        "error": run.error,
        "waiting_on": _waits(reading.waits(run)),
        "steps": _steps(run),
        "events": [_event(one) for one in _mail(run)],
        **(_machine(run) if run.state else {}),
    }


def _machine(run: Run) -> dict[str, Any]:
    """What only a machine has: what it knows, and what it has done."""
    return {
        "context": _context(run),
        "transitions": [_transition(one) for one in courses.transitions(run)],
    }


def _context(run: Run) -> Any:
    """As it was when the machine last came to rest."""
    known = Checkpoint.of(run.checkpoint)
    return plain(run.input) if known is None else plain(known.value)["context"]


def _transition(one: Transition) -> dict[str, Any]:
    names = ("event", "accepted", "outcome", "refused_because", "failed_because", "guards")
    more = ("actor", "sent_at", "at", "number")
    return {
        "from_state": one.from_,
        "to_state": one.to,
        **{name: getattr(one, name) for name in (*names, *more)},
        "payload": plain(codec.encode(one.payload)),
    }


def _mail(run: Run) -> QuerySet[models.Event]:
    found = models.Event.objects.filter(run=run).exclude(name__startswith=models.REPORT)
    return found.order_by("id")


def _steps(run: Run) -> list[dict[str, Any]]:
    """The steps with their results as they are stored. Durations are in seconds."""
    values = dict(models.Entry.objects.filter(run=run).values_list("key", "value"))
    names = ("key", "name", "kind", "status", "attempts", "started_at", "completed_at", "error")
    return [
        {
            **{name: getattr(one, name) for name in names},
            "duration": None if one.duration is None else one.duration.total_seconds(),
            "result": _plain(values.get(one.key)),
        }
        for one in reading.steps(run)
    ]


def _plain(text: str | None) -> Any:
    return None if text is None else plain(text)


def _waits(waits: list[WaitInfo]) -> list[dict[str, Any]]:
    names = ("kind", "name", "key", "since", "until", "detail")
    return [{name: getattr(one, name) for name in names} for one in waits]


def _event(one: models.Event) -> dict[str, Any]:
    return {
        "name": one.name,
        "key": one.correlation,
        "payload": plain(one.payload),
        "received_at": one.created_at,
        "consumed_at": one.consumed_at,
        "consumed_by": one.consumed_by,
        "event_id": one.event_id,
        "sent_by": one.sent_by,
    }


# ---- rows ------------------------------------------------------------------------------


def row(run: Run, now: datetime) -> Sequence[str]:
    """A run as a row of the list."""
    created = relative(run.created_at, now)
    about = error_line(run) or waits_line(run)
    if run.state:
        about = f"in {run.state}: {about}" if about else f"in {run.state}"
    return str(run.id), run.workflow, run.version, run.status, created, about


def waits_line(run: Run) -> str:
    """What the run waits for, in a few words."""
    return ", ".join(f"{one.kind} {one.name}" for one in reading.waiting_on(run))


def error_line(run: Run) -> str:
    """Why the run failed or is blocked, in one line; "" for others."""
    if not run.error:
        return ""
    kind = str(run.error.get("type", "")).rpartition(":")[2].rpartition(".")[2]
    message = str(run.error.get("message", "")).partition("\n")[0]
    return f"{kind}: {message}" if message else kind


def step_row(one: StepInfo, now: datetime) -> Sequence[str]:
    """A step as a row of a run's table."""
    took = one.duration
    return (
        one.key,
        one.kind,
        one.status,
        str(one.attempts) if one.attempts else "",
        relative(one.started_at, now) if one.started_at else "",
        "" if took is None else duration(took),
    )


def course_row(one: Transition, now: datetime) -> Sequence[str]:
    """What came of an event of a machine as a row of its table."""
    at = one.at or one.sent_at
    why = one.refused_because or one.failed_because
    when = relative(at, now) if at else ""
    return one.event, one.from_, one.to, one.outcome, one.actor, when, why.partition("\n")[0]


def head(run: Run, now: datetime) -> Iterator[tuple[str, str]]:
    """What is said of a run before its steps: names and texts, those that there are."""
    yield "run", str(run.id)
    yield "workflow", f"{run.workflow} {run.version}"
    yield "status", run.status
    if run.state:
        yield "state", run.state
    for name in ("created_at", "started_at", "finished_at"):
        if at := getattr(run, name):
            yield name.removesuffix("_at"), f"{relative(at, now)} ({at:%Y-%m-%d %H:%M:%S} UTC)"
    texts = ("initiator", "idempotency_key", "parent_id", "forked_from_id", "queue")
    yield from ((name, str(value)) for name in texts if (value := getattr(run, name)))
    for name in ("attributes", "tags"):
        if pairs := getattr(run, name):
            yield name, ", ".join(f"{key}={value}" for key, value in pairs.items())
    if run.progress is not None:
        yield "progress", f"{run.progress:.0%} {run.progress_text}".rstrip()
    yield from _payloads(run)


def _payloads(run: Run) -> Iterator[tuple[str, str]]:
    if run.is_purged:
        yield "payloads", "purged by retention"
        return
    for name in ("input", "output"):
        if (text := getattr(run, name)) is not None:
            yield name, _shown(plain(text))
    if run.state:
        yield "context", _shown(_context(run))


def _shown(value: Any) -> str:
    return shortened(json.dumps(value, ensure_ascii=False))


def shortened(text: str) -> str:
    """`text`, or its beginning and how much more there is."""
    rest = len(text) - MAX_SHOWN
    return text if rest <= 0 else f"{text[:MAX_SHOWN]}… {rest:,} more characters"
