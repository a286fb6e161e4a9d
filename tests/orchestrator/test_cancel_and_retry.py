"""What an operator may do to a run: cancel it, or let it go on after a failure."""

from __future__ import annotations

import asyncio
import contextlib
import threading

import pytest

from orchestrator import (
    ActionRefused,
    Context,
    Retry,
    RunCancelled,
    UnknownRun,
    client,
    current_step,
    workflow,
)
from orchestrator.core.ids import uuid7
from orchestrator.engine import worker

ONCE = Retry(max_attempts=1)


def test_cancelling_a_waiting_run_ends_it(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.sleep("30d")
        await ctx.step("after", effect)

    run = runs.start(w)

    assert run.cancel("not needed")
    assert run.refresh().status == "cancelled"
    assert effect.calls == []
    with pytest.raises(RunCancelled, match="not needed"):
        run.result()


def test_a_run_that_never_started_is_cancelled_at_once(transactional_db):
    @workflow(name="w")
    async def w(ctx: Context) -> None: ...

    run = w.start(delay="1d")

    assert run.cancel()
    assert run.status == "cancelled"


def test_cleanup_steps_run_at_a_cancel(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        try:
            await ctx.wait_for_event("never")
        finally:
            await ctx.step("release", effect, "released")

    run = runs.start(w)
    run.cancel()

    assert run.refresh().status == "cancelled"
    assert effect.calls == ["released"]


def test_a_swallowed_cancel_still_cancels_the_run(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> str:
        with contextlib.suppress(asyncio.CancelledError):
            await ctx.wait_for_event("never")
        return "went on"

    run = runs.start(w)
    run.cancel()

    assert run.refresh().status == "cancelled"
    assert run.output is None


def test_a_cancel_between_two_steps_is_recorded_and_replays_the_same(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        try:
            await ctx.step("a", effect, 1)
            await ctx.wait_for_event("never")
        except asyncio.CancelledError:
            await ctx.sleep("1h")
            await ctx.step("undo", effect, -1)
            raise

    run = runs.start(w)
    run.cancel()
    assert run.refresh().status == "waiting"
    runs.advance("1h")

    assert run.refresh().status == "cancelled"
    assert effect.calls == [1, -1]


def test_what_executes_while_a_cancel_comes_in_between_is_recorded(runs, settings):
    settings.ORCHESTRATOR_HINTS = False
    cleaned, begun = threading.Event(), []

    def slow_one() -> bool:
        begun.append(1)
        return cleaned.wait(10)

    def cancel_it() -> None:
        client.cancel(current_step().run_id)

    @workflow(name="w")
    async def w(ctx: Context) -> None:
        slow = asyncio.ensure_future(ctx.step("slow", slow_one))
        await asyncio.sleep(0)
        try:
            await ctx.step("quick", cancel_it)
            # Cannot be opened any more.
            await ctx.wait_for_event("never")
        finally:
            await ctx.step("clean", cleaned.set)
            assert not slow.done()

    run = w.start()
    worker.drain()

    assert run.refresh().status == "cancelled"
    assert len(begun) == 1
    assert [(one.key, one.status, one.result) for one in run.steps] == [
        ("slow", "completed", True),
        ("quick", "completed", None),
        ("clean", "completed", None),
    ]


def test_cancelling_a_finished_run_changes_nothing_and_says_so(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> int:
        return 1

    run = runs.start(w)

    assert run.cancel() is False
    assert run.refresh().status == "completed"
    with pytest.raises(UnknownRun):
        client.cancel(uuid7())


def test_retry_goes_on_from_the_failed_step_and_keeps_results(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> object:
        await ctx.step("a", effect, 1)
        return await ctx.step("b", effect, 2, retry=Retry(max_attempts=2, initial_delay=0))

    runs.fail(step="b", times=2, error=ConnectionError("down"))
    run = runs.start(w)
    assert run.refresh().status == "failed"

    run.retry()

    assert run.refresh().result() == 2
    assert effect.calls == [1, 2]
    assert run.steps[1].attempts == 3


def test_a_retried_step_has_fresh_attempts(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> object:
        return await ctx.step("b", effect, 2, retry=Retry(max_attempts=2, initial_delay=0))

    runs.fail(step="b", times=3, error=ConnectionError("down"))
    run = runs.start(w)
    runs.drain()
    run.retry()
    runs.drain()

    assert run.refresh().result() == 2
    assert run.steps[0].attempts == 4


def test_all_failed_siblings_are_tried_again(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> object:
        return await asyncio.gather(*(ctx.step(name, effect, name, retry=ONCE) for name in "abc"))

    runs.fail(step="a", error=ValueError("a"))
    runs.fail(step="c", error=ValueError("c"))
    run = runs.start(w)
    run.retry()

    assert run.refresh().result() == ["a", "b", "c"]
    assert effect.calls == ["b", "a", "c"]


def test_retry_is_refused_when_the_workflow_went_on_after_the_failure(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        try:
            await ctx.step("charge", effect, retry=ONCE)
        except ValueError:
            await ctx.step("refund", effect)
            raise

    runs.fail(step="charge", error=ValueError("declined"))
    run = runs.start(w)

    with pytest.raises(ActionRefused, match="'charge' failed the workflow went on and did refund"):
        run.retry()
    assert run.refresh().status == "failed"


def test_a_run_whose_body_failed_is_retried_with_mended_code(runs, effect):
    broken = [True]

    @workflow(name="w")
    async def w(ctx: Context) -> str:
        await ctx.step("a", effect)
        if broken[0]:
            raise RuntimeError("a bug")
        return "mended"

    run = runs.start(w)
    broken[0] = False
    run.retry()

    assert run.refresh().result() == "mended"
    assert len(effect.calls) == 1


def test_only_a_failed_run_can_be_retried(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> None: ...

    run = runs.start(w)

    with pytest.raises(ActionRefused, match="this one is completed"):
        run.retry()


# ---- the time for cleaning up ----------------------------------------------------------------


@pytest.fixture
def slow_to_go():
    @workflow(name="slow-to-go")
    async def slow_to_go(ctx: Context) -> None:
        try:
            await ctx.wait_for_event("never")
        finally:
            await ctx.wait_for_event("also never", timeout="30d", default=None)

    return slow_to_go


def test_a_cleanup_without_end_is_cut_off(runs, settings, slow_to_go):
    settings.ORCHESTRATOR_CANCEL_GRACE = "10m"
    run = runs.start(slow_to_go)
    run.cancel()
    runs.advance("9m")
    assert run.refresh().status == "waiting"
    runs.advance("1m")

    assert run.refresh().status == "cancelled"
    assert {step.status for step in run.steps} == {"cancelled"}


def test_a_cleanup_that_fails_again_and_again_is_cut_off(runs, settings):
    settings.ORCHESTRATOR_CANCEL_GRACE = "10m"

    def release() -> None:
        raise ConnectionError("gone")

    @workflow(name="w")
    async def w(ctx: Context) -> None:
        try:
            await ctx.wait_for_event("never")
        finally:
            often = Retry(max_attempts=1000, initial_delay="1m", max_delay="1m", jitter=False)
            await ctx.step("release", release, retry=often)

    run = runs.start(w)
    run.cancel()
    runs.advance("11m")

    assert run.refresh().status == "cancelled"
    assert run.steps[-1].attempts == 10


def test_a_cleanup_in_time_is_not_cut_off(runs, settings, slow_to_go):
    settings.ORCHESTRATOR_CANCEL_GRACE = "10m"
    run = runs.start(slow_to_go)
    run.cancel()
    runs.advance("5m")
    runs.send_event(run, "also never")

    assert run.refresh().status == "cancelled"
    assert run.steps[-1].status == "completed"
