"""Whoever has a step that was handed out has it alone, and its run hears of it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from orchestrator import Context, workflow
from orchestrator.core.definition import registry
from orchestrator.store import steps, testing, ticks
from orchestrator.store.records import Park, Save
from tests.orchestrator.remote.functions import OtherWorker, effect

LEASE = timedelta(seconds=10)


@pytest.fixture
def run(drive):
    @workflow(name="one")
    async def one(ctx: Context) -> object:
        return await ctx.step("a", effect, "a", remote=True)

    run = one.start()
    drive()
    return run


def test_a_worker_that_lost_its_step_does_not_keep_it(run):
    [before] = OtherWorker("stale").take()
    testing.expire_leases()
    [after] = OtherWorker("heir").take()

    kept = steps.beat([(one.id, one.epoch, None) for one in (before, after)], lease=LEASE)
    of_stale_alone = steps.beat([(before.id, before.epoch, None)], lease=LEASE)

    assert (kept, of_stale_alone) == ({after.id}, set())


def test_a_step_counts_the_workers_that_died_with_it(run):
    counts = []
    for _ in range(3):
        [task] = OtherWorker().take()
        counts.append(task.crashes)
        testing.expire_leases()

    assert counts == [0, 1, 2]


def test_a_report_that_comes_while_the_run_parks_is_not_slept_over(run):
    [task] = OtherWorker().take()
    run.send_event("look")
    known = [(one.name, one.version) for one in registry]
    [held] = ticks.claim(limit=10, lease=LEASE, worker="test", known=known)

    OtherWorker().report(task, "done")
    saved = ticks.save([Save(claim=held, then=Park("waiting", None, []))], worker="test")

    assert saved[run.id].is_due
