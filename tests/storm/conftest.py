"""The storms' own settings: their workflows, their log, short leases."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings as django_settings

# `make storm` brings the settings with which the storms' models are installed.
if "tests.storm.app" not in django_settings.INSTALLED_APPS:
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(autouse=True)
def storm_log(tmp_path: Path, settings) -> None:
    settings.STORM_LOG = str(tmp_path / "effects.log")
    Path(settings.STORM_LOG).touch()
