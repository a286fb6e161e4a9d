"""What the tests of the contract share. They use public names and the `runs` fixture alone."""

from __future__ import annotations

import pytest

from tests.conformance.world import Effect


@pytest.fixture
def effect() -> Effect:
    return Effect()
