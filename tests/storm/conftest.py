"""The storms' own settings: their workflows, their log, short leases."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def storm_log(tmp_path: Path, settings) -> None:
    settings.STORM_LOG = str(tmp_path / "effects.log")
    Path(settings.STORM_LOG).touch()
