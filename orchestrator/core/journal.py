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
PATCH = "patch"
TRANSITION = "transition"  # of a state machine: what came of an event

CANCEL_KEY = "@cancel"

# How the keys begin of events that came to a machine when it had ended.
REFUSED_KEY = "@refused|"

# The reason of a cancel that nobody asked for: the run took too long.
RUN_TIMED_OUT = "@timed out"

# Statuses of entries. Those of open entries first.
OPEN = "open"  # a wait that has begun
RETRYING = "retrying"  # a step that waits for its next attempt
QUEUED = "queued"  # a step that was handed out: any worker may execute it
INTENT = "intent"  # an at-most-once step that is about to be executed
COMPLETED = "completed"
FAILED = "failed"
TIMED_OUT = "timed_out"
CANCELLED = "cancelled"  # an open entry that nobody waits for any more: no outcome
REFUSED = "refused"  # a transition that was not taken

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
    # The changes (`ctx.patched`) that the run has taken.
    patches: set[str] = field(default_factory=set)
    # What a body has noted of itself, by key: it is not decided again.
    marks: dict[str, Entry] = field(default_factory=dict)
    # What is open or has its outcome. What was closed without one may be opened again.
    keys: set[str] = field(default_factory=set)
    # The latest outcome after which the body has asked for anything; -1 for none.
    last_cause: int = -1

    @property
    def last_seq(self) -> int:
        return self.outcomes[-1].seq or 0 if self.outcomes else 0

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> History:
        history = cls()
        for entry in entries:
            if entry.seq is not None:
                history.outcomes.append(entry)
            elif entry.kind == PATCH:
                history.patches.add(entry.name)
            elif entry.kind == TRANSITION:
                history.marks[entry.key] = entry
            elif entry.status in (OPEN, RETRYING, QUEUED, INTENT):
                history.open[entry.key] = entry
            if entry.status != CANCELLED:
                history.keys.add(entry.key)
            history.last_cause = max(history.last_cause, entry.cause)
        history.outcomes.sort(key=lambda entry: entry.seq or 0)
        return history
