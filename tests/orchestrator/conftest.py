"""What the engine's tests share."""

from __future__ import annotations

import pytest


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
