"""Names and keys: what a recorded step is found by."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from orchestrator import Context, workflow
from tests.conformance.world import Deployed


def keys(run) -> list[str]:
    return [step.key for step in run.steps]


def test_a_step_is_recorded_under_its_name(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step("charge", effect)

    assert keys(runs.start(w)) == ["charge"]


def test_a_name_that_is_used_again_gets_a_number(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> list[int]:
        return [await ctx.step("item", effect, number) for number in range(3)]

    run = runs.start(w)

    assert keys(run) == ["item", "item#2", "item#3"]
    assert [step.name for step in run.steps] == ["item"] * 3
    assert run.result() == [0, 1, 2]


def test_a_number_that_is_taken_is_skipped(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        for name in ("item", "item#2", "item"):
            await ctx.step(name, effect)

    assert keys(runs.start(w)) == ["item", "item#2", "item#3"]


def test_steps_sleeps_waits_and_children_share_one_name_space(runs, effect):
    @workflow(name="child")
    async def child(ctx: Context) -> None: ...

    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step("x", effect)
        await ctx.sleep("1h", name="x")
        await ctx.wait_for_event("x", timeout="1h", default=None)
        await ctx.start_child(child, name="x")

    run = runs.start(w)
    runs.advance("1d")

    assert keys(run) == ["x", "x#2", "x#3", "x#4"]


def test_branches_are_numbered_in_the_order_of_their_creation(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> list[str]:
        return await asyncio.gather(*(ctx.step("part", effect, name) for name in "abc"))

    run = runs.start(w)

    assert [(step.key, step.result) for step in run.steps] == [
        ("part", "a"),
        ("part#2", "b"),
        ("part#3", "c"),
    ]


def test_the_number_of_a_branch_is_the_same_on_every_replay(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> list[str]:
        async def branch(name: str, hours: int) -> str:
            await ctx.sleep(hours=hours, name=f"nap of {name}")
            return await ctx.step("done", effect, name)

        found = await asyncio.gather(branch("slow", 2), branch("quick", 1))
        await ctx.sleep("1h")
        return found

    run = runs.start(w)
    runs.advance("4h")

    assert run.refresh().result() == ["slow", "quick"]
    assert {step.key: step.result for step in run.steps if step.name == "done"} == {
        "done": "quick",
        "done#2": "slow",
    }
    assert effect.calls == ["quick", "slow"]


def test_a_recorded_step_is_not_executed_again_when_the_run_goes_on(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> str:
        charged = await ctx.step("charge", effect, "once")
        await ctx.sleep("30d")
        await ctx.wait_for_event("go")
        return charged

    run = runs.start(w)
    runs.advance("30d")
    runs.send_event(run, "go")

    assert run.result() == "once"
    assert effect.calls == ["once"]


def test_the_recorded_result_counts_and_not_what_the_function_would_return_today(runs):
    answers = iter(["first", "second"])

    @workflow(name="w")
    async def w(ctx: Context) -> str:
        answer = await ctx.step("ask", lambda: next(answers))
        await ctx.sleep("1h")
        return answer

    run = runs.start(w)
    runs.advance("1h")

    assert run.refresh().result() == "first"


def test_a_step_is_known_by_its_name_and_not_by_its_arguments(runs, effect):
    async def old(ctx: Context) -> None:
        await ctx.step("charge", effect, 10)
        await ctx.sleep("1h")

    async def new(ctx: Context) -> int:
        charged = await ctx.step("charge", effect, 12)
        await ctx.sleep("1h")
        return charged

    code = Deployed(old)
    run = runs.start(code.workflow)
    code.code = new
    runs.advance("1h")

    assert run.refresh().result() == 10
    assert effect.calls == [10]


def test_two_runs_do_not_share_their_results(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context, number: int) -> int:
        return await ctx.step("same name", effect, number)

    assert [runs.start(w, number).result() for number in (1, 2)] == [1, 2]


def test_a_step_that_a_condition_leaves_out_is_not_recorded(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context, needs_review: bool) -> None:
        await ctx.step("validate", effect)
        if needs_review:
            await ctx.step("review", effect)

    assert keys(runs.start(w, False)) == ["validate"]
    assert keys(runs.start(w, True)) == ["validate", "review"]


def test_a_long_loop_of_steps_keeps_each_result(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> int:
        return sum([await ctx.step("add", lambda: 1) for _ in range(120)])

    run = runs.start(w)

    assert run.result() == 120
    assert keys(run)[-1] == "add#120"


@pytest.mark.parametrize("name", ["größe prüfen", "a.b/c:d", "x" * 180, "第一步"])
def test_a_name_may_be_any_text(runs, effect, name):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step(name, effect)

    assert keys(runs.start(w)) == [name]


@pytest.mark.parametrize("name", ["", "x" * 181, "a\x00b", "@mine", None, 5])
def test_a_name_that_cannot_be_kept_is_refused(runs, effect, name):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step(name, effect)

    run = runs.start(w)

    assert run.status == "failed"
    assert "name" in run.error["message"]
    assert effect.calls == []


def test_arguments_are_passed_on_in_their_order(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> str:
        return await ctx.step("join", lambda *parts: "-".join(parts), "a", "b", "c")

    assert runs.start(w).result() == "a-b-c"


def test_a_partial_passes_keywords_on(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> int:
        return await ctx.step("read", partial(int, base=16), "ff")

    assert runs.start(w).result() == 255


def test_an_async_function_is_a_step_too(runs):
    async def fetch(url: str) -> str:
        await asyncio.sleep(0)
        return f"body of {url}"

    @workflow(name="w")
    async def w(ctx: Context) -> str:
        return await ctx.step("fetch", fetch, "/a")

    assert runs.start(w).result() == "body of /a"


def test_a_lambda_that_returns_a_coroutine_is_a_step_too(runs):
    async def fetch(url: str, *, retries: int) -> str:
        return f"{url} {retries}"

    @workflow(name="w")
    async def w(ctx: Context) -> str:
        return await ctx.step("fetch", lambda: fetch("/a", retries=2))

    assert runs.start(w).result() == "/a 2"


def test_a_function_that_was_called_too_early_is_named_in_the_error(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step("charge", effect("now"))

    assert "pass it without calling it" in runs.start(w).error["message"]
