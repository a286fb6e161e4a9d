"""What a run tells of itself: plain data that `Run` hands out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

# How the reason begins for which an event finds no place in a mailbox.
FULL = "the run's mailbox is full"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepInfo:
    """One thing that a run asked for: a step, a sleep, a wait. `attempts` counts those made."""

    key: str
    name: str
    kind: str
    status: str
    attempts: int
    started_at: datetime | None
    completed_at: datetime | None
    result: Any = None
    error: dict[str, Any] | None = None
    # What its last attempt has told with `current_step().heartbeat`.
    details: Any = None

    @property
    def duration(self) -> timedelta | None:
        if self.started_at is None or self.completed_at is None:
            return None
        return max(self.completed_at - self.started_at, timedelta(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class EventInfo:
    """An event that a run has received. `consumed_by` is the key of the wait that took it.

    Of an event that came to a machine when it had ended it is `@refused|…`.
    """

    name: str
    key: str | None
    payload: Any
    received_at: datetime
    consumed_at: datetime | None
    consumed_by: str | None
    event_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitInfo:
    """One thing that a run waits for. `until` is when it stops waiting, if it does."""

    kind: str
    name: str
    key: str
    since: datetime | None
    until: datetime | None
    detail: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How waiting for a run ended. `state` is its status; `cause` says why not, if so."""

    success: bool
    state: str
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of an event. Not delivered: `reason` says why."""

    delivered: bool
    reason: str = ""
    run_ids: tuple[UUID, ...] = ()

    @property
    def is_duplicate(self) -> bool:
        """Whether an event with this `event_id` had been sent before."""
        return self.reason.startswith("duplicate")

    @property
    def is_full(self) -> bool:
        """Whether too many events wait in the run's mailbox: try again later."""
        return self.reason.startswith(FULL)
