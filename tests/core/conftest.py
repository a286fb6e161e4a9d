"""The core has no database, no clock and no threads; a test that wants one is misplaced."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any, Protocol

import pytest

from tests.core.playing import Function, Play


class Start(Protocol):
    def __call__(self, fn: Function, *args: Any, **options: Any) -> Play: ...


@pytest.fixture
def play() -> Iterator[Start]:
    """Begin a body: `play(fn)`. What is still suspended at the end is dropped."""
    plays: list[Play] = []

    def begin(fn: Function, *args: Any, **options: Any) -> Play:
        one = Play(fn, *args, **options)
        plays.append(one)
        return one.begin()

    yield begin
    for one in plays:
        one.close()


@pytest.fixture(scope="package", autouse=True)
def _small_heap() -> Iterator[None]:
    """Tests collect garbage to see what is left; leave Django out of that."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
