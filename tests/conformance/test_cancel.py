"""Cancelling: what executes is recorded, nothing further starts, and cleaning up is possible."""

from __future__ import annotations

import asyncio

import pytest

from orchestrator import Context, RunCancelled, get_run, workflow
from tests.conformance.world import ONCE


@pytest.fixture
def sleeper(effect):
    @workflow(name="sleeper")
    async def sleeper(ctx: Context) -> None:
        await ctx.step("before", effect, "before")
        await ctx.sleep("30d")
        await ctx.step("after", effect, "after")

    return sleeper


def test_a_run_that_sleeps_is_cancelled_at_once(runs, sleeper, effect):
    run = runs.start(sleeper)

    assert run.cancel(reason="not needed") is True
    runs.drain()

    assert run.refresh().status == "cancelled"
    runs.advance("1y")
    assert effect.calls == ["before"]


def test_the_result_of_a_cancelled_run_is_an_error_with_the_reason(runs, sleeper):
    run = runs.start(sleeper)
    run.cancel(reason="not needed")
    runs.drain()

    with pytest.raises(RunCancelled, match="not needed"):
        run.result()


def test_a_reason_may_be_any_text(runs, sleeper):
    run = runs.start(sleeper)

    assert run.cancel(reason="nul \x00 and \ud800 half")
    runs.drain()

    with pytest.raises(RunCancelled, match="nul "):
        run.refresh().result()


def test_a_cancelled_run_waits_for_nothing_more(runs, sleeper):
    run = runs.start(sleeper)
    run.cancel()
    runs.drain()

    assert run.refresh().waiting_on == []
    assert {step.key: step.status for step in run.steps} == {
        "before": "completed",
        "sleep": "cancelled",
    }
    assert run.finished_at is not None


def test_a_run_that_has_ended_is_not_cancelled_and_says_so(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> int:
        return 1

    run = runs.start(w)

    assert run.cancel(reason="too late") is False
    assert run.refresh().result() == 1


def test_a_run_is_cancelled_once(runs, sleeper):
    run = runs.start(sleeper)
    run.cancel(reason="first")
    runs.drain()

    assert run.cancel(reason="second") is False
    with pytest.raises(RunCancelled, match="first"):
        run.refresh().result()


def test_a_run_that_never_began_is_cancelled_without_its_body(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        effect()

    run = w.start(delay="1h")
    run.cancel()
    runs.advance("1h")

    assert run.refresh().status == "cancelled"
    assert effect.calls == []


def test_a_step_that_executes_when_the_cancel_comes_is_recorded(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step("long", lambda: get_run(ctx.run_id).cancel() and effect("done"))
        await ctx.step("next", effect, "never")

    run = runs.start(w)

    assert run.status == "cancelled"
    assert [(step.key, step.status, step.result) for step in run.steps] == [
        ("long", "completed", "done")
    ]
    assert effect.calls == ["done"]


def test_the_body_gets_the_cancel_at_its_await(runs):
    seen = []

    @workflow(name="w")
    async def w(ctx: Context) -> None:
        try:
            await ctx.wait_for_event("never")
        except asyncio.CancelledError as error:
            seen.append(str(error))
            raise

    run = runs.start(w)
    run.cancel(reason="not needed")
    runs.drain()

    assert seen == ["not needed"]


def test_a_finally_may_clean_up_with_steps(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        try:
            await ctx.sleep("1d")
        finally:
            await ctx.step("release", effect, "released")

    run = runs.start(w)
    run.cancel()
    runs.drain()

    assert run.refresh().status == "cancelled"
    assert effect.calls == ["released"]
    assert [step.key for step in run.steps] == ["sleep", "release"]


def test_a_clean_up_that_fails_leaves_the_run_cancelled(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        try:
            await ctx.sleep("1d")
        finally:
            await ctx.step("release", lambda: 1 / 0, retry=ONCE)

    run = runs.start(w)
    run.cancel()
    runs.drain()

    assert run.refresh().status == "cancelled"


def test_a_clean_up_that_is_interrupted_goes_on(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        try:
            await ctx.sleep("1d")
        finally:
            await ctx.step("first", effect, "first")
            await ctx.step("second", effect, "second")

    run = runs.start(w)
    runs.crash_at("before_body", step="second")
    run.cancel()
    runs.drain()
    runs.drain()

    assert run.refresh().status == "cancelled"
    assert effect.calls == ["first", "second"]


def test_a_body_that_swallows_the_cancel_is_cancelled_all_the_same(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> str:
        try:
            await ctx.sleep("1d")
        except asyncio.CancelledError:
            await ctx.step("note", effect, "noted")
        return "done"

    run = runs.start(w)
    run.cancel()
    runs.drain()

    assert run.refresh().status == "cancelled"
    assert run.output is None


def test_every_branch_of_a_cancelled_run_is_cancelled(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        async def branch(name: str) -> None:
            try:
                await ctx.wait_for_event(name)
            finally:
                await ctx.step(f"release {name}", effect, name)

        async with asyncio.TaskGroup() as group:
            for name in "ab":
                group.create_task(branch(name))

    run = runs.start(w)
    run.cancel()
    runs.drain()

    assert run.refresh().status == "cancelled"
    assert sorted(effect.calls) == ["a", "b"]


def test_a_cancel_wins_over_an_event_that_comes_after_it(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> str:
        return await ctx.wait_for_event("go")

    run = runs.start(w)
    runs.crash_at("after_claim")
    run.cancel()
    late = run.send_event("go", "late")
    runs.drain()

    assert run.refresh().status == "cancelled"
    assert late.delivered is False or run.events[0].consumed_by is None


def test_a_run_that_waits_for_a_retry_is_cancelled(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step("charge", lambda: effect() / 0)

    run = runs.start(w)
    run.cancel()
    runs.advance("1h")

    assert run.refresh().status == "cancelled"
    assert len(effect.calls) == 1


def test_a_paused_run_is_cancelled(runs, sleeper):
    run = runs.start(sleeper)
    run.pause()
    run.cancel()
    runs.drain()

    assert run.refresh().status == "cancelled"


def test_a_blocked_run_is_cancelled(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await asyncio.Event().wait()

    run = runs.start(w)
    assert run.status == "blocked"
    run.cancel()
    runs.drain()

    assert run.refresh().status == "cancelled"


def test_nothing_opens_in_a_run_that_is_being_cancelled(runs, effect):
    @workflow(name="child")
    async def child(ctx: Context) -> None:
        effect("child")

    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step("cancel", lambda: get_run(ctx.run_id).cancel())
        await asyncio.gather(ctx.start_child(child), ctx.wait_for_event("x"), ctx.sleep("1d"))

    run = runs.start(w)

    assert run.status == "cancelled"
    assert [step.key for step in run.steps] == ["cancel"]
    assert effect.calls == []
