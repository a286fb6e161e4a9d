"""Workers share what is due: none takes what it has no threads for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from orchestrator import Context, start_many, workflow
from orchestrator.engine import driver
from orchestrator.engine.executor import Executor
from orchestrator.engine.worker import Worker
from orchestrator.models import Run as Row
from orchestrator.store import ticks
from orchestrator.store.records import Claim

# Two workers that write at once only wait for each other on SQLite.
pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

RUNS = 40


@pytest.fixture
def worker(settings):
    """Start workers with two threads each; they are stopped at the end."""
    settings.ORCHESTRATOR_STEP_THREADS, settings.ORCHESTRATOR_DRIVERS = 2, 1
    started: list[Worker] = []

    def start() -> Worker:
        started.append(Worker())
        started[-1].start()
        return started[-1]

    yield start
    for one in started:
        one.stop(timedelta(seconds=5))


def held_by(worker: Worker) -> int:
    return Row.objects.filter(worker=worker.name, owned=True).count()


def until(is_so: Callable[[], bool]) -> bool:
    limit = time.monotonic() + 30
    while not is_so() and time.monotonic() < limit:
        threading.Event().wait(0.01)
    return is_so()


@pytest.mark.parametrize("guarded", [True, False])
def test_a_worker_leaves_to_others_what_it_has_no_threads_for(worker, monkeypatch, guarded):
    if not guarded:
        monkeypatch.setattr(driver, "BITE", RUNS)
        monkeypatch.setattr(Executor, "is_full", False)
    gate, begun = threading.Event(), threading.Semaphore(0)

    def wait() -> None:
        begun.release()
        gate.wait(60)

    @workflow(name="slow")
    async def slow(ctx: Context) -> None:
        await ctx.step("wait", wait)

    try:
        start_many(slow, [None] * RUNS)
        first = worker()
        assert begun.acquire(timeout=30)
        assert begun.acquire(timeout=30)
        second = worker()
        if guarded:
            assert until(lambda: held_by(second) > 0)
            assert held_by(first) <= driver.BITE
        else:
            assert until(lambda: held_by(first) == RUNS)
    finally:
        gate.set()
    assert until(lambda: Row.objects.filter(status="completed").count() == RUNS)


def test_quick_runs_are_taken_many_at_a_time(worker, monkeypatch):
    taken = []
    claim = ticks.claim

    def spy(**options: Any) -> list[Claim]:
        claims = claim(**options)
        taken.append(len(claims))
        return claims

    monkeypatch.setattr(ticks, "claim", spy)

    @workflow(name="quick")
    async def quick(ctx: Context) -> None:
        await ctx.step("one", int)

    start_many(quick, [None] * 200)
    worker()

    assert until(lambda: Row.objects.filter(status="completed").count() == 200)
    assert max(taken) > 5 * driver.BITE
