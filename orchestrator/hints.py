"""Hints: "look at run X", told to workers when a transaction has committed.

The run's row is the truth and every worker sweeps, so a hint that is lost, late or
doubled costs time and nothing else. It never costs the caller more than a second, and
never raises.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from uuid import UUID

from orchestrator.conf import conf

logger = logging.getLogger("orchestrator")

# After a failure nothing is sent for this long: a broker that hangs for a second must not
# cost a second for each of a hundred starts.
OPEN_SECONDS = 5.0

Publisher = Callable[[UUID], None]

_publisher: Publisher | None = None
_closed_until = 0.0
_lock = threading.Lock()
failures = 0


def connect(publisher: Publisher | None) -> Publisher | None:
    """Send hints through `publisher`; None to send none. Returns the one before."""
    global _publisher, _closed_until  # noqa: PLW0603 - one broker per process
    before, _publisher = _publisher, publisher
    _closed_until = 0.0
    return before


def send(run_id: UUID) -> None:
    """Tell a worker to look at a run. Never raises."""
    global _closed_until, failures  # noqa: PLW0603
    if _publisher is None or not conf.HINTS or time.monotonic() < _closed_until:
        return
    try:
        _publisher(run_id)
    except Exception as error:
        with _lock:
            failures += 1
            _closed_until = time.monotonic() + OPEN_SECONDS
        logger.warning("no hint sent for run %s, the sweep will find it: %s", run_id, error)
