"""The engine's clock: the database's. Workers' own clocks never decide anything.

On PostgreSQL it is `statement_timestamp()`: `now()` stands still in a transaction, and an
index cannot be used with the volatile `clock_timestamp()`. SQLite runs on this machine,
so there it is this machine's clock.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

from orchestrator.database import ALIAS

ZERO = timedelta(0)

# How far tests have moved the clock.
_skew = ZERO


def skew() -> timedelta:
    """How far the clock has been moved; zero but in tests."""
    return _skew


def move(by: timedelta) -> None:
    """Move the clock of this process. For `orchestrator.testing`."""
    global _skew  # noqa: PLW0603 - one clock per process
    _skew += by


def now() -> datetime:
    """The time of the database, in UTC."""
    connection = connections[ALIAS]
    if connection.vendor != "postgresql":
        return timezone.now() + _skew
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {sql(connection)}")
        return cursor.fetchone()[0].astimezone(UTC)  # type: ignore[no-any-return]


def sql(connection: BaseDatabaseWrapper, offset: timedelta = ZERO) -> str:
    """The current time as SQL, plus `offset`; it holds no user's text."""
    offset += _skew
    if connection.vendor == "postgresql":
        seconds = offset.total_seconds()
        return (
            f"(statement_timestamp() + interval '{seconds:.6f} s')"
            if seconds
            else "statement_timestamp()"
        )
    instant = timezone.now().astimezone(UTC).replace(tzinfo=None) + offset
    return f"'{instant.isoformat(sep=' ', timespec='microseconds')}'"


class Now(models.Func):
    """The current time in a query, plus `offset`."""

    output_field = models.DateTimeField()

    def __init__(self, offset: timedelta = ZERO) -> None:
        super().__init__()
        self.offset = offset

    def as_sql(  # type: ignore[override]
        self, compiler: Any, connection: BaseDatabaseWrapper, **_: Any
    ) -> tuple[str, list[Any]]:
        return sql(connection, self.offset), []


class Estimate:
    """The database's time without asking it: its last answer and this process's stopwatch.

    Never behind the database by more than the clocks drift between two answers, so a
    deadline that is counted from it does not come early.
    """

    def __init__(self) -> None:
        self._at: datetime | None = None
        self._asked = 0.0

    def asking(self) -> float:
        """Take it before a statement whose answer holds the time."""
        return time.monotonic()

    def answered(self, asked: float, at: datetime) -> None:
        """The statement sent at `asked` said that it is `at`."""
        self._at, self._asked = at, asked

    def now(self) -> datetime:
        if self._at is None:
            asked = self.asking()
            self.answered(asked, now())
        assert self._at is not None
        return self._at + timedelta(seconds=time.monotonic() - self._asked)
