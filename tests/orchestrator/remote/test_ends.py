"""What becomes of steps that were handed out when their run, or their worker, does not go on."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from orchestrator import Context, Retry, client, clock, current_step, workflow
from orchestrator.models import Event, StepTask
from tests.orchestrator.remote import functions
from tests.orchestrator.remote.functions import OtherWorker, effect, statuses

NOW = Retry(initial_delay=0)


# ---- cancel -----------------------------------------------------------------------------


def test_a_cancel_withdraws_what_nobody_executes_in_its_own_transaction(pair, drive):
    run = pair.start()
    drive()

    run.cancel()

    assert not StepTask.objects.exists()
    assert OtherWorker().take() == []
    drive()
    assert run.refresh().status == "cancelled"
    assert statuses(run) == {"a": "cancelled", "b": "cancelled"}
    assert not Event.objects.exists()


def test_what_executes_when_its_run_is_cancelled_is_finished_and_recorded(pair, drive):
    run, other = pair.start(), OtherWorker()
    drive()
    [task] = other.take(limit=1)

    run.cancel()
    drive()

    assert run.refresh().status == "waiting"
    assert [wait.key for wait in run.waiting_on] == [task.key]
    assert other.report(task, "done")
    drive()
    assert run.refresh().status == "cancelled"
    assert statuses(run) == {"a": "cancelled", "b": "cancelled"} | {task.key: "completed"}


def test_cleanup_after_a_cancel_may_hand_out_steps(drive, everything):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        try:
            await ctx.step("a", effect, "a", remote=True)
        finally:
            await ctx.step("clean", effect, "clean", remote=True)

    run = w.start()
    drive()
    run.cancel()
    everything()

    assert run.refresh().status == "cancelled"
    assert functions.calls == ["clean"]


def test_a_step_that_is_shielded_from_the_cancel_is_handed_out_again(drive, everything):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        step = asyncio.ensure_future(ctx.step("a", effect, "a", remote=True))
        try:
            await asyncio.shield(step)
        except asyncio.CancelledError:
            await step
            raise

    run = w.start()
    drive()
    run.cancel()
    everything()

    assert run.refresh().status == "cancelled"
    assert statuses(run) == {"a": "completed"}


def test_a_cleanup_that_takes_too_long_gives_up_what_executes(drive, runs):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        try:
            await ctx.sleep("1h")
        finally:
            await ctx.step("clean", effect, "clean", remote=True)

    run, other = w.start(), OtherWorker()
    drive()
    run.cancel()
    drive()
    [task] = other.take()
    StepTask.objects.update(due_at=None)
    runs.advance("1d")

    assert run.refresh().status == "cancelled"
    assert not StepTask.objects.exists()
    assert not other.report(task)


def test_a_run_that_takes_too_long_ends_and_withdraws_its_steps(drive):
    @workflow(name="w", timeout="1h")
    async def w(ctx: Context) -> None:
        await ctx.step("a", effect, 1, queue="none")

    run = w.start()
    drive()
    clock.move(timedelta(hours=2))
    drive()

    assert run.refresh().status == "failed"
    assert run.error["timed_out"]
    assert not StepTask.objects.exists()


# ---- branches ---------------------------------------------------------------------------


@pytest.fixture
def race():
    @workflow(name="race")
    async def race(ctx: Context) -> str:
        step = asyncio.ensure_future(ctx.step("a", effect, "a", remote=True))
        event = asyncio.ensure_future(ctx.wait_for_event("skip"))
        await asyncio.wait([step, event], return_when=asyncio.FIRST_COMPLETED)
        step.cancel()
        await ctx.sleep("1h")
        return "skipped"

    return race


def test_a_branch_that_lost_is_withdrawn(race, drive):
    run = race.start()
    drive()
    run.send_event("skip")
    drive()

    assert not StepTask.objects.exists()
    drive()
    assert statuses(run)["a"] == "cancelled"
    assert not Event.objects.filter(consumed_at=None).exists()


def test_a_branch_that_lost_while_it_executed_is_recorded(race, drive, runs):
    run, other = race.start(), OtherWorker()
    drive()
    [task] = other.take()
    run.send_event("skip")
    drive()
    assert other.report(task, "late")
    drive()

    assert statuses(run)["a"] == "completed"
    runs.advance("1h")
    assert run.refresh().result() == "skipped"


def test_a_run_that_ends_withdraws_what_it_has_not_waited_for(drive):
    @workflow(name="leave")
    async def leave(ctx: Context) -> str:
        step = asyncio.ensure_future(ctx.step("a", effect, "a", remote=True))
        await ctx.wait_for_event("go")
        return "answered" if step.done() else "left"

    run = leave.start()
    drive()
    run.send_event("go")
    drive()

    assert run.refresh().result() == "left"
    assert not StepTask.objects.exists()


def test_a_run_that_ends_waits_for_what_executes(drive):
    @workflow(name="leave")
    async def leave(ctx: Context) -> str:
        asyncio.ensure_future(ctx.step("a", effect, "a", remote=True))  # noqa: RUF006
        await ctx.wait_for_event("go")
        return "left"

    run, other = leave.start(), OtherWorker()
    drive()
    [task] = other.take()
    run.send_event("go")
    drive()
    assert run.refresh().status == "waiting"

    other.report(task, 1)
    drive()

    assert run.refresh().result() == "left"
    assert statuses(run)["a"] == "completed"


def test_a_step_that_takes_longer_than_the_body_waits_is_not_wanted(drive):
    @workflow(name="w")
    async def w(ctx: Context) -> str:
        try:
            async with asyncio.timeout(60):
                return str(await ctx.step("a", effect, "a", queue="none"))
        except TimeoutError:
            return "too late"

    run = w.start()
    drive()
    clock.move(timedelta(minutes=2))
    drive()

    assert run.refresh().result() == "too late"
    assert not StepTask.objects.exists()


# ---- pause ------------------------------------------------------------------------------


def test_nobody_takes_a_step_of_a_paused_run(pair, drive, everything):
    run, other = pair.start(), OtherWorker()
    drive()
    run.pause()
    assert other.take() == []

    run.resume()
    everything()

    assert run.refresh().result() == ["a", "b", "c"]


def test_what_executes_when_its_run_is_paused_is_kept_until_it_is_resumed(pair, drive, everything):
    run, other = pair.start(), OtherWorker()
    drive()
    first, second = other.take()
    run.pause()
    other.report(first, "one")
    other.report(second, "two")
    drive()
    assert statuses(run) == {"a": "queued", "b": "queued"}

    run.resume()
    everything()

    assert run.refresh().result() == ["one", "two", "c"]


def test_a_run_that_is_paused_while_it_asks_hands_out_nothing_that_can_be_taken(drive, everything):
    @workflow(name="w")
    async def w(ctx: Context) -> object:
        await ctx.step("pause", pause_it)
        return await ctx.step("a", effect, "a", remote=True)

    run = w.start()
    drive()

    assert run.refresh().status == "paused"
    assert OtherWorker().take() == []
    run.resume()
    everything()
    assert run.refresh().result() == "a"


def pause_it() -> None:
    client.pause(current_step().run_id)
