"""What other engines were seen to get wrong. Each test names those that fail it."""

from __future__ import annotations

import asyncio

import pytest

from orchestrator import (
    Context,
    EventTimeout,
    IdempotencyConflict,
    Retry,
    StepFailed,
    send_event,
    workflow,
)
from tests.conformance.world import ONCE, CardDeclined


def test_an_event_that_comes_before_the_wait_is_not_lost(runs):
    """OpenWorkflow 0.10, StepKit and Inngest lose it."""

    @workflow(name="w")
    async def w(ctx: Context) -> str:
        await ctx.sleep("1h")
        return await ctx.wait_for_event("approved")

    run = runs.start(w)
    assert runs.send_event(run, "approved", "early").delivered
    runs.advance("1h")

    assert run.refresh().result() == "early"


def test_a_named_event_that_comes_before_the_wait_is_not_lost(runs):
    """OpenWorkflow's `sendSignal` answers with an empty list, and the signal is gone."""

    @workflow(name="w")
    async def w(ctx: Context) -> str:
        return await ctx.wait_for_event("approved", "o-7")

    send_event("approved", "early", key="o-7")

    assert runs.start(w).result() == "early"


@pytest.mark.parametrize("failpoint", ["before_park", "after_park"])
def test_an_event_that_comes_while_the_run_goes_to_sleep_wakes_it(runs, failpoint):
    """Aiki slept over it until its PR #173: it looked, then parked, and others came between."""

    @workflow(name="w")
    async def w(ctx: Context) -> str:
        return await ctx.wait_for_event("approved")

    runs.crash_at(failpoint)
    run = w.start()
    run.send_event("approved", "in between")
    runs.drain()

    assert run.refresh().result() == "in between"


def test_a_second_event_is_kept_for_the_second_wait(runs):
    """Absurd gives the first event's payload to every wait of that name, for ever."""

    @workflow(name="w")
    async def w(ctx: Context) -> list[int]:
        return [await ctx.wait_for_event("n"), await ctx.wait_for_event("n")]

    run = runs.start(w)
    runs.send_event(run, "n", 1)
    runs.send_event(run, "n", 2)

    assert run.result() == [1, 2]


def test_a_caught_failure_takes_the_same_branch_on_replay(runs, effect):
    """OpenWorkflow and Absurd execute the step again: it compensates, and returns ok."""

    def charge() -> str:
        effect("charge")
        if effect.calls.count("charge") == 1:
            raise CardDeclined("the first time only")
        return "charged"

    @workflow(name="w")
    async def w(ctx: Context) -> str:
        try:
            await ctx.step("charge", charge, retry=ONCE)
        except CardDeclined:
            await ctx.step("compensate", effect, "compensate")
            await ctx.sleep("1h")
            return "compensated"
        return "ok"

    run = runs.start(w)
    runs.advance("1h")

    assert run.refresh().result() == "compensated"
    assert effect.calls == ["charge", "compensate"]


def test_a_failure_keeps_its_class_on_replay(runs):
    """Aiki, OpenWorkflow and Absurd give another class; DBOS keeps it, with pickle."""

    @workflow(name="w")
    async def w(ctx: Context) -> str:
        try:
            await ctx.step("charge", lambda: {}["card"], retry=ONCE)
        except KeyError as error:
            await ctx.sleep("1h")
            return str(error.args[0])
        return ""

    run = runs.start(w)
    runs.advance("1h")

    assert run.refresh().result() == "card"


def test_a_suspension_is_not_seen_by_except_exception(runs, effect):
    """OpenWorkflow and Absurd suspend with an ordinary exception, which the body catches."""

    @workflow(name="w")
    async def w(ctx: Context) -> str:
        try:
            await ctx.sleep("1h")
        except Exception:
            await ctx.step("clean up", effect, "cleaned up")
            return "caught"
        return "woke"

    run = runs.start(w)
    runs.advance("1h")

    assert run.refresh().result() == "woke"
    assert effect.calls == []


def test_a_suspension_that_was_swallowed_blocks_the_run_with_an_explanation(runs, effect):
    """OpenWorkflow and Absurd go on as if the sleep were over; Restate and Temporal warn."""

    @workflow(name="w")
    async def w(ctx: Context) -> str:
        try:
            await ctx.sleep("1h")
        except BaseException:
            return "swallowed"
        return await ctx.step("wake", effect)

    run = runs.start(w)

    assert run.status == "blocked"
    assert "except BaseException:" in run.error["message"]
    assert effect.calls == []


def test_a_result_that_cannot_be_stored_does_not_repeat_its_effect(runs, effect):
    """OpenWorkflow and Absurd execute it on every retry, DBOS after every restart."""

    def charge() -> object:
        effect("charged")
        return {"socket": object()}

    @workflow(name="w")
    async def w(ctx: Context) -> str:
        try:
            await ctx.step("charge", charge, retry=Retry(max_attempts=5, initial_delay=0))
        except StepFailed as error:
            await ctx.sleep("1h")
            return error.message
        return ""

    run = runs.start(w)
    runs.advance("1h")

    assert "result.socket" in run.refresh().result()
    assert effect.calls == ["charged"]


def test_a_timeout_is_not_waited_for_again(runs):
    """Absurd does not record it: with each retry it waits anew, 1.1, 2.2, 3.3 seconds."""

    @workflow(name="w", retry=Retry(max_attempts=3, initial_delay=0), step_retry=ONCE)
    async def w(ctx: Context) -> str:
        try:
            await ctx.wait_for_event("approved", timeout="1h")
        except EventTimeout:
            await ctx.step("tell", lambda: "told")
        return "timed out"

    runs.fail(step="tell", times=2, error=ConnectionError("x"))
    run = runs.start(w)
    runs.advance("61m")

    assert run.refresh().result() == "timed out"


def test_an_event_after_the_timeout_does_not_change_the_branch(runs):
    """Absurd decides again on replay, and both branches run."""

    @workflow(name="w")
    async def w(ctx: Context) -> str:
        try:
            await ctx.wait_for_event("approved", timeout="1h")
        except EventTimeout:
            await ctx.sleep("1h")
            return "timed out"
        return "approved"

    run = runs.start(w)
    runs.advance("1h")
    run.send_event("approved")
    runs.advance("1h")

    assert run.refresh().result() == "timed out"


def test_no_branch_is_left_running_when_a_gather_has_failed(runs):
    """OpenWorkflow shows the sibling as "running" for ever."""

    @workflow(name="w", step_retry=ONCE)
    async def w(ctx: Context) -> None:
        await asyncio.gather(
            ctx.wait_for_event("never"),
            ctx.step("retrying", lambda: 1 / 0, retry=Retry(initial_delay="1h", max_delay="1h")),
            ctx.step("bad", lambda: {}["x"]),
        )

    run = runs.start(w)

    assert run.status == "failed"
    assert {step.key: step.status for step in run.steps} == {
        "never": "cancelled",
        "retrying": "cancelled",
        "bad": "failed",
    }
    assert run.waiting_on == []


def test_a_worker_that_was_thought_dead_writes_nothing(runs, effect):
    """Solid Queue ran a job of limit one eleven times; DBOS went on with the other's result.

    The step's first execution lasts longer than its worker's lease. Another worker takes
    the run over meanwhile, and ends it.
    """

    def slow() -> str:
        effect("slow")
        if len(effect.calls) == 1:
            take_over()
            return "the first worker's"
        return "the second worker's"

    @workflow(name="w")
    async def w(ctx: Context) -> str:
        found = await ctx.step("slow", slow)
        await ctx.step("after", effect, "after")
        return found

    def take_over() -> None:
        other = type(runs)()
        other.advance("1m")

    run = runs.start(w)

    assert run.refresh().result() == "the second worker's"
    assert effect.calls == ["slow", "slow", "after"]
    assert [step.result for step in run.steps] == ["the second worker's", "after"]


def test_a_key_with_another_input_does_not_return_the_old_run_in_silence(runs):
    """OpenWorkflow, DBOS and Absurd return the old run, or its result."""

    @workflow(name="w")
    async def w(ctx: Context, amount: int) -> int:
        return amount

    first = runs.start(w, 10, idempotency_key="order-7")

    with pytest.raises(IdempotencyConflict):
        w.start(9_999, idempotency_key="order-7")
    assert w.start(10, idempotency_key="order-7") == first


def test_what_the_body_sees_first_is_what_a_replay_sees(runs):
    """OpenWorkflow, Absurd and Aiki hand over the raw value first, and JSON afterwards."""
    seen = []

    @workflow(name="w")
    async def w(ctx: Context) -> None:
        seen.append(await ctx.step("load", lambda: {"t": (1, 2), 1: "x"}))
        await ctx.sleep("1h")

    runs.start(w)
    runs.advance("1h")

    assert seen == [{"t": (1, 2), 1: "x"}] * 2


def test_a_body_that_was_changed_does_not_bind_a_result_to_another_step(runs, effect):
    """OpenWorkflow and Absurd do not notice; Aiki and DBOS fail the run."""
    names = ["charge"]

    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step(names[0], effect, names[0])
        await ctx.sleep("1h")

    run = runs.start(w)
    names[0] = "refund"
    runs.advance("1h")

    assert run.refresh().status == "blocked"
    assert effect.calls == ["charge"]


def test_a_replay_writes_no_log_line_twice(runs, caplog):
    """Inngest, and DBOS with its standard logger, write every line again."""
    caplog.set_level("INFO", logger="orchestrator")

    @workflow(name="w")
    async def w(ctx: Context) -> None:
        ctx.logger.info("charged")
        await ctx.sleep("1h")

    runs.start(w)
    runs.advance("1h")

    assert [record.getMessage() for record in caplog.records].count("charged") == 1


def test_a_cancel_takes_the_children_along(runs):
    """OpenWorkflow leaves them running."""
    born = []

    @workflow(name="child")
    async def child(ctx: Context) -> None:
        try:
            await ctx.wait_for_event("never")
        except asyncio.CancelledError:
            born.append(ctx.run_id)
            raise

    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.start_child(child)

    run = runs.start(w)
    run.cancel()
    runs.drain()

    assert run.refresh().status == "cancelled"
    assert len(born) == 1
