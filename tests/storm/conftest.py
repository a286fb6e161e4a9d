"""The storms' own settings: their workflows, their log, short leases."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings as django_settings
from django.db import connection

from tests.storm.servers import Redis
from tests.storm.workers import Worker

WORKERS = 2

# `make storm` brings the settings with which the storms' models are installed.
if "tests.storm.app" not in django_settings.INSTALLED_APPS:
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(autouse=True)
def storm_log(tmp_path: Path, settings) -> None:
    settings.STORM_LOG = str(tmp_path / "effects.log")
    Path(settings.STORM_LOG).touch()


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    with Redis(tmp_path / "redis") as server:
        yield server


@pytest.fixture
def workers(
    tmp_path: Path, redis: Redis, transactional_db: None, settings
) -> Iterator[list[Worker]]:
    url = urlsplit(os.environ["DATABASE_URL"])
    url = url._replace(path=f"/{connection.settings_dict['NAME']}")
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.storm.settings",
        "DATABASE_URL": url.geturl(),
        "BROKER_URL": redis.url,
        "STORM_LOG": settings.STORM_LOG,
    }
    workers = [Worker(environment, tmp_path / "workers.log") for _ in range(WORKERS)]
    yield workers
    for worker in workers:
        worker.kill()
