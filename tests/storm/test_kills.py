"""Workers are killed and frozen, and the broker emptied, while runs go on.

None is lost, nothing is recorded twice, and a transactional effect happens once.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from django.db.models import Count

from orchestrator.models import Entry
from orchestrator.models import Run as Row
from tests.storm.app.models import Booking
from tests.storm.app.workflows import BOOKINGS, EFFECTS, RECORDS, storm
from tests.storm.servers import Redis
from tests.storm.workers import Worker, pause

pytestmark = [pytest.mark.chaos, pytest.mark.postgres, pytest.mark.timeout(900)]

SECONDS = float(os.environ.get("STORM_SECONDS", "20"))
RUNS_PER_BLOW = 5
MOST_IN_FLIGHT = 10


@dataclass
class Storm:
    """What blew: how many runs, and how often what was done to them."""

    seed: int = field(default_factory=lambda: random.randrange(10**6))
    runs: int = 0
    blows: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        return f"seed {self.seed}: {self.runs} runs, {dict(self.blows)}"


def test_nothing_is_lost_and_nothing_is_doubled(settings, redis, workers):
    weather = blow(redis, workers)
    wait_until_all_have_ended(seconds=120)

    statuses = dict(Row.objects.values_list("status").annotate(Count("id")))
    assert statuses == {"completed": weather.runs}, weather
    records = Entry.objects.values("run_id").annotate(n=Count("key")).values_list("n", flat=True)
    assert set(records) == {RECORDS}, weather
    bookings = Counter(Booking.objects.values_list("run_id", "key"))
    assert set(bookings.values()) == {1}, weather
    assert len(bookings) == BOOKINGS * weather.runs, weather

    effects = read_effects(Path(settings.STORM_LOG))
    assert len(effects) == EFFECTS * weather.runs, weather
    assert all(len(set(keys)) == 1 for keys in effects.values()), weather
    repeated = sum(len(keys) - 1 for keys in effects.values())
    # A worker executes a few steps of several runs at a time.
    assert repeated <= MOST_IN_FLIGHT * sum(weather.blows.values()), weather
    print(f"\n{weather}; {repeated} of {len(effects)} external effects were repeated")


def blow(redis: Redis, workers: list[Worker]) -> Storm:
    """Start runs for a while, and do to their workers what the world does."""
    weather = Storm()
    chance = random.Random(weather.seed)
    handles = []
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        handles += [storm.start() for _ in range(chance.randint(1, RUNS_PER_BLOW))]
        for handle in chance.sample(handles, min(len(handles), 8)):
            handle.send_event("go", "go", event_id="go")
        pause(chance.uniform(0.2, 0.9))
        what = chance.choices(["kill", "freeze", "flush"], [8, 1, 1])[0]
        strike(what, chance.choice(workers), redis)
        weather.blows[what] += 1
    for handle in handles:
        handle.send_event("go", "go", event_id="go")
    weather.runs = len(handles)
    return weather


def strike(what: str, victim: Worker, redis: Redis) -> None:
    match what:
        case "kill":
            victim.kill()
            victim.start()
        case "freeze":
            # Longer than a lease: another worker takes over, then this one wakes.
            victim.freeze(2.5)
        case "flush":
            redis.flush()


def read_effects(log: Path) -> dict[tuple[str, str], list[str]]:
    """The idempotency keys with which each step of each run was executed."""
    effects: dict[tuple[str, str], list[str]] = defaultdict(list)
    for line in log.read_text().splitlines():
        run_id, key, idempotency_key, _ = line.split()
        effects[run_id, key].append(idempotency_key)
    return effects


def wait_until_all_have_ended(*, seconds: float) -> None:
    until = time.monotonic() + seconds
    while Row.objects.exclude(status="completed").exists() and time.monotonic() < until:
        pause(0.2)
