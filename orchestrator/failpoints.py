"""Places where a test can make a worker die. They cost a dictionary look-up and no more.

A failpoint is hit with what it concerns: a run's id (or ids), and a step's key. An armed
one raises `Died`, which the engine treats as the end of its process: it writes nothing
more and gives nothing back. With `kill=True` it is the real end, a SIGKILL.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

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


class Died(BaseException):
    """A worker died at an armed failpoint. Not an error: nothing may catch it and go on."""


@dataclass(slots=True)
class Failpoint:
    name: str
    run_id: UUID | None = None
    step: str | None = None
    times: int = 1
    kill: bool = False
    error: Exception | None = None


_armed: list[Failpoint] = []
_lock = threading.Lock()


def arm(
    name: str,
    *,
    run_id: UUID | None = None,
    step: str | None = None,
    times: int = 1,
    kill: bool = False,
    error: Exception | None = None,
) -> None:
    """Die at `name` the next `times` times that it is hit for this run and step.

    With `error` that is raised instead: at `before_body` the step fails with it.
    """
    if name not in NAMES:
        raise ValueError(f"no failpoint {name!r}. Known: {', '.join(NAMES)}")
    _armed.append(Failpoint(name, run_id, step, times, kill, error))


def disarm() -> None:
    """Forget every armed failpoint."""
    _armed.clear()


def is_armed(name: str) -> bool:
    return any(one.name == name for one in _armed)


def hit(name: str, run_ids: Iterable[UUID] = (), step: str | None = None) -> None:
    """Die here if it is armed for one of these runs and this step."""
    if not _armed:
        return
    with _lock:
        found = _match(name, set(run_ids), step)
        if found is None:
            return
        found.times -= 1
        if found.times == 0:
            _armed.remove(found)
    if found.kill:
        os.kill(os.getpid(), signal.SIGKILL)
    raise found.error or Died(name)


def _match(name: str, run_ids: set[UUID], step: str | None) -> Failpoint | None:
    for one in _armed:
        if one.name != name or (one.step is not None and one.step != step):
            continue
        if one.run_id is None or one.run_id in run_ids:
            return one
    return None
