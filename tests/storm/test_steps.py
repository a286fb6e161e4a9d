"""Workers are killed and frozen while they execute steps that were handed out.

Each step is recorded once, with its result; a transactional effect happens once.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.models import Attempt, Event, StepTask
from orchestrator.models import Run as Row
from tests.storm.app.models import Booking
from tests.storm.app.workflows import fan
from tests.storm.workers import Worker, pause

pytestmark = [pytest.mark.chaos, pytest.mark.postgres, pytest.mark.timeout(900)]

SECONDS = float(os.environ.get("STORM_SECONDS", "20"))
WIDTH = 40
# What a worker executes at once (ORCHESTRATOR_REMOTE_STEPS), and so may repeat when it dies.
AT_ONCE = 16


def test_the_steps_of_a_worker_that_is_killed_are_executed_by_another(workers, settings):
    run = fan.start(WIDTH)
    # Both have begun some, which last for half a second.
    log = Path(settings.STORM_LOG)
    until(lambda: len(processes(read_effects(log))) == len(workers), seconds=30)
    victim = workers[0]
    killed = victim.pid

    victim.kill()
    until(lambda: not Row.objects.exclude(status="completed").exists(), seconds=60)
    victim.start()

    assert run.refresh().result() == list(range(WIDTH))
    check_bookings(runs=1)
    effects = read_effects(log)
    assert len(effects) == WIDTH
    assert 0 < repeated(effects) <= AT_ONCE
    assert {pids[0] for pids in effects.values() if len(pids) > 1} == {killed}


def test_a_run_uses_every_worker_there_is(workers, settings):
    log = Path(settings.STORM_LOG)
    warm = fan.start(2 * WIDTH)
    until(lambda: warm.refresh().status == "completed", seconds=60)
    log.write_text("")

    # One worker alone has hands enough.
    fan.start(AT_ONCE)
    until(lambda: not Row.objects.exclude(status="completed").exists(), seconds=60)

    share = Counter(pids[0] for pids in read_effects(log).values())
    assert min(share[one.pid] for one in workers) >= AT_ONCE // 4, share
    print(f"\nshares: {list(share.values())}")


def test_runs_that_use_all_workers_outlive_them(workers, settings):
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    runs, blows = 0, Counter[str]()
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        fan.start(chance.randint(1, WIDTH))
        runs += 1
        pause(chance.uniform(0.5, 1.5))
        blows[strike(chance.choice(workers), chance)] += 1

    until(lambda: not Row.objects.exclude(status="completed").exists(), seconds=120)

    weather = f"seed {seed}: {runs} runs, {dict(blows)}"
    assert Row.objects.filter(status="completed").count() == runs, weather
    for run in Row.objects.all():
        assert json.loads(run.output) == list(range(int(run.input))), weather
    check_bookings(runs=runs)
    effects = read_effects(Path(settings.STORM_LOG))
    assert repeated(effects) <= AT_ONCE * sum(blows.values()), weather
    assert not Attempt.objects.exists(), weather
    print(f"\n{weather}; {repeated(effects)} of {len(effects)} external effects were repeated")


def strike(victim: Worker, chance: random.Random) -> str:
    if chance.random() < 0.8:
        victim.kill()
        victim.start()
        return "kill"
    # Longer than a lease: others take its steps over, then it wakes and reports.
    victim.freeze(2.5)
    return "freeze"


def check_bookings(*, runs: int) -> None:
    bookings = Counter(Booking.objects.values_list("run_id", "key"))
    assert set(bookings.values()) == {1}
    assert len(bookings) == sum(int(one) for one in Row.objects.values_list("input", flat=True))
    assert len({run_id for run_id, _ in bookings}) == runs
    assert not StepTask.objects.exists()
    assert not Event.objects.exists()


def read_effects(log: Path) -> dict[str, list[int]]:
    """The processes that executed each step, by its idempotency key."""
    effects: dict[str, list[int]] = defaultdict(list)
    for line in log.read_text().splitlines():
        text, _, pid = line.rpartition(" ")
        # The step's name may have spaces, and so has its key, which begins with the run.
        run_id = text.partition(" ")[0]
        effects[text[text.rindex(f"{run_id}:") :]].append(int(pid))
    return effects


def processes(effects: dict[str, list[int]]) -> set[int]:
    return {pid for pids in effects.values() for pid in pids}


def repeated(effects: dict[str, list[int]]) -> int:
    return sum(len(pids) - 1 for pids in effects.values())


def until(is_so: Callable[[], bool], *, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not is_so() and time.monotonic() < end:
        pause(0.05)
    assert is_so()
