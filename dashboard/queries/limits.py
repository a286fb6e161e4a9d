"""A limit to how long the database works for one page."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import transaction
from django.db.utils import OperationalError

from orchestrator.database import ALIAS, engine_connection, is_postgresql

# Of SQLite: how many of its instructions pass between two looks at the clock.
_INSTRUCTIONS = 10_000


class TookTooLong(Exception):
    """The database was stopped, because it would have worked longer than it may."""


@contextmanager
def within(limit: timedelta) -> Iterator[None]:
    """Read from the engine's database, each statement for `limit` at most.

    Raises TookTooLong. On PostgreSQL what is read is one transaction.
    """
    bounded = _on_postgresql if is_postgresql() else _on_sqlite
    with bounded(limit):
        yield


@contextmanager
def _on_postgresql(limit: timedelta) -> Iterator[None]:
    # 0 would be no limit.
    milliseconds = max(int(limit.total_seconds() * 1000), 1)
    try:
        with transaction.atomic(using=ALIAS):
            with engine_connection().cursor() as cursor:
                # For this transaction alone, whichever server connection a pool hands out.
                cursor.execute(
                    "SELECT set_config('statement_timeout', %s, true)", [str(milliseconds)]
                )
            yield
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) == "57014":
            raise TookTooLong from error
        raise


@contextmanager
def _on_sqlite(limit: timedelta) -> Iterator[None]:
    connection = engine_connection()
    connection.ensure_connection()
    until = time.monotonic() + limit.total_seconds()
    connection.connection.set_progress_handler(lambda: int(time.monotonic() > until), _INSTRUCTIONS)
    try:
        yield
    except OperationalError as error:
        if "interrupted" in str(error):
            raise TookTooLong from error
        raise
    finally:
        connection.connection.set_progress_handler(None, _INSTRUCTIONS)
