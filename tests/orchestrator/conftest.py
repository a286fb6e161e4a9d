"""What the engine's tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from orchestrator import waits
from orchestrator.core.definition import registry


@pytest.fixture(autouse=True)
def workflows_of_this_test() -> Iterator[None]:
    """Forget the workflows that a test has registered."""
    before = {name: dict(versions) for name, versions in registry._by_name.items()}
    kinds = dict(waits._kinds)
    yield
    registry._by_name = before
    waits._kinds = kinds


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
