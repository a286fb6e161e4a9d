"""Hints: "look at run X", told to workers when a transaction has committed.

The run's row is the truth and every worker sweeps, so a hint that is lost, late or doubled
costs time and nothing else. One thread of this process publishes them, so a broker that
is slow, frozen or gone costs the caller nothing. A hint makes a worker look at everything
that is due: those that come while one is being sent are covered by the next.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from collections.abc import Callable
from uuid import UUID

from orchestrator.conf import conf

logger = logging.getLogger("orchestrator")

# After a failure nothing is sent for this long; the sweep is at work meanwhile.
PAUSE_SECONDS = 5.0

# At most so often: a burst of starts needs one hint every few milliseconds, not one each.
GAP_SECONDS = 0.002

# How long the process waits at its end for the last hint to be sent.
EXIT_SECONDS = 1.0

# Called with a run that is due, and with its queue: "" for the default one. True: not the
# run is due but steps that it has handed out, and that is their queue.
Publisher = Callable[[UUID, str, bool], object]


class Postman:
    """Publishes hints in a thread of its own."""

    def __init__(self, publish: Publisher) -> None:
        self._publish = publish
        self._news = threading.Condition()
        # The latest run of each queue that nobody was told of yet, and the latest with steps.
        self._waiting: dict[tuple[str, bool], UUID] = {}
        self._is_sending = False
        self._pid = 0
        self.failures = 0

    def send(self, run_id: UUID, queue: str, is_for_steps: bool = False) -> None:
        """Note a hint, and return at once."""
        with self._news:
            self._waiting[queue, is_for_steps] = run_id
            # A forked child has no thread, whatever its parent had.
            if self._pid != os.getpid():
                self._pid = os.getpid()
                threading.Thread(target=self._work, name="hints", daemon=True).start()
            self._news.notify_all()

    def flush(self, seconds: float) -> bool:
        """Wait until every hint is sent. False if that took too long."""
        with self._news:
            return self._news.wait_for(
                lambda: not self._waiting and not self._is_sending, timeout=seconds
            )

    def _work(self) -> None:
        while True:
            with self._news:
                self._is_sending = False
                self._news.notify_all()
                self._news.wait_for(lambda: bool(self._waiting))
                (queue, is_for_steps), run_id = self._waiting.popitem()
                self._is_sending = True
            pause = self._try(run_id, queue, is_for_steps)
            if pause > GAP_SECONDS:
                with self._news:
                    self._waiting.clear()
                    self._is_sending = False
            time.sleep(pause)  # noqa: TID251 - so that a burst makes few messages

    def _try(self, run_id: UUID, queue: str, is_for_steps: bool) -> float:
        try:
            self._publish(run_id, queue, is_for_steps)
        except Exception as error:
            self.failures += 1
            logger.warning("no hint sent for run %s, the sweep will find it: %s", run_id, error)
            return PAUSE_SECONDS
        return GAP_SECONDS


_send: Publisher | None = None
_ring: Callable[[bool], object] | None = None


def connect(send: Publisher | None) -> Publisher | None:
    """Send hints through `send`, which must not block; None for none. Returns the one before."""
    global _send
    before, _send = _send, send
    return before


def ring_here(ring: Callable[[bool], object] | None) -> None:
    """Also call `ring` for each hint, with whether it is for steps: the engine is here."""
    global _ring  # noqa: PLW0603 - one engine per process
    _ring = ring


def send(run_id: UUID, queue: str, is_for_steps: bool = False) -> None:
    """Tell the workers of a queue to look at a run. Never blocks for long and never raises.

    `is_for_steps`: not at the run itself, but at the steps that it has handed out.
    """
    if _ring is not None:
        _ring(is_for_steps)
    publish(run_id, queue, is_for_steps)


def publish(run_id: UUID, queue: str, is_for_steps: bool = False) -> None:
    """The same, but for the engine in this very process."""
    if _send is not None and conf.HINTS:
        try:
            _send(run_id, queue, is_for_steps)
        except Exception:
            logger.exception("no hint sent for run %s, the sweep will find it", run_id)


def start(publish: Publisher) -> None:
    """Publish the hints of this process through `publish`, in a thread.

    The end of the process waits for the last one.
    """
    postman = Postman(publish)
    connect(postman.send)
    atexit.register(postman.flush, EXIT_SECONDS)
