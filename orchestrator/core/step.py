"""The step that is being executed in this thread or task."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from orchestrator.core.codec import encode
from orchestrator.core.notes import Log

# Bytes of what a heartbeat may tell: it travels with every one of the worker's.
MAX_DETAILS = 8_192


@dataclass(slots=True)
class Pulse:
    """What an attempt has told while it was executed: JSON, the latest wins."""

    details: Any = None


@dataclass(frozen=True, slots=True)
class CurrentStep:
    """What a step's function may know of itself. See `current_step`."""

    run_id: UUID
    name: str
    attempt: int
    idempotency_key: str
    logger: Log
    details: Any = None
    _pulse: Pulse = field(default_factory=Pulse)

    def heartbeat(self, details: Any = None) -> None:
        """Tell how far the attempt is: shown while it lasts, and kept with how it ends.

        `details` is JSON of at most 8 kB; it replaces what was told before. The worker
        sends it with its own next heartbeat, so call this as often as you like. When the
        attempt fails or its worker dies, the next one finds it as `details` and may go on
        from there. Raises NotSerializable or PayloadTooLarge.
        """
        text = encode(details, root="details", limit=MAX_DETAILS)
        self._pulse.details = json.loads(text)


_current: ContextVar[CurrentStep | None] = ContextVar("current_step", default=None)


def current_step() -> CurrentStep:
    """The step that is being executed here. Raises RuntimeError outside of a step.

    `attempt` counts from 1. `idempotency_key` is the same for every attempt of the step:
    hand it to the services that it calls, so that a repeated attempt does not repeat its
    effect. `details` is what the attempt before told with `heartbeat`, None if nothing.
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
