"""A replay that asks for something else is stopped before any effect, and nothing is lost."""

from __future__ import annotations

import asyncio
import threading

import pytest

from orchestrator import Context, workflow
from tests.conformance.world import Deployed


@pytest.fixture
def deployed(runs, effect):
    """A run that waits in the middle of its code, which a test may change."""

    async def code(ctx: Context) -> str:
        await ctx.step("charge", effect, "charge")
        await ctx.sleep("1h", name="nap")
        await ctx.step("ship", effect, "ship")
        return "done"

    code_of_w = Deployed(code)
    return code_of_w, runs.start(code_of_w.workflow)


async def renamed(ctx: Context) -> None:
    await ctx.step("pay", print)
    await ctx.sleep("1h", name="nap")


async def inserted(ctx: Context) -> None:
    await ctx.step("check", print)
    await ctx.step("charge", print)
    await ctx.sleep("1h", name="nap")


async def removed(ctx: Context) -> None:
    await ctx.sleep("1h", name="nap")


async def reordered(ctx: Context) -> None:
    await ctx.sleep("1h", name="nap")
    await ctx.step("charge", print)


async def other_kind(ctx: Context) -> None:
    await ctx.step("charge", print)
    await ctx.wait_for_event("nap")


async def cut_short(ctx: Context) -> None:
    await ctx.step("charge", print)


async def emptied(ctx: Context) -> None: ...


@pytest.mark.parametrize(
    ("code", "expected_and_got"),
    [
        (renamed, ("step 'charge'", "step 'pay'")),
        (inserted, ("step 'charge'", "step 'check'")),
        (removed, ("step 'charge'", "sleep 'nap'")),
        (reordered, ("step 'charge'", "sleep 'nap'")),
        (other_kind, ("sleep 'nap'", "event 'nap'")),
        (cut_short, ("sleep 'nap'", "nothing")),
        (emptied, ("step 'charge'", "the body has ended")),
    ],
)
def test_code_that_contradicts_the_journal_blocks_the_run(
    runs, deployed, effect, code, expected_and_got
):
    code_of_w, run = deployed
    code_of_w.code = code
    runs.advance("1h")

    assert run.refresh().status == "blocked"
    assert run.error["type"].endswith("NonDeterminism")
    assert (run.error["expected"], run.error["got"]) == expected_and_got
    assert run.error["position"] > 0
    assert effect.calls == ["charge"]


def test_a_blocked_run_keeps_what_it_has(runs, deployed):
    code_of_w, run = deployed
    code_of_w.code = renamed
    runs.advance("1h")

    assert [(step.key, step.status) for step in run.refresh().steps] == [
        ("charge", "completed"),
        ("nap", "open"),
    ]


def test_a_blocked_run_goes_on_when_the_code_is_mended(runs, deployed, effect):
    code_of_w, run = deployed
    good = code_of_w.code
    code_of_w.code = renamed
    runs.advance("1h")
    code_of_w.code = good
    run.resume()

    assert run.refresh().result() == "done"
    assert run.error is None
    assert effect.calls == ["charge", "ship"]


def test_a_blocked_run_is_blocked_again_when_nothing_was_mended(runs, deployed):
    code_of_w, run = deployed
    code_of_w.code = renamed
    runs.advance("1h")
    run.resume()

    assert run.refresh().status == "blocked"


def test_events_to_a_blocked_run_are_kept(runs, effect):
    async def good(ctx: Context) -> list[object]:
        await ctx.sleep("1h")
        return [await ctx.wait_for_event("go")]

    code = Deployed(good)
    run = runs.start(code.workflow)
    code.code = renamed
    runs.advance("1h")
    assert runs.send_event(run, "go", "meanwhile").delivered
    code.code = good
    run.resume()

    assert run.refresh().result() == ["meanwhile"]


def test_steps_may_be_added_after_what_is_recorded(runs, deployed, effect):
    async def longer(ctx: Context) -> str:
        await ctx.step("charge", effect, "charge")
        await ctx.sleep("1h", name="nap")
        await ctx.step("pack", effect, "pack")
        await ctx.step("ship", effect, "ship")
        return "done"

    code_of_w, run = deployed
    code_of_w.code = longer
    runs.advance("1h")

    assert run.refresh().result() == "done"
    assert effect.calls == ["charge", "pack", "ship"]


def test_what_a_step_does_may_change_at_any_time(runs, deployed, effect):
    async def other(ctx: Context) -> str:
        await ctx.step("charge", print, "not again", timeout="1s")
        await ctx.sleep("9d", name="nap")
        return await ctx.step("ship", effect, "by bicycle")

    code_of_w, run = deployed
    code_of_w.code = other
    runs.advance("1h")

    assert run.refresh().result() == "by bicycle"


def test_branches_may_finish_in_any_order_and_replay_alike(runs):
    passes = []

    @workflow(name="w")
    async def w(ctx: Context) -> None:
        order = []

        async def branch(name: str) -> None:
            await ctx.wait_for_event(name)
            order.append(name)
            await ctx.step(f"after {name}", lambda: None)
            order.append(f"after {name}")

        passes.append(order)
        await asyncio.gather(*(branch(name) for name in "abc"))
        await ctx.wait_for_event("end")

    run = runs.start(w)
    for name in ("c", "a", "b", "end"):
        runs.send_event(run, name)

    assert run.status == "completed"
    final = passes[-1]
    assert final == ["c", "after c", "a", "after a", "b", "after b"]
    assert all(final[: len(order)] == order for order in passes)


def test_a_body_that_waits_for_nothing_durable_is_told_so(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await asyncio.get_running_loop().create_future()

    run = runs.start(w)

    assert run.status == "blocked"
    assert "not durable" in run.error["message"]


def test_except_exception_does_not_see_a_suspension(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> str:
        try:
            await ctx.sleep("1h")
        except Exception:
            await ctx.step("never", effect)
            return "caught"
        return "woke"

    run = runs.start(w)
    runs.advance("1h")

    assert run.refresh().result() == "woke"
    assert effect.calls == []


def test_a_finally_does_nothing_durable_while_the_run_is_suspended(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        try:
            await ctx.sleep("1h")
        finally:
            await ctx.step("clean up", effect, "cleaned")
            await ctx.sleep("1h", name="rest")

    run = runs.start(w)
    assert effect.calls == []
    assert [step.key for step in run.steps] == ["sleep"]
    runs.advance("3h")

    assert run.refresh().status == "completed"
    assert effect.calls == ["cleaned"]


def test_a_durable_call_from_a_thread_is_refused(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> str:
        raised = []

        def call() -> None:
            try:
                ctx.step("in a thread", print).send(None)
            except Exception as error:
                raised.append(f"{type(error).__name__}: {error}")

        thread = threading.Thread(target=call)
        thread.start()
        thread.join()
        return raised[0]

    assert runs.start(w).result().startswith("NestedStep: 'in a thread'")
