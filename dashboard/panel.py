"""What the panel of one step shows: its attempts, its result, its error."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from dashboard import steps
from dashboard.errors import Problem, problem, short_type
from dashboard.models_used import AI, ModelUse, Talk, talk, total
from dashboard.payloads import Payload, payload, plain, shown
from dashboard.queries import run as queries
from humantasks import present
from humantasks.models import HumanTask
from orchestrator.ai.accounts import DETAILS
from orchestrator.core.journal import COMPLETED, STEP
from orchestrator.models import Attempt, Entry, Event, Run


@dataclass(frozen=True, kw_only=True)
class AttemptRow:
    """One attempt of a step."""

    number: int
    status: str
    started_at: datetime | None
    finished_at: datetime | None
    worker: str = ""
    error: str = ""

    @property
    def took(self) -> timedelta | None:
        if self.started_at is None or self.finished_at is None:
            return None
        return max(self.finished_at - self.started_at, timedelta())


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One step of a run. `anchor` names the state that is shown: another state, another name."""

    key: str
    kind: str
    word: str
    status: str
    anchor: str
    entry: Entry | None
    detail: Mapping[str, Any]
    # What the last attempt has told, and what it has used of a model.
    details: Payload | None
    model: ModelUse | None
    attempts: Sequence[AttemptRow]
    value: Payload | None
    # Of an AI step, for who may see payloads.
    talk: Talk | None
    problem: Problem | None
    event: Event | None
    task: HumanTask | None
    child_id: UUID | None


def panel(run: Run, key: str, *, sees_payloads: bool) -> Panel | None:
    """The panel of step `key`; None when the run has no such step. Three queries at most."""
    found = queries.step(run, key)
    if found is None:
        return None
    entry, kind = found.entry, found.entry.kind if found.entry else STEP
    status, told = _status(found), _told(found)
    model = _used(found, told)
    value = payload(entry.value, is_visible=sees_payloads) if entry else None
    said = _said(entry) if model and entry else None
    if said and value:
        # What the model wrote, and not how the engine keeps it.
        value = None if said.calls else shown(said.output, value.size, is_visible=sees_payloads)
    return Panel(
        key=key,
        kind=AI if model else kind,
        word=present.kind_look(AI if model else kind).word,
        status=status,
        anchor=f"step-{zlib.crc32(key.encode()):08x}-{status}-{entry.attempt if entry else 0}",
        entry=entry,
        detail=(entry.detail or {}) if entry else {},
        details=_details(told, sees_payloads),
        model=model,
        attempts=[_failed(one) for one in found.attempts] + _last(found),
        value=value,
        talk=said if sees_payloads else None,
        problem=problem(entry.error, is_visible=sees_payloads) if entry else None,
        event=found.event,
        task=found.task,
        child_id=found.child_id,
    )


def _said(entry: Entry) -> Talk | None:
    answer = plain(entry.value) if entry.value is not None else None
    return talk(answer) if isinstance(answer, Mapping) else None


def _status(found: queries.Step) -> str:
    if found.entry is None or found.executing is not None:
        return "running"
    return steps.status(found.entry)


def _told(found: queries.Step) -> Any:
    """What the attempt that is executing, or the last one, has told with its heartbeats."""
    if found.executing is not None:
        return found.executing.details
    is_step = found.entry is not None and found.entry.kind == STEP
    return (found.entry.detail or {}).get("details") if found.entry and is_step else None


def _used(found: queries.Step, told: Any) -> ModelUse | None:
    """What all of its attempts have used of models."""
    failed = [one.details for one in found.attempts]
    # An attempt that has told nothing yet has found what the one before it told.
    is_new = not failed or told != failed[-1]
    return total([*failed, told] if is_new else failed)


def _details(told: Any, sees_payloads: bool) -> Payload | None:
    if isinstance(told, Mapping):
        told = {name: value for name, value in told.items() if name != DETAILS}
    return payload(json.dumps(told), is_visible=sees_payloads) if told else None


def _failed(attempt: Attempt) -> AttemptRow:
    return AttemptRow(
        number=attempt.number,
        status="failed",
        started_at=attempt.started_at,
        finished_at=attempt.finished_at,
        worker=attempt.worker,
        error=short_type(str(attempt.error.get("type", "Error"))),
    )


def _last(found: queries.Step) -> list[AttemptRow]:
    """The attempt that is executing, or that succeeded: the journal keeps it with the step."""
    entry, executing = found.entry, found.executing
    if executing is not None:
        return [
            AttemptRow(
                number=executing.attempt,
                status="running",
                started_at=executing.started_at,
                finished_at=None,
            )
        ]
    if entry is None or entry.kind != STEP or entry.status != COMPLETED:
        return []
    return [
        AttemptRow(
            number=entry.attempt,
            status="completed",
            started_at=steps.last_start(entry),
            finished_at=entry.finished_at,
        )
    ]
