"""What a body may know of its run and of the steps whose outcome it has seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol
from uuid import UUID


class Effects(Protocol):
    """What a body may do to other runs. The engine's side of `ctx`, called in atomic steps."""

    def send_event(self, target: UUID, name: str, payload: Any, key: str | None) -> dict[str, Any]:
        """Send an event; says what became of it."""
        ...

    def start_child(self, workflow: str, input: Any, on_parent_cancel: str) -> UUID:
        """Start a child of the executing step's run; its id."""
        ...

    def handed(self, step: str, fn: Callable[..., Any], args: tuple[Any, ...]) -> dict[str, Any]:
        """What a step is handed out with, to any worker. Raises TypeError, PayloadTooLarge."""
        ...

    def child_detail(self, workflow: str, input: Any, on_parent_cancel: str) -> dict[str, Any]:
        """What the wait for a child is opened with. Raises InvalidInput and UnknownWorkflow."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInfo:
    """What a body may know of its run. The same on every replay."""

    run_id: UUID
    workflow: str
    version: str
    attempt: int
    input: Any
    initiator: str | None
    tags: Mapping[str, Any]
    scheduled_at: datetime | None = None


class Seen(NamedTuple):
    """What stays of an outcome when the body has it: not its value, which may be large."""

    seq: int | None
    status: str
    attempts: int
    started_at: datetime | None
    completed_at: datetime | None


@dataclass(frozen=True, slots=True)
class StepMetadata:
    """What is recorded of a step that has its outcome."""

    key: str
    status: str
    attempts: int
    started_at: datetime | None
    completed_at: datetime | None

    @property
    def duration(self) -> timedelta | None:
        if self.started_at is None or self.completed_at is None:
            return None
        return max(self.completed_at - self.started_at, timedelta(0))


class Steps(Mapping[str, StepMetadata]):
    """`ctx.steps[key]`: the steps and waits whose outcome the body has seen."""

    def __init__(self, seen: Mapping[str, Seen]) -> None:
        self._seen = seen

    def __getitem__(self, key: str) -> StepMetadata:
        seen = self._seen[key]
        return StepMetadata(key, seen.status, seen.attempts, seen.started_at, seen.completed_at)

    def __iter__(self) -> Iterator[str]:
        return iter(self._seen)

    def __len__(self) -> int:
        return len(self._seen)
