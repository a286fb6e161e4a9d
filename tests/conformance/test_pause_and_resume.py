"""Pausing and resuming; blocked runs are resumed in the same way."""

from __future__ import annotations

import asyncio

import pytest

from orchestrator import ActionRefused, Context, Retry, send_event, workflow


@pytest.fixture
def steps(effect):
    @workflow(name="steps")
    async def steps(ctx: Context) -> str:
        await ctx.step("a", effect, "a")
        await ctx.sleep("1h")
        await ctx.step("b", effect, "b")
        return "done"

    return steps


def test_a_paused_run_starts_no_step(runs, steps, effect):
    run = runs.start(steps)

    assert run.pause().status == "paused"
    runs.advance("1d")

    assert run.refresh().status == "paused"
    assert effect.calls == ["a"]


def test_a_resumed_run_goes_on_at_once_with_what_is_due(runs, steps, effect):
    run = runs.start(steps)
    run.pause()
    runs.advance("1d")
    run.resume()

    assert run.refresh().result() == "done"
    assert effect.calls == ["a", "b"]


def test_an_event_to_a_paused_run_is_kept(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> str:
        return await ctx.wait_for_event("go")

    run = runs.start(w)
    run.pause()
    assert runs.send_event(run, "go", "meanwhile").delivered
    assert run.status == "paused"
    run.resume()

    assert run.refresh().result() == "meanwhile"


def test_a_broadcast_reaches_a_paused_run_when_it_is_resumed(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> str:
        return await ctx.wait_for_event("released")

    run = runs.start(w)
    run.pause()
    send_event("released", "v2")
    run.resume()

    assert run.refresh().result() == "v2"


def test_an_event_that_came_in_time_wins_although_the_run_was_paused_past_its_timeout(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> str:
        return await ctx.wait_for_event("go", timeout="1h", default="too late")

    run = runs.start(w)
    run.pause()
    run.send_event("go", "in time")
    runs.advance("1d")
    run.resume()

    assert run.refresh().result() == "in time"


def test_a_run_that_waits_for_its_start_is_paused(runs, steps, effect):
    run = runs.start(steps, delay="1h")
    run.pause()
    runs.advance("1d")
    assert effect.calls == []

    run.resume()
    assert run.refresh().status == "waiting"


def test_a_run_that_waits_for_a_retry_is_paused(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> str:
        return await ctx.step("a", effect, "a", retry=Retry(initial_delay="1m", max_delay="1m"))

    runs.fail(step="a", error=ConnectionError("x"))
    run = runs.start(w)
    run.pause()
    runs.advance("1h")
    assert effect.calls == []

    run.resume()
    assert run.refresh().result() == "a"


def test_a_paused_run_cannot_be_paused_again(runs, steps):
    run = runs.start(steps)
    run.pause()

    with pytest.raises(ActionRefused, match="paused"):
        run.pause()


@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_a_run_that_has_ended_is_neither_paused_nor_resumed(runs, verb):
    @workflow(name="w")
    async def w(ctx: Context) -> None: ...

    run = runs.start(w)

    with pytest.raises(ActionRefused, match="completed"):
        getattr(run, verb)()


def test_only_what_rests_is_resumed(runs, steps):
    run = runs.start(steps)

    with pytest.raises(ActionRefused, match="waiting"):
        run.resume()


def test_a_blocked_run_is_resumed_when_its_code_is_mended(runs):
    is_mended = []

    @workflow(name="w")
    async def w(ctx: Context) -> str:
        if not is_mended:
            await asyncio.Event().wait()
        return await ctx.step("go on", lambda: "went on")

    run = runs.start(w)
    assert run.status == "blocked"
    is_mended.append(True)
    run.resume()

    assert run.refresh().result() == "went on"
    assert run.error is None
