"""Steps as the REST API says them; of AI steps also what they have used and what was said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from dashboard import steps
from dashboard.api import schemas
from dashboard.api.model_schemas import ModelUse, Said
from dashboard.api.shapes import failure, value
from dashboard.models_used import AI, talk, total
from dashboard.models_used import ModelUse as Use
from dashboard.panel import Panel
from dashboard.queries.run import SMALL
from dashboard.queries.usage import Told
from orchestrator.models import Entry, Run


def run_steps(run: Run, entries: Iterable[Entry], told: Told, *, sees: bool) -> list[schemas.Step]:
    """What the run has asked for, and what executes for the first time."""
    executing = steps.in_flight(run)
    made = [
        _step(one, steps.running(one, executing, run), total(told.get(one.key, ())), sees=sees)
        for one in entries
    ]
    keys = {one.key for one in made}
    return made + [_unrecorded(one) for one in executing.values() if one.key not in keys]


def model_use(use: Use | None) -> ModelUse | None:
    return None if use is None else ModelUse(**asdict(use))


def _step(
    entry: Entry, executing: steps.InFlight | None, use: Use | None, *, sees: bool
) -> schemas.Step:
    length: int | None = entry.length  # type: ignore[attr-defined] # annotated
    result = value(entry.small_value, sees=sees)  # type: ignore[attr-defined] # annotated
    return schemas.Step(
        key=entry.key,
        name=entry.name,
        kind=AI if use else entry.kind,
        status="running" if executing else entry.status,
        attempts=executing.attempt if executing else entry.attempt,
        started_at=entry.started_at,
        completed_at=entry.finished_at if entry.seq is not None else None,
        duration=_seconds(entry),
        result=_output(result) if use else result,
        result_length=length if sees and length is not None and length > SMALL else None,
        error=failure(entry.error, sees=sees),
        ai=model_use(use),
    )


def _output(result: Any) -> Any:
    """What a model answered, without what it was asked: that is with the step alone."""
    return talk(result).output if isinstance(result, Mapping) else result


def _seconds(entry: Entry) -> float | None:
    if entry.started_at is None or entry.finished_at is None:
        return None
    return max((entry.finished_at - entry.started_at).total_seconds(), 0.0)


def _unrecorded(step: steps.InFlight) -> schemas.Step:
    use = total([step.details])
    return schemas.Step(
        key=step.key,
        name=step.key,
        kind=AI if use else "step",
        status="running",
        attempts=step.attempt,
        started_at=step.started_at,
        completed_at=None,
        duration=None,
        ai=model_use(use),
    )


def step_detail(panel: Panel, *, sees: bool) -> schemas.StepDetail:
    entry, shown, said = panel.entry, panel.value, panel.talk
    return schemas.StepDetail(
        key=panel.key,
        name=entry.name if entry else panel.key,
        kind=panel.kind,
        status="running" if panel.status == "running" or entry is None else entry.status,
        attempts=entry.attempt if entry else 0,
        started_at=entry.started_at if entry else None,
        completed_at=entry.finished_at if entry and entry.seq is not None else None,
        duration=_seconds(entry) if entry else None,
        result=shown.value if shown else None,
        error=failure(entry.error if entry else None, sees=sees),
        ai=model_use(panel.model),
        asked=[Said(who=one.who, text=one.text) for one in said.asked] if said else [],
        called=[Said(who=one.who, text=one.text) for one in said.calls] if said else [],
        made=[
            schemas.Attempt(
                number=one.number,
                status=one.status,
                started_at=one.started_at,
                finished_at=one.finished_at,
                worker=one.worker,
                error=one.error,
            )
            for one in panel.attempts
        ],
    )
