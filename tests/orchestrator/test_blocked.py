"""Runs that cannot go on: they are set aside with an explanation, and nothing is lost."""

from __future__ import annotations

import asyncio

import pytest

from orchestrator import Context, workflow
from orchestrator.core.definition import registry
from orchestrator.models import Run as Row


def edit(body) -> None:
    """Deploy another body under the same name and version."""
    registry._by_name.pop("w", None)
    workflow(name="w")(body)


@pytest.fixture
def waiting(runs, effect):
    async def body(ctx: Context) -> str:
        await ctx.step("a", effect, "a")
        await ctx.sleep("1h")
        await ctx.step("b", effect, "b")
        return "done"

    edit(body)
    return runs.start(workflow(name="w")(body))


async def renamed(ctx: Context) -> None:
    await ctx.step("other", lambda: None)
    await ctx.sleep("1h")


async def shortened(ctx: Context) -> None: ...


async def reordered(ctx: Context) -> None:
    await ctx.sleep("1h")
    await ctx.step("a", lambda: None)


async def other_kind(ctx: Context) -> None:
    await ctx.step("a", lambda: None)
    await ctx.wait_for_event("sleep")


@pytest.mark.parametrize(
    ("body", "expected_and_got"),
    [
        (renamed, ("step 'a'", "step 'other'")),
        (shortened, ("step 'a'", "the body has ended")),
        (reordered, ("step 'a'", "sleep 'sleep'")),
        (other_kind, ("sleep 'sleep'", "event 'sleep'")),
    ],
)
def test_a_journal_that_the_code_contradicts_blocks_the_run_before_any_effect(
    runs, waiting, effect, body, expected_and_got
):
    edit(body)
    runs.advance("1h")

    assert waiting.refresh().status == "blocked"
    assert waiting.error["type"] == "NonDeterminism"
    assert (waiting.error["expected"], waiting.error["got"]) == expected_and_got
    assert effect.calls == ["a"]
    assert Row.objects.get(id=waiting.id).due_at is None


def test_steps_may_be_added_after_what_is_recorded(runs, waiting, effect):
    async def longer(ctx: Context) -> str:
        await ctx.step("a", effect, "a")
        await ctx.sleep("1h")
        await ctx.step("new", effect, "new")
        await ctx.step("b", effect, "b")
        return "done"

    edit(longer)
    runs.advance("1h")

    assert waiting.refresh().result() == "done"
    assert effect.calls == ["a", "new", "b"]


# OpenWorkflow and Absurd let such a body run on.
def test_a_swallowed_suspension_blocks_the_run(runs, effect):
    @workflow(name="swallow")
    async def swallow(ctx: Context) -> str:
        try:
            await ctx.sleep("1h")
        except:  # noqa: E722
            return "swallowed"
        return "woke"

    run = runs.start(swallow)

    assert run.status == "blocked"
    assert "bare `except:`" in run.error["message"]


def test_except_exception_does_not_see_a_suspension(runs, effect):
    @workflow(name="careful")
    async def careful(ctx: Context) -> str:
        try:
            await ctx.sleep("1h")
        except Exception:
            await ctx.step("never", effect)
        return "woke"

    run = runs.start(careful)
    runs.advance("1h")

    assert run.refresh().result() == "woke"
    assert effect.calls == []


def test_a_durable_call_in_finally_does_nothing_while_the_run_is_suspended(runs, effect):
    @workflow(name="cleanup")
    async def cleanup(ctx: Context) -> None:
        try:
            await ctx.sleep("1h")
        finally:
            await ctx.step("cleanup", effect)

    run = runs.start(cleanup)
    assert effect.calls == []
    runs.advance("1h")

    assert run.refresh().status == "completed"
    assert len(effect.calls) == 1


def test_waiting_for_something_that_is_not_durable_blocks_the_run(runs):
    @workflow(name="stuck")
    async def stuck(ctx: Context) -> None:
        await asyncio.Event().wait()

    run = runs.start(stuck)

    assert run.status == "blocked"
    assert "not durable" in run.error["message"]


def test_a_real_loop_is_refused_with_what_to_do_instead(runs):
    @workflow(name="real")
    async def real(ctx: Context) -> None:
        await asyncio.to_thread(print)

    run = runs.start(real)

    assert run.status == "failed"
    assert "do this in a step" in run.error["message"]
