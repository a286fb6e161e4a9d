"""Making races happen, for tests on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Barrier, Event
from types import ModuleType
from typing import Any

import pytest
from django.db import connection, transaction


def at_once(count: int, act: Callable[[int], Any]) -> list[Any]:
    """Call `act` in `count` threads that start together; the results, or the errors."""
    barrier = Barrier(count)

    def one(number: int) -> Any:
        barrier.wait()
        return _tried(lambda: act(number))

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def before_it_commits(first: Callable[[], Any], second: Callable[[], Any]) -> tuple[Any, Any]:
    """Call `second` in another transaction while that of `first` is not committed yet.

    It is committed when `second` has ended, or waits for a lock of `first`.
    """
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            one = first()
            other = pool.submit(_tried, second)
            _until_it_ends_or_waits(other)
        return one, other.result(timeout=10)


def without(
    monkeypatch: pytest.MonkeyPatch, module: ModuleType, statement: str, guard: str, instead: str
) -> None:
    """Take a guard out of a statement."""
    text = getattr(module, statement)
    assert guard in text
    monkeypatch.setattr(module, statement, text.replace(guard, instead))


def _tried(act: Callable[[], Any]) -> Any:
    try:
        return act()
    except Exception as error:
        return error
    finally:
        connection.close()


def _until_it_ends_or_waits(other: Future[Any]) -> None:
    for _ in range(1_000):
        if other.done() or _somebody_waits_for_us():
            return
        Event().wait(0.005)
    raise TimeoutError("the other transaction neither ended nor waited")


def _somebody_waits_for_us() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted "
            "AND pg_backend_pid() = ANY(pg_blocking_pids(pid)))"
        )
        return bool(cursor.fetchone()[0])
