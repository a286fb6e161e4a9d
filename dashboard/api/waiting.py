"""Waiting for what a run does without holding anything but a thread, and not for long."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.conf import settings
from django.db import connection

from orchestrator.core.durations import Duration, parse_duration
from orchestrator.models import FINAL, Run

FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0

_lock = threading.Lock()
_waiting = 0


def wait_for_end(run_id: UUID, timeout: Duration) -> None:
    """Wait until the run has ended, for `ORCHESTRATOR_API_LONG_POLL` at most."""
    if _has_ended(run_id):
        return
    with turn(timeout) as seconds:
        if seconds:
            _poll(run_id, seconds)


@contextmanager
def turn(timeout: Duration) -> Iterator[float]:
    """How many seconds a request may wait: `timeout`, or what the server allows.

    Only `ORCHESTRATOR_API_LONG_POLLS` requests of a process wait at once. One more gets 0
    and is answered at once, so that those who wait cannot keep everybody else out.
    """
    longest = parse_duration(getattr(settings, "ORCHESTRATOR_API_LONG_POLL", "25s"))
    seconds = min(parse_duration(timeout), longest).total_seconds()
    if not seconds or not _enter():
        yield 0.0
        return
    try:
        yield seconds
    finally:
        _leave()


def _poll(run_id: UUID, seconds: float) -> None:
    until, pause = time.monotonic() + seconds, FIRST_PAUSE
    while (left := until - time.monotonic()) > 0 and not _has_ended(run_id):
        _give_back_connection()
        time.sleep(min(pause, left))  # noqa: TID251 - it waits for another process
        pause = min(pause * 1.5, LONGEST_PAUSE)


def _has_ended(run_id: UUID) -> bool:
    return Run.objects.filter(id=run_id, status__in=FINAL).exists()


def _give_back_connection() -> None:
    """To the pool, if there is one: others may be waiting for it."""
    if connection.settings_dict.get("OPTIONS", {}).get("pool") and not connection.in_atomic_block:
        connection.close()


def _enter() -> bool:
    global _waiting  # noqa: PLW0603 - one count per process
    with _lock:
        if _waiting >= int(getattr(settings, "ORCHESTRATOR_API_LONG_POLLS", 2)):
            return False
        _waiting += 1
        return True


def _leave() -> None:
    global _waiting  # noqa: PLW0603 - one count per process
    with _lock:
        _waiting -= 1
