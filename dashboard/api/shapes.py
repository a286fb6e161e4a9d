"""Rows of the database as the REST API says them: redacted, and for who may see payloads."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from dashboard import payloads
from dashboard.api import schemas
from dashboard.api.model_schemas import ModelUse
from dashboard.errors import Problem, problem
from dashboard.queries.run import SMALL
from dashboard.queries.waits import Wait
from dashboard.redaction import redacted, redacted_text
from dashboard.rows import Row
from dashboard.timeline import Row as TimelineRow
from orchestrator.core.checkpoints import Checkpoint
from orchestrator.core.codec import encode
from orchestrator.machine import Machine, Transition
from orchestrator.models import Entry, Event, LogLine, Run, Schedule, Status
from orchestrator.run import Run as Handle
from orchestrator.run import WaitInfo


def visibility(run: Run, *, sees: bool) -> Literal["visible", "hidden", "removed"]:
    if run.is_purged:
        return "removed"
    return "visible" if sees else "hidden"


def value(text: str | None, *, sees: bool) -> Any:
    """A stored value; None for who may not see it."""
    shown = payloads.payload(text, is_visible=True) if sees else None
    return shown.value if shown else None


def failure(error: Mapping[str, Any] | None, *, sees: bool) -> schemas.Failure | None:
    found = problem(error, is_visible=sees)
    if found is None or error is None:
        return None
    return schemas.Failure(
        type=found.full_type,
        message=found.message,
        step=error.get("key"),
        frames=_frames(found),
        causes=[schemas.Cause(type=one.full_type, message=one.message) for one in found.causes],
    )


def _frames(found: Problem) -> list[schemas.Frame]:
    return [
        schemas.Frame(path=one.path, line=one.line, function=one.function, code=one.code)
        for group in found.groups
        for one in group.frames
    ]


def summary(row: Row) -> schemas.RunSummary:
    return schemas.RunSummary(
        id=row.id,
        workflow=row.workflow,
        version=row.version,
        status=Status(row.status),
        rev=row.rev,
        idempotency_key=row.key or None,
        initiator=row.initiator or None,
        parent_id=row.parent_id,
        attributes=dict(row.attributes),
        tags=dict(row.tags),
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        waiting_on=[_wait(one) for one in row.waits],
        error_line=row.error or None,
    )


def gone(run: Handle[Any]) -> schemas.RunSummary:
    """A run that was removed: what its key still tells of it."""
    return schemas.RunSummary(
        id=run.id,
        workflow=run.workflow,
        version=run.version,
        status=Status(run.status),
        rev=0,
        idempotency_key=run.idempotency_key,
        initiator=None,
        parent_id=None,
        attributes={},
        tags={},
        created_at=run.created_at,
        started_at=None,
        finished_at=run.finished_at,
        waiting_on=[],
        error_line=None,
        removed=True,
    )


def _wait(info: WaitInfo, detail: schemas.WaitDetail | None = None) -> schemas.Wait:
    return schemas.Wait(
        kind=info.kind,
        name=info.name,
        key=info.key,
        since=info.since,
        until=info.until,
        detail=detail,
    )


def wait(found: Wait, *, sees: bool) -> schemas.Wait:
    known = found.info.detail or {}
    detail = schemas.WaitDetail(
        event_key=found.event_key,
        task_id=found.task.id if found.task else None,
        child_id=found.child_id,
        attempt=known.get("attempt"),
        queue=known.get("queue"),
        state=found.place or None,
        worker=known.get("worker"),
        error=(found.error or None) if sees else None,
        limit=known.get("limit"),
    )
    return _wait(found.info, detail)


def run(
    run: Run,
    *,
    stored: tuple[str | None, str | None],
    waits: Iterable[Wait],
    ai: ModelUse | None,
    steps: tuple[list[schemas.Step], bool],
    events: tuple[list[schemas.Event], bool],
    sees: bool,
) -> schemas.Run:
    return schemas.Run(
        id=run.id,
        workflow=run.workflow,
        version=run.version,
        status=Status(run.status),
        rev=run.rev,
        attempt=run.attempt,
        queue=run.queue,
        priority=run.priority,
        idempotency_key=run.idempotency_key,
        initiator=run.initiator,
        parent_id=run.parent_id,
        forked_from=run.forked_from_id,
        attributes=redacted(run.attributes),
        tags=redacted(run.tags),
        progress=_progress(run),
        created_at=run.created_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
        pause_requested=run.pause_requested,
        cancel_requested_at=run.cancel_requested_at,
        cancel_reason=run.cancel_reason,
        payloads=visibility(run, sees=sees),
        input=value(stored[0], sees=sees),
        output=value(stored[1], sees=sees),
        error=failure(run.error, sees=sees),
        ai=ai,
        waiting_on=[wait(one, sees=sees) for one in waits],
        steps=steps[0],
        more_steps=steps[1],
        events=events[0],
        more_events=events[1],
    )


def _progress(run: Run) -> schemas.Progress | None:
    if run.progress is None:
        return None
    return schemas.Progress(fraction=run.progress, text=run.progress_text)


def event(found: Event, *, sees: bool) -> schemas.Event:
    return _event(found, value(found.payload, sees=sees), None)


def small_event(found: Event, *, sees: bool) -> schemas.Event:
    """An event among others: its payload only if it is short."""
    text: str | None = found.small_payload  # type: ignore[attr-defined] # annotated
    length: int = found.length  # type: ignore[attr-defined] # annotated
    return _event(found, value(text, sees=sees), length if sees and length > SMALL else None)


def _event(found: Event, payload: Any, length: int | None) -> schemas.Event:
    return schemas.Event(
        name=found.name,
        key=found.correlation,
        payload=payload,
        payload_length=length,
        received_at=found.created_at,
        consumed_at=found.consumed_at,
        consumed_by=found.consumed_by,
        event_id=found.event_id,
        sent_by=found.sent_by,
    )


def timeline_row(row: TimelineRow) -> schemas.TimelineRow:
    return schemas.TimelineRow(
        key=row.key,
        kind=row.kind,
        status=row.status,
        attempts=row.attempts,
        inherited=row.inherited,
        segments=[
            schemas.Segment(kind=one.kind, start=one.start, end=one.end, failed=one.failed)
            for one in row.segments
        ],
    )


def log_line(line: LogLine, *, sees: bool) -> schemas.LogLine:
    return schemas.LogLine(
        at=line.at,
        level=line.level,
        step=line.key or None,
        attempt=line.attempt or None,
        message=redacted_text(line.message) if sees else None,
        fields=value(json.dumps(line.fields), sees=sees),
    )


def machine_summary(row: Row, state: str) -> schemas.MachineSummary:
    return schemas.MachineSummary(**summary(row).model_dump(), state=state)


def machine(found: Machine[Any], row: Row, *, sees: bool) -> schemas.Machine:
    run = found._row
    known = Checkpoint.of(run.checkpoint)
    if known is None:
        context = value(run.input, sees=sees)
    else:
        standing = value(known.value, sees=sees)
        context = standing["context"] if standing else None
    return schemas.Machine(
        **machine_summary(row, run.state).model_dump(),
        takes=found.takes,
        trouble=found.trouble or None if sees else None,
        payloads=visibility(run, sees=sees),
        context=context,
    )


def transition(found: Transition, *, sees: bool) -> schemas.Transition:
    return schemas.Transition(
        event=found.event,
        from_state=found.from_,
        to_state=found.to,
        accepted=found.accepted,
        refused_because=redacted_text(found.refused_because) or None if sees else None,
        outcome=found.outcome,
        done=found.is_done,
        failed_because=redacted_text(found.failed_because) or None if sees else None,
        guards=redacted(list(found.guards)) if sees else [],
        actor=found.actor,
        payload=value(encode(found.payload), sees=sees) if sees else None,
        sent_at=found.sent_at,
        at=found.at,
        number=found.number,
    )


def schedule(row: Schedule, *, sees: bool) -> schemas.Schedule:
    error = redacted_text(row.error) if sees else row.error.partition(":")[0]
    return schemas.Schedule.model_validate(
        {name: getattr(row, name) for name in schemas.Schedule.model_fields if hasattr(row, name)}
        | {
            "words": row.timing.words,
            "cron": row.cron or None,
            "every": row.every.total_seconds() if row.every else None,
            "input": value(row.input, sees=sees),
            "next_at": row.next_at if row.state == "active" else None,
            "error": error or None,
            "paused_by": row.paused_by or None,
            "pause_reason": row.pause_reason or None,
        }
    )


def etag(rev: int, what: str) -> str:
    """Another one with each change. `what` tells apart what is shown to whom."""
    return f'W/"{rev}-{what}"'


def entry(found: Entry) -> schemas.Entry:
    return schemas.Entry(
        key=found.key,
        kind=found.kind,
        name=found.name,
        status=found.status,
        position=found.position,
        cause=found.cause,
        seq=found.seq,
        attempt=found.attempt,
        due_at=found.due_at,
        started_at=found.started_at,
        finished_at=found.finished_at,
    )
