"""Workers die: at every point, in every situation. What is recorded stays, and the run goes on."""

from __future__ import annotations

import asyncio

import pytest
from django.contrib.auth.models import User

from orchestrator import Context, Retry, get_run, workflow
from tests.conformance.world import AT_ONCE, ONCE, CardDeclined

FAILPOINTS = (
    "after_claim",
    "after_load",
    "before_body",
    "after_body",
    "in_tx_after_fence",
    "after_record",
    "before_park",
    "after_park",
    "before_finish",
    "after_finish",
)


async def in_a_row(ctx: Context, effect) -> object:
    return [await ctx.step(name, effect, name) for name in "abc"]


async def side_by_side(ctx: Context, effect) -> object:
    return await asyncio.gather(*(ctx.step(name, effect, name) for name in "abc"))


async def with_a_sleep(ctx: Context, effect) -> object:
    first = await ctx.step("a", effect, "a")
    await ctx.sleep("1h")
    return [first, await ctx.step("b", effect, "b"), await ctx.step("c", effect, "c")]


async def with_an_event(ctx: Context, effect) -> object:
    first = await ctx.step("a", effect, "a")
    word = await ctx.wait_for_event("word")
    return [first, word, await ctx.step("c", effect, "c")]


async def with_a_timeout(ctx: Context, effect) -> object:
    first = await ctx.step("a", effect, "a")
    word = await ctx.wait_for_event("never", timeout="1h", default="b")
    return [first, word, await ctx.step("c", effect, "c")]


async def with_a_failure(ctx: Context, effect) -> object:
    def fail() -> None:
        effect("bad")
        raise CardDeclined("b")

    first = await ctx.step("a", effect, "a")
    try:
        await ctx.step("bad", fail, retry=ONCE)
    except CardDeclined as error:
        return [first, str(error), await ctx.step("c", effect, "c")]


async def with_a_retry(ctx: Context, effect) -> object:
    def flaky() -> str:
        effect("flaky")
        if effect.calls.count("flaky") < 2:
            raise ConnectionError("later")
        return "b"

    first = await ctx.step("a", effect, "a")
    second = await ctx.step("flaky", flaky, retry=Retry(initial_delay="30m", max_delay="30m"))
    return [first, second, await ctx.step("c", effect, "c")]


async def with_an_atomic_step(ctx: Context, effect) -> object:
    def book() -> str:
        User.objects.create(username=f"guest {User.objects.count()}")
        return "b"

    first = await ctx.step("a", effect, "a")
    return [first, await ctx.step("book", book, atomic=True), await ctx.step("c", effect, "c")]


BUSY = (in_a_row, side_by_side, with_a_failure, with_an_atomic_step)
RESTING = (with_a_sleep, with_an_event, with_a_timeout, with_a_retry)


def failpoints_of(situation) -> list[str]:
    """The points that it comes to: one that never rests is never parked."""
    return [point for point in FAILPOINTS if situation in RESTING or "park" not in point]


@pytest.mark.parametrize(
    ("situation", "failpoint"),
    [(one, point) for one in (*BUSY, *RESTING) for point in failpoints_of(one)],
)
def test_a_run_survives_the_death_of_its_worker(runs, effect, situation, failpoint):
    @workflow(name="w")
    async def w(ctx: Context) -> object:
        return await situation(ctx, effect)

    runs.crash_at(failpoint)
    run = runs.start(w)
    runs.drain()
    run.send_event("word", "b")
    runs.advance("2h")
    runs.drain()

    assert run.refresh().status == "completed", run.error
    assert run.result() == ["a", "b", "c"]
    # One death repeats at most what was executing when it came.
    assert effect.calls.count("a") + effect.calls.count("c") <= 2 + 3
    assert User.objects.count() == (situation is with_an_atomic_step)


@pytest.mark.parametrize("situation", [*BUSY, *RESTING])
def test_a_run_survives_death_upon_death(runs, effect, situation, settings):
    settings.ORCHESTRATOR_MAX_CRASHES = 100

    @workflow(name="w")
    async def w(ctx: Context) -> object:
        return await situation(ctx, effect)

    deaths = [point for point in FAILPOINTS if "park" not in point and point != "after_finish"]
    for failpoint in deaths:
        runs.crash_at(failpoint)
    run = runs.start(w)
    run.send_event("word", "b")
    for _ in deaths:
        runs.drain()
        runs.advance("30m")

    assert run.refresh().result() == ["a", "b", "c"]
    assert User.objects.count() == (situation is with_an_atomic_step)


@pytest.mark.parametrize("dies_at", ["a", "b", "c"])
def test_a_branch_that_is_recorded_is_not_executed_again(runs, effect, dies_at):
    @workflow(name="w")
    async def w(ctx: Context) -> object:
        first = await ctx.step("first", effect, "first")
        return [first, *await side_by_side(ctx, effect)]

    runs.crash_at("before_body", step=dies_at)
    run = runs.start(w)
    runs.drain()

    assert run.refresh().result() == ["first", "a", "b", "c"]
    assert effect.calls.count("first") == 1


def test_a_death_before_a_step_repeats_nothing(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> object:
        return await in_a_row(ctx, effect)

    runs.crash_at("before_body", step="b")
    run = w.start()
    assert run.refresh().status == "running"
    runs.drain()

    assert run.refresh().status == "completed"
    assert effect.calls == ["a", "b", "c"]


def test_a_death_between_an_effect_and_its_record_repeats_the_effect(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> object:
        return await in_a_row(ctx, effect)

    runs.crash_at("after_body", step="b")
    run = runs.start(w)
    runs.drain()

    assert run.refresh().status == "completed"
    assert effect.calls == ["a", "b", "b", "c"]


def test_a_death_uses_up_no_attempt(runs, effect):
    @workflow(name="w", step_retry=ONCE)
    async def w(ctx: Context) -> object:
        return await in_a_row(ctx, effect)

    runs.crash_at("after_body", step="b")
    run = runs.start(w)
    runs.drain()

    assert run.refresh().status == "completed"


def test_attempts_are_counted_across_deaths(runs, effect):
    @workflow(name="w", step_retry=AT_ONCE)
    async def w(ctx: Context) -> None:
        await ctx.step("bad", lambda: effect("bad") / 0)

    runs.crash_at("after_record")
    run = runs.start(w)
    runs.drain()
    runs.drain()

    assert run.refresh().status == "failed"
    assert len(effect.calls) in (3, 4)
    assert run.steps[0].attempts == 3


def test_a_run_that_kills_its_workers_is_set_aside(runs, effect, settings):
    settings.ORCHESTRATOR_MAX_CRASHES = 3

    @workflow(name="w")
    async def w(ctx: Context) -> object:
        return await in_a_row(ctx, effect)

    for _ in range(4):
        runs.crash_at("before_body", step="a")
    run = runs.start(w)
    for _ in range(4):
        runs.drain()

    assert run.refresh().status == "blocked"
    assert "died" in run.error["message"]
    run.resume()
    runs.drain()
    assert run.refresh().status in ("running", "completed")


def test_a_run_that_kills_its_workers_does_not_keep_the_others_back(runs, effect, settings):
    settings.ORCHESTRATOR_MAX_CRASHES = 2

    @workflow(name="poison")
    async def poison(ctx: Context) -> None:
        await ctx.step("poison", effect)

    @workflow(name="good")
    async def good(ctx: Context) -> str:
        return await ctx.step("good", effect, "good")

    for _ in range(2):
        runs.crash_at("before_body", step="poison")
    bad = runs.start(poison)
    others = [good.start() for _ in range(3)]
    for _ in range(5):
        runs.drain()

    assert bad.refresh().status == "blocked"
    assert [run.refresh().status for run in others] == ["completed"] * 3


def test_deaths_that_progress_lies_between_are_forgiven(runs, effect, settings):
    settings.ORCHESTRATOR_MAX_CRASHES = 2

    @workflow(name="w")
    async def w(ctx: Context) -> object:
        return await in_a_row(ctx, effect)

    for name in "abc":
        runs.crash_at("before_body", step=name)
    run = runs.start(w)
    for _ in "abc":
        runs.drain()

    assert run.refresh().result() == ["a", "b", "c"]


def test_an_event_that_comes_while_the_worker_is_dead_is_kept(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> object:
        return await with_an_event(ctx, effect)

    runs.crash_at("before_park")
    run = runs.start(w)
    assert run.send_event("word", "b").delivered
    runs.drain()

    assert run.refresh().result() == ["a", "b", "c"]


def test_a_cancel_that_comes_while_the_worker_is_dead_is_heeded(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> object:
        return await in_a_row(ctx, effect)

    runs.crash_at("before_body", step="b")
    run = w.start()
    run.cancel()
    runs.drain()

    assert run.refresh().status == "cancelled"
    assert effect.calls == ["a"]


def test_many_runs_of_one_worker_all_survive_its_death(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context, number: int) -> int:
        await ctx.step("count", effect, number)
        await ctx.sleep("1h")
        return number

    handles = [w.start(number, delay="1m") for number in range(5)]
    runs.crash_at("after_record")
    runs.advance("1m")
    runs.drain()
    runs.advance("2h")

    assert [run.refresh().result() for run in handles] == list(range(5))
    assert sorted(set(effect.calls)) == list(range(5))


def test_a_dead_worker_s_run_shows_that_it_is_held(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> object:
        return await in_a_row(ctx, effect)

    runs.crash_at("before_body", step="a")
    run = w.start()

    assert get_run(run.id).status == "running"
    assert get_run(run.id).waiting_on == []
