"""Limits: how many runs of a workflow are in progress at once, and how long a journal gets."""

from __future__ import annotations

import asyncio

import pytest

from orchestrator import Context, get_run, workflow


@pytest.fixture
def limited():
    def make(**options):
        @workflow(name="limited", **options)
        async def limited(ctx: Context, told: dict) -> None:
            await ctx.wait_for_event("go")

        return limited

    return make


def test_so_many_runs_are_in_progress_at_once(runs, limited):
    w = limited(max_concurrent=2)
    handles = [runs.start(w, {}) for _ in range(3)]

    assert [run.refresh().status for run in handles] == ["waiting", "waiting", "pending"]
    [wait] = handles[2].waiting_on
    assert wait.kind == "concurrency"


@pytest.mark.parametrize("end", ["completed", "cancelled", "failed"])
def test_a_run_that_ends_lets_the_next_one_in(runs, end):
    @workflow(name="w", max_concurrent=1)
    async def w(ctx: Context) -> None:
        if await ctx.wait_for_event("go") == "failed":
            raise KeyError

    first, second = runs.start(w), runs.start(w)
    if end == "cancelled":
        first.cancel()
    else:
        first.send_event("go", end)
    runs.advance("10s")

    assert first.refresh().status == end
    assert second.refresh().status == "waiting"


def test_a_key_makes_groups_of_runs(runs, limited):
    w = limited(max_concurrent=1, concurrency_key="{customer}")
    handles = [runs.start(w, {"customer": name}) for name in ("a", "a", "b")]

    assert [run.refresh().status for run in handles] == ["waiting", "pending", "waiting"]


def test_a_place_is_given_back_when_its_worker_dies(runs, limited):
    w = limited(max_concurrent=1)
    runs.crash_at("after_record")
    first = runs.start(w, {})
    runs.drain()
    assert first.refresh().status == "waiting"
    second = runs.start(w, {})
    runs.send_event(first, "go")
    runs.advance("10s")

    assert second.refresh().status == "waiting"


def test_places_are_taken_once_by_many_that_come_at_once(runs, limited):
    w = limited(max_concurrent=3)
    handles = [w.start({}, delay="1m") for _ in range(8)]
    runs.advance("1m")

    statuses = [get_run(run.id).status for run in handles]
    assert sorted(statuses) == ["pending"] * 5 + ["waiting"] * 3


def test_a_fan_out_bounded_by_a_semaphore_records_every_step(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> int:
        limit = asyncio.Semaphore(3)

        async def one(number: int) -> int:
            async with limit:
                return await ctx.step("one", effect, number)

        return sum(await asyncio.gather(*(one(number) for number in range(10))))

    run = runs.start(w)

    assert run.result() == 45
    assert len(run.steps) == 10


def test_a_body_may_not_ask_for_more_than_a_bound(runs, settings):
    settings.ORCHESTRATOR_MAX_ENTRIES = 10

    @workflow(name="w")
    async def w(ctx: Context) -> None:
        while True:
            await ctx.step("again", lambda: None)

    run = runs.start(w)

    assert run.status == "blocked"
    assert "ORCHESTRATOR_MAX_ENTRIES" in run.error["message"]
    assert len(run.steps) <= 10
