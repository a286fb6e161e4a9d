"""The steps of one run that are being executed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from orchestrator.core.commands import StepCall
from orchestrator.core.step import Pulse
from orchestrator.engine.executor import Call, Ended, timed_out

# A step is shown as executing once it has lasted longer than this.
SHOWN_AFTER_SECONDS = 0.5

# The executor cancels an async step at its timeout; what it cannot stop is given up here.
GRACE = timedelta(milliseconds=50)


@dataclass(slots=True)
class Running:
    """A step that is being executed: which attempt, since when, and until when at most."""

    step: StepCall
    call: Call
    started_at: datetime
    deadline: datetime | None
    began: float = field(default_factory=time.monotonic)

    @property
    def is_shown(self) -> bool:
        """Whether it lasts long enough to be shown as executing."""
        return time.monotonic() - self.began > SHOWN_AFTER_SECONDS


class Executing:
    """The attempts that have begun and not ended, by key."""

    def __init__(self, run_id: UUID, generation: int, told: Mapping[str, Any]) -> None:
        self._run_id = run_id
        # What the last attempt of a step has told, by key.
        self._told = dict(told)
        # A run that began anew is other work to the services that its steps call.
        self._scope = str(run_id) if generation == 1 else f"{run_id}.{generation}"
        self._running: dict[str, Running] = {}

    def __bool__(self) -> bool:
        return bool(self._running)

    @property
    def keys(self) -> list[str]:
        return list(self._running)

    def __contains__(self, key: object) -> bool:
        return key in self._running

    def __getitem__(self, key: str) -> Running:
        return self._running[key]

    def prepare(self, step: StepCall, number: int) -> Call:
        """What attempt `number` of `step` is to do."""
        return Call(
            run_id=self._run_id,
            key=step.key,
            number=number,
            fn=step.fn,
            args=step.args,
            timeout=step.timeout,
            idempotency_key=step.idempotency_key or f"{self._scope}:{step.key}",
            atomic=step.atomic,
            is_shared=step.idempotency_key is not None,
            details=self._told.get(step.key),
        )

    def begin(self, step: StepCall, number: int, now: datetime) -> Call:
        """Attempt `number` of `step` is to be executed now."""
        call = self.prepare(step, number)
        deadline = None if step.timeout is None else now + step.timeout + GRACE
        self._running[step.key] = Running(step, call, now, deadline)
        return call

    def elsewhere(self, step: StepCall, number: int, *, found: Any, told: Any) -> Call:
        """An attempt that another worker has made, with what it had found and has told."""
        call = replace(self.prepare(step, number), details=found, pulse=Pulse(told))
        self._told[step.key] = call.told
        return call

    def end(self, call: Call) -> Running | None:
        """The attempt has ended; None if it was given up before."""
        running = self._running.get(call.key)
        if running is None or running.call.number != call.number:
            return None
        self._told[call.key] = call.told
        return self._running.pop(call.key)

    def overdue(self, now: datetime) -> list[Ended]:
        """Attempts past their timeout: their threads go on, and nobody listens to them."""
        return [
            Ended(
                call=one.call,
                started_at=one.started_at,
                finished_at=now,
                error=timed_out(one.call),
            )
            for one in self._running.values()
            if one.deadline is not None and one.deadline <= now
        ]

    @property
    def deadlines(self) -> Iterator[datetime]:
        return (one.deadline for one in self._running.values() if one.deadline is not None)

    def shown(self) -> list[dict[str, object]]:
        """Those that have lasted for a while, as JSON."""
        # A copy: the heart asks from its own thread.
        return [
            {
                "key": one.call.key,
                "attempt": one.call.number,
                "started_at": one.started_at.isoformat(),
                "details": one.call.told,
            }
            for one in list(self._running.values())
            if one.is_shown
        ]
