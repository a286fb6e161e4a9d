"""What a run has done, as plain rows that a test compares."""

from __future__ import annotations

from typing import Any, NamedTuple

from orchestrator import models
from orchestrator.run import Run


class JournalRow(NamedTuple):
    """One thing that a run asked for. `status` says what came of it."""

    kind: str
    key: str
    status: str


class LogRow(NamedTuple):
    """One line of a run's log."""

    level: str
    message: str


def journal(run: Run[Any]) -> list[JournalRow]:
    """What the run has asked for, in its order; without cancels, which nobody asked for."""
    return [JournalRow(one.kind, one.key, one.status) for one in run.steps]


def logs(run: Run[Any]) -> list[LogRow]:
    """What the run and its steps have logged, in the order of time."""
    lines = models.LogLine.objects.filter(run_id=run.id).order_by("at", "id")
    return [LogRow(*line) for line in lines.values_list("level", "message")]


def children(run: Run[Any]) -> list[Run[Any]]:
    """The runs that this one has started, oldest first."""
    return [Run(row) for row in models.Run.objects.filter(parent_id=run.id).order_by("id")]
