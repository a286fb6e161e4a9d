"""The pytest plugin: a `runs` fixture. See `orchestrator.testing`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from orchestrator.testing.runs import Runs


@pytest.fixture
def runs(transactional_db: None) -> Iterator[Runs]:
    """Drive runs in the test. Uses a database that commits, as the engine does."""
    # pytest loads plugins before Django is set up.
    from orchestrator.testing.runs import Runs  # noqa: PLC0415

    runs = Runs()
    runs.open()
    yield runs
    runs.close()
