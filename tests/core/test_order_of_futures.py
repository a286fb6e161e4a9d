"""What else must be the same on every replay: futures in sets, names of tasks, drops."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
from typing import Any

import pytest

from tests.core.playing import work
from tests.core.test_determinism import scatter


@pytest.mark.parametrize("wrap", [asyncio.shield, asyncio.gather])
def test_a_set_of_futures_has_the_same_order_each_time(play, wrap):
    junk: list[Any] = []

    async def body(ctx):
        futures = []
        for n in range(6):
            scatter(junk)
            futures.append(wrap(ctx.step("load", work, n)))
        done, _ = await asyncio.wait(futures)
        return [future.result() for future in done]

    def order() -> str:
        run = play(body)
        for n, key in enumerate(run.asked):
            run.answer(key, n)
        return repr(run.value)

    assert len({order() for _ in range(20)}) == 1


def test_a_task_has_the_same_name_each_time(play):
    async def body(ctx):
        return asyncio.create_task(ctx.step("a", work)).get_name()

    assert play(body).value == play(body).value


def test_a_finally_that_resets_a_context_variable_is_silent(play):
    who = contextvars.ContextVar("who", default="nobody")

    async def body(ctx):
        token = who.set("body")
        try:
            await ctx.step("a", work)
        finally:
            who.reset(token)

    assert play(body).close()


def test_a_suspension_that_was_swallowed_before_a_task_group_is_noticed(play):
    async def body(ctx):
        with contextlib.suppress(BaseException):
            await ctx.step("a", work)
        async with asyncio.TaskGroup():
            await ctx.step("b", work)

    assert not play(body).close()


@pytest.mark.parametrize("seconds", [1e12, float("inf")])
def test_a_timer_that_no_calendar_has_is_refused(play, seconds):
    async def body(ctx):
        await asyncio.sleep(seconds)

    assert "no calendar" in str(play(body).error)


def test_a_choice_that_is_none_is_refused(play):
    async def body(ctx):
        await ctx.step("a", work, on_ambiguous="Fail")

    assert isinstance(play(body).error, ValueError)
