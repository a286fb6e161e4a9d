"""A worker dies at each point at which it can. What was recorded stays, and the run goes on."""

from __future__ import annotations

import asyncio

import pytest
from django.contrib.auth.models import Group

from orchestrator import Context, clock, failpoints, workflow
from orchestrator.models import Entry
from orchestrator.models import Run as Row


def add_group(name: str) -> int:
    return Group.objects.create(name=name).pk


@pytest.fixture
def order(effect):
    @workflow(name="order")
    async def order(ctx: Context) -> list[object]:
        first = await ctx.step("reserve", effect, "reserve")
        await ctx.step("book", add_group, "booked", atomic=True)
        sides = await asyncio.gather(
            ctx.step("left", effect, "left"), ctx.step("right", effect, "right")
        )
        await ctx.sleep("1h")
        return [first, *sides, await ctx.step("ship", effect, "ship")]

    return order


@pytest.mark.parametrize("failpoint", failpoints.NAMES)
@pytest.mark.parametrize("step", [None, "book", "ship"])
def test_a_run_survives_a_death_anywhere(runs, order, effect, failpoint, step):
    if step is not None and failpoint not in ("before_body", "after_body"):
        step = None
    runs.crash_at(failpoint, step=step)

    run = runs.start(order)
    runs.drain()
    runs.advance("1h")
    runs.drain()

    row = Row.objects.get(id=run.id)
    assert row.status == "completed", (clock.now(), vars(row))
    assert run.refresh().result() == ["reserve", "left", "right", "ship"]
    keys = ["book", "left", "reserve", "right", "ship", "sleep"]
    assert sorted(Entry.objects.filter(run_id=run.id).values_list("key", flat=True)) == keys
    # Transactional effects happen once, whatever happens; others once more for a death.
    assert Group.objects.filter(name="booked").count() == 1
    assert len(effect.calls) <= 4 + 2


def test_a_death_at_every_point_in_turn(runs, order, settings):
    settings.ORCHESTRATOR_MAX_CRASHES = 100
    for failpoint in failpoints.NAMES:
        runs.crash_at(failpoint)

    run = runs.start(order)
    for _ in failpoints.NAMES:
        runs.drain()
    runs.advance("2h")
    for _ in failpoints.NAMES:
        runs.drain()

    assert run.refresh().result() == ["reserve", "left", "right", "ship"]
    assert Group.objects.filter(name="booked").count() == 1


def test_an_atomic_step_that_fails_leaves_nothing_behind(runs):
    def book() -> None:
        Group.objects.create(name="half")
        raise ValueError("no room")

    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step("book", book, atomic=True)

    runs.start(w)

    assert not Group.objects.filter(name="half").exists()


def test_a_run_that_kills_its_workers_is_set_aside(runs, order, settings):
    settings.ORCHESTRATOR_MAX_CRASHES = 3
    for _ in range(3):
        runs.crash_at("before_body", step="reserve")
    run = runs.start(order)
    for _ in range(4):
        runs.drain()

    assert run.refresh().status == "blocked"
    assert run.error["type"] == "Quarantined"


def test_progress_forgives_earlier_deaths(runs, order):
    runs.crash_at("before_body", step="ship")
    run = runs.start(order)
    runs.advance("1h")
    runs.drain()

    assert run.refresh().status == "completed"
    assert Row.objects.get(id=run.id).crashes == 0
