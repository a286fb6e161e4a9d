"""What the engine's tests share."""

from __future__ import annotations

import pytest
from django.db import connection


class Counter:
    """A function that counts its calls, by argument. Stands for an effect in the world."""

    def __init__(self) -> None:
        self.calls: list[object] = []

    def __call__(self, value: object = None) -> object:
        self.calls.append(value)
        return value


@pytest.fixture
def effect() -> Counter:
    return Counter()


@pytest.fixture
def durable(db):
    """Commits that wait for the disk, as in production. The tests' server does without."""
    if connection.vendor != "postgresql":
        yield
        return
    connection.cursor().execute("SET synchronous_commit = on")
    yield
    # Of a test that has closed it there is nothing to take back.
    if connection.connection is not None:
        connection.cursor().execute("RESET synchronous_commit")
