"""What workers hold of steps that were handed out, and what they report. Plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from orchestrator.core.notes import Line

# How an attempt ended, as a report says: it was executed; nobody began it and nobody will;
# its worker died, and it must not be executed again.
DONE, WITHDRAWN, LOST = "done", "withdrawn", "lost"

# While others of its steps are under way, a run is woken only so often by those that end.
GATHER = timedelta(milliseconds=100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """An attempt of a step that this worker executes."""

    id: int
    epoch: int
    crashes: int
    is_withdrawn: bool
    run_id: UUID
    key: str
    number: int
    workflow: str
    queue: str
    function: str
    args: str
    timeout: timedelta | None
    atomic: bool
    at_most_once: bool
    idempotency_key: str
    is_shared: bool
    details: Any
    created_at: datetime
    # The database's time.
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """What came of a task: a report as JSON, and what its logger has written."""

    task: Task
    report: str
    lines: Sequence[Line] = ()


@dataclass(frozen=True, slots=True)
class Heard:
    """A report that was stored.

    `queue` is the run's. `is_news`: the run is due sooner than somebody may have heard.
    """

    task_id: int
    queue: str
    is_news: bool


COLUMNS = (
    "id",
    "epoch",
    "crashes",
    "is_withdrawn",
    "run_id",
    "key",
    "number",
    "workflow",
    "queue",
    "function",
    "args",
    "timeout",
    "atomic",
    "at_most_once",
    "idempotency_key",
    "is_shared",
    "details",
    "created_at",
)
