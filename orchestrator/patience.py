"""How a caller passes the time between two looks at a run.

It sleeps, because somebody else drives the run. In a test nobody does: `orchestrator.testing`
puts something better in its place.
"""

from __future__ import annotations

import time
from collections.abc import Callable

# Rests for so many seconds. False when there is no use in looking again.
Rest = Callable[[float], bool]


def sleep(seconds: float) -> bool:
    """Let the others work."""
    time.sleep(seconds)  # noqa: TID251 - it waits for other threads and processes
    return True


_rest: Rest = sleep


def rest(seconds: float) -> bool:
    """Rest for `seconds`. False when there is no use in looking again."""
    return _rest(seconds)


def rest_with(other: Rest) -> Rest:
    """Rest in another way from now on. For `orchestrator.testing`. Returns the one before."""
    global _rest
    before, _rest = _rest, other
    return before
