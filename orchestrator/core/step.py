"""The step that is being executed in this thread or task."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID

from orchestrator.core.notes import Log


@dataclass(frozen=True, slots=True)
class CurrentStep:
    """What a step's function may know of itself. See `current_step`."""

    run_id: UUID
    name: str
    attempt: int
    idempotency_key: str
    logger: Log


_current: ContextVar[CurrentStep | None] = ContextVar("current_step", default=None)


def current_step() -> CurrentStep:
    """The step that is being executed here. Raises RuntimeError outside of a step.

    `attempt` counts from 1. `idempotency_key` is the same for every attempt of the step:
    hand it to the services that it calls, so that a repeated attempt does not repeat its
    effect.
    """
    found = _current.get()
    if found is None:
        raise RuntimeError("current_step() is for step functions: no step is being executed here")
    return found


def executing_key() -> str | None:
    """The key of the step that is being executed here; None outside of a step."""
    found = _current.get()
    return found.name if found else None


@contextmanager
def executing(step: CurrentStep) -> Iterator[None]:
    """Within, `step` is the current one."""
    token = _current.set(step)
    try:
        yield
    finally:
        _current.reset(token)
