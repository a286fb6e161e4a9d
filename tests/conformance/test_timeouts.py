"""Timeouts of steps and of whole runs."""

from __future__ import annotations

import asyncio

import pytest

from orchestrator import ActionRefused, Context, StepFailed, StepTimeout, workflow
from tests.conformance.world import AT_ONCE, ONCE


async def hang() -> None:
    await asyncio.Event().wait()


def test_an_async_step_that_takes_too_long_is_cancelled(runs, effect):
    async def fetch() -> None:
        try:
            await hang()
        finally:
            effect("cancelled")

    @workflow(name="w")
    async def w(ctx: Context) -> str:
        try:
            await ctx.step("fetch", fetch, timeout="10ms", retry=ONCE)
        except StepTimeout:
            return "too long"
        return "fetched"

    assert runs.start(w).result() == "too long"
    assert effect.calls == ["cancelled"]


@pytest.mark.parametrize("kind", [StepTimeout, TimeoutError, StepFailed])
def test_a_timeout_may_be_caught_by_each_of_its_classes(runs, kind):
    @workflow(name="w")
    async def w(ctx: Context) -> str:
        try:
            await ctx.step("fetch", hang, timeout=0.01, retry=ONCE)
        except kind as error:
            return str(error)
        return ""

    assert "fetch" in runs.start(w).result()


def test_a_step_that_took_too_long_is_tried_again(runs, effect):
    async def fetch() -> str:
        effect()
        if len(effect.calls) < 3:
            await hang()
        return "fetched"

    @workflow(name="w")
    async def w(ctx: Context) -> str:
        return await ctx.step("fetch", fetch, timeout="10ms", retry=AT_ONCE)

    assert runs.start(w).result() == "fetched"


def test_a_timeout_that_was_caught_is_not_waited_for_again(runs, effect):
    async def fetch() -> None:
        effect("fetch")
        await hang()

    @workflow(name="w")
    async def w(ctx: Context) -> str:
        try:
            await ctx.step("fetch", fetch, timeout="10ms", retry=ONCE)
        except StepTimeout:
            await ctx.sleep("1h")
        return "went on"

    run = runs.start(w)
    runs.advance("1h")

    assert run.refresh().result() == "went on"
    assert effect.calls == ["fetch"]


def test_a_step_that_is_quick_enough_knows_nothing_of_its_timeout(runs):
    async def fetch() -> str:
        return "fetched"

    @workflow(name="w")
    async def w(ctx: Context) -> str:
        return await ctx.step("fetch", fetch, timeout="1h")

    assert runs.start(w).result() == "fetched"


def test_an_unreadable_timeout_is_shown(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step("fetch", effect, timeout="soon")

    run = runs.start(w)

    assert run.status == "failed"
    assert "'soon'" in run.error["message"]
    assert effect.calls == []


# ---- of a run ----------------------------------------------------------------------------


def test_a_run_that_takes_too_long_fails(runs):
    @workflow(name="w", timeout="2h")
    async def w(ctx: Context) -> None:
        await ctx.wait_for_event("never")

    run = runs.start(w)
    runs.advance("1h")
    assert run.refresh().status == "waiting"
    runs.advance("1h")

    assert run.refresh().status == "failed"
    assert "longer than" in run.error["message"]
    assert run.error["type"].endswith("RunTimedOut")


def test_a_run_that_takes_too_long_may_clean_up(runs, effect):
    @workflow(name="w", timeout="1h")
    async def w(ctx: Context) -> None:
        try:
            await ctx.wait_for_event("never")
        finally:
            await ctx.step("clean up", effect, "cleaned")

    run = runs.start(w)
    runs.advance("1h")

    assert effect.calls == ["cleaned"]
    assert run.refresh().status == "failed"


def test_a_run_in_time_knows_nothing_of_its_timeout(runs):
    @workflow(name="w", timeout="1h")
    async def w(ctx: Context) -> str:
        return await ctx.wait_for_event("go")

    run = runs.start(w)
    runs.advance("59m")
    runs.send_event(run, "go", "in time")
    runs.advance("1h")

    assert run.refresh().result() == "in time"


def test_a_run_whose_time_is_over_is_not_retried(runs):
    @workflow(name="w", timeout="1h")
    async def w(ctx: Context) -> None:
        await ctx.wait_for_event("never")

    run = runs.start(w)
    runs.advance("1h")

    with pytest.raises(ActionRefused, match="time is over"):
        run.retry()
