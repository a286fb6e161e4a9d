"""The journal: what a run has asked for and what came of it.

An entry is opened when the body asks for something that takes time, and gets its outcome
once. Outcomes carry `seq`, the order in which the body saw them; every replay hands them
to the body in that order, so parallel branches take the same turns each time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

# Kinds of entries. A kind that is none of these is a wait that an app has registered.
STEP = "step"
SLEEP = "sleep"
TIMER = "timer"  # asyncio's own: `asyncio.sleep`, `asyncio.timeout`
EVENT = "event"
CHILD = "child"
CANCEL = "cancel"

CANCEL_KEY = "@cancel"

# Statuses of entries. Those of open entries first.
OPEN = "open"  # a wait that has begun
RETRYING = "retrying"  # a step that waits for its next attempt
COMPLETED = "completed"
FAILED = "failed"
TIMED_OUT = "timed_out"
CANCELLED = "cancelled"  # an open entry that nobody waits for any more: no outcome

OUTCOMES = frozenset({COMPLETED, FAILED, TIMED_OUT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One row of a run's journal.

    `position` counts the things the body asked for, from 1. `cause` is the `seq` of the
    outcome that the body had seen last when it asked (0: none). `value` is text made by
    the codec; `error` is a recorded failure.
    """

    key: str
    kind: str
    name: str
    position: int
    cause: int
    status: str
    seq: int | None = None
    attempt: int = 0
    value: str | None = None
    error: dict[str, Any] | None = None
    detail: dict[str, Any] | None = None
    due_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None


@dataclass(slots=True)
class History:
    """A run's journal as a replay needs it: outcomes in their order, and what is open."""

    outcomes: list[Entry] = field(default_factory=list)
    open: dict[str, Entry] = field(default_factory=dict)

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> History:
        history = cls()
        for entry in entries:
            if entry.seq is not None:
                history.outcomes.append(entry)
            elif entry.status in (OPEN, RETRYING):
                history.open[entry.key] = entry
        history.outcomes.sort(key=lambda entry: entry.seq or 0)
        return history
