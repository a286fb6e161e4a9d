"""Workers are killed and frozen, and the broker emptied, while runs go on.

None is lost, nothing is recorded twice, and a transactional effect happens once.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.db.models import Count

from orchestrator.models import Entry
from orchestrator.models import Run as Row
from tests.storm.app.models import Booking
from tests.storm.app.workflows import BOOKINGS, EFFECTS, RECORDS, storm
from tests.storm.servers import Redis

pytestmark = [pytest.mark.chaos, pytest.mark.postgres, pytest.mark.timeout(900)]

SECONDS = float(os.environ.get("STORM_SECONDS", "20"))
RUNS_PER_SECOND = 5
WORKERS = 2


class Worker:
    """A worker process that comes back whenever it is killed."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self._environment = environment
        self._log = log
        self.start()

    def start(self) -> None:
        command = [sys.executable, "manage.py", "worker", "--log-level", "WARNING"]
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                command, env=self._environment, stdout=log, stderr=log, start_new_session=True
            )

    def kill(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def freeze(self, seconds: float) -> None:
        os.killpg(self._process.pid, signal.SIGSTOP)
        time.sleep(seconds)
        os.killpg(self._process.pid, signal.SIGCONT)


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


def test_nothing_is_lost_and_nothing_is_doubled(tmp_path, settings, redis, workers):
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    kills = freezes = flushes = 0
    handles = []
    until = time.monotonic() + SECONDS

    while time.monotonic() < until:
        handles += [storm.start() for _ in range(chance.randint(1, RUNS_PER_SECOND))]
        for handle in chance.sample(handles, min(len(handles), 8)):
            handle.send_event("go", "go", event_id="go")
        time.sleep(chance.uniform(0.2, 0.9))
        match chance.choices(["kill", "freeze", "flush"], [8, 1, 1])[0]:
            case "kill":
                victim = chance.choice(workers)
                victim.kill()
                victim.start()
                kills += 1
            case "freeze":
                chance.choice(workers).freeze(2.5)
                freezes += 1
            case "flush":
                redis.flush()
                flushes += 1

    for handle in handles:
        handle.send_event("go", "go", event_id="go")
    wait_until_all_have_ended(seconds=120)
    report = f"seed {seed}: {len(handles)} runs, {kills} kills, {freezes} freezes, {flushes} flushes"

    statuses = dict(Row.objects.values_list("status").annotate(Count("id")))
    assert statuses == {"completed": len(handles)}, report
    records = Entry.objects.values("run_id").annotate(n=Count("key")).values_list("n", flat=True)
    assert set(records) == {RECORDS}, report
    bookings = Counter(Booking.objects.values_list("run_id", "key"))
    assert set(bookings.values()) == {1}, report
    assert len(bookings) == BOOKINGS * len(handles), report

    effects: dict[tuple[str, str], list[str]] = defaultdict(list)
    for line in Path(settings.STORM_LOG).read_text().splitlines():
        run_id, key, idempotency_key, _ = line.split()
        effects[run_id, key].append(idempotency_key)
    assert len(effects) == EFFECTS * len(handles), report
    assert all(len(set(keys)) == 1 for keys in effects.values()), report
    repeated = sum(len(keys) - 1 for keys in effects.values())
    print(f"\n{report}; {repeated} of {len(effects)} external effects were repeated")


def wait_until_all_have_ended(*, seconds: float) -> None:
    until = time.monotonic() + seconds
    while Row.objects.exclude(status="completed").exists() and time.monotonic() < until:
        time.sleep(0.2)
