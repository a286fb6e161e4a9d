"""Places where a test can make a worker die. They cost a look at an empty list and no more.

A failpoint is hit with what it concerns: runs, the keys of steps, and for an attempt its
number and its timeout. An armed one raises `Died`, which the engine treats as the end of
its process: it writes nothing more and gives nothing back. With `kill=True` it is the real
end, a SIGKILL. At an attempt it can also be that attempt's error, or its timeout.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from orchestrator.core.errors import StepTimeout

NAMES = (
    "after_claim",
    "after_load",
    "before_body",
    "after_body",
    "in_tx_after_fence",
    "after_record",
    "before_park",
    "after_park",
    "before_finish",
    "after_finish",
)

# Around an attempt of a step, and around the record of its outcome.
AT_ATTEMPTS = ("before_body", "after_body")
AT_STEPS = (*AT_ATTEMPTS, "in_tx_after_fence", "after_record")


class Died(BaseException):
    """A worker died at an armed failpoint. Not an error: nothing may catch it and go on."""


@dataclass(slots=True, eq=False)
class Failpoint:
    """One armed fault. `times` is how often it is still to happen; None: whenever it can."""

    name: str
    run_id: UUID | None = None
    step: str | None = None
    attempt: int | None = None
    times: int | None = 1
    kill: bool = False
    error: Exception | None = None
    # The attempt takes longer than it may. Only where it has a timeout.
    is_timeout: bool = False
    # How often it has happened.
    hits: int = 0

    def matches(
        self,
        name: str,
        run_ids: Iterable[UUID],
        steps: Collection[str],
        attempt: int | None,
        limit: timedelta | None,
    ) -> bool:
        if self.name != name or (self.is_timeout and limit is None):
            return False
        if self.run_id is not None and self.run_id not in run_ids:
            return False
        if self.step is not None and self.step not in steps:
            return False
        return self.attempt is None or self.attempt == attempt


_armed: list[Failpoint] = []
_lock = threading.Lock()


def arm(
    name: str,
    *,
    run_id: UUID | None = None,
    step: str | None = None,
    attempt: int | None = None,
    times: int | None = 1,
    kill: bool = False,
    error: Exception | None = None,
    is_timeout: bool = False,
) -> Failpoint:
    """Die at `name` the next `times` times that it is hit for this run, step and attempt.

    With `error` that is raised instead, and with `is_timeout` a StepTimeout: at
    `before_body` the attempt ends with it. Raises ValueError for a fault that no worker
    would ever come to.
    """
    if name not in NAMES:
        raise ValueError(f"no failpoint {name!r}. Known: {', '.join(NAMES)}")
    if step is not None and name not in AT_STEPS:
        raise ValueError(f"{name} is about a run; step= goes with {', '.join(AT_STEPS)}")
    if attempt is not None and (name not in AT_ATTEMPTS or attempt < 1):
        raise ValueError(f"attempt= counts from 1, and goes with {' and '.join(AT_ATTEMPTS)}")
    if times is not None and times < 1:
        raise ValueError(f"times is 1 or more, or None for whenever it can happen, not {times}")
    made = Failpoint(name, run_id, step, attempt, times, kill, error, is_timeout)
    _armed.append(made)
    return made


def disarm() -> None:
    """Forget every armed failpoint."""
    _armed.clear()


def is_armed(name: str) -> bool:
    return any(one.name == name for one in _armed)


def hit(
    name: str,
    run_ids: Iterable[UUID] = (),
    *,
    steps: Iterable[str] = (),
    attempt: int | None = None,
    limit: timedelta | None = None,
) -> None:
    """Die here if it is armed for one of these runs, one of these steps and this attempt."""
    if not _armed:
        return
    with _lock:
        about = (name, set(run_ids), list(steps), attempt, limit)
        found = next((one for one in _armed if one.matches(*about)), None)
        if found is None:
            return
        _count(found)
    if found.kill:
        os.kill(os.getpid(), signal.SIGKILL)
    if found.is_timeout and limit is not None:
        raise StepTimeout.of(found.step or "", limit)
    # One that has been raised before would show where.
    raise Died(name) if found.error is None else found.error.with_traceback(None)


def _count(found: Failpoint) -> None:
    found.hits += 1
    if found.times is not None:
        found.times -= 1
        if found.times == 0:
            _armed.remove(found)
