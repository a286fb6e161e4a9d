"""What operators may do to a run, and what a workflow's options do to it."""

from __future__ import annotations

import pytest

from orchestrator import (
    ActionRefused,
    Context,
    IdempotencyConflict,
    InvalidInput,
    Retry,
    client,
    current_step,
    workflow,
)
from orchestrator.models import Permit
from orchestrator.models import Run as Row

ONCE = Retry(max_attempts=1)


@pytest.fixture
def steps(effect):
    @workflow(name="steps")
    async def steps(ctx: Context, start: int) -> list[object]:
        done = [await ctx.step("a", effect, start)]
        await ctx.sleep("1h", name="nap")
        done.append(await ctx.step("b", effect, start + 1, retry=ONCE))
        done.append(await ctx.step("c", effect, start + 2, retry=ONCE))
        return done

    return steps


def test_a_paused_run_does_nothing_until_it_is_resumed(runs, steps):
    run = runs.start(steps, 1)
    run.pause()
    runs.advance("2h")

    assert run.refresh().status == "paused"
    with pytest.raises(ActionRefused, match="paused cannot be paused"):
        run.pause()
    run.resume()
    assert run.refresh().result() == [1, 2, 3]


def test_a_step_that_executes_when_its_run_is_paused_is_recorded_and_the_next_does_not_start(
    runs, effect
):
    def pause_it() -> str:
        client.pause(current_step().run_id)
        return "a"

    @workflow(name="w")
    async def w(ctx: Context) -> list[object]:
        return [await ctx.step("a", pause_it), await ctx.step("b", effect, "b")]

    run = runs.start(w)

    assert run.status == "paused"
    assert [(step.key, step.status) for step in run.steps] == [("a", "completed")]
    assert effect.calls == []
    run.resume()
    assert run.refresh().result() == ["a", "b"]


def test_an_event_to_a_paused_run_is_kept(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> object:
        return await ctx.wait_for_event("go")

    run = runs.start(w)
    run.pause()
    runs.send_event(run, "go", 1)
    assert run.refresh().status == "paused"
    run.resume()

    assert run.refresh().result() == 1


def test_only_what_rests_can_be_resumed(runs, steps):
    run = runs.start(steps, 1)

    with pytest.raises(ActionRefused, match="waiting cannot be resumed"):
        run.resume()


def test_a_sleep_is_skipped(runs, steps):
    run = runs.start(steps, 1)
    run.skip_sleep()

    assert run.refresh().result() == [1, 2, 3]
    with pytest.raises(ActionRefused, match="no sleep"):
        run.skip_sleep()


def test_a_retry_is_made_at_once(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> object:
        return await ctx.step("a", effect, 1, retry=Retry(initial_delay="1h", max_delay="1h"))

    runs.fail(step="a", error=ConnectionError())
    run = runs.start(w)
    assert run.status == "awaiting_retry"
    run.retry_now()

    assert run.refresh().result() == 1


def test_a_run_goes_on_from_a_chosen_step(runs, steps, effect):
    runs.fail(step="c", error=ValueError("c"))
    run = runs.start(steps, 1)
    runs.advance("1h")
    assert run.refresh().status == "failed"

    run.retry_from("b")

    assert run.refresh().result() == [1, 2, 3]
    assert effect.calls == [1, 2, 2, 3]


def test_a_step_that_does_not_exist_is_named_with_those_that_do(runs, steps):
    runs.fail(step="b", error=ValueError("b"))
    run = runs.start(steps, 1)
    runs.advance("1h")

    with pytest.raises(ActionRefused, match=r"no step 'x'\. It has: a, nap, b"):
        run.retry_from("x")


def test_a_fork_has_the_results_from_before_the_step_and_leaves_its_source_alone(
    runs, steps, effect
):
    run = runs.start(steps, 1)
    runs.advance("1h")

    fork = run.fork("b")
    runs.drain()

    assert fork.refresh().result() == [1, 2, 3]
    assert run.refresh().result() == [1, 2, 3]
    assert effect.calls == [1, 2, 3, 2, 3]
    assert Row.objects.get(id=fork.id).forked_from_id == run.id


def test_a_fork_may_have_another_input(runs, steps, effect):
    run = runs.start(steps, 1)
    runs.advance("1h")

    fork = run.fork("b", input=10)
    runs.drain()

    assert fork.refresh().result() == [1, 11, 12]
    with pytest.raises(InvalidInput):
        run.fork("b", input="many")


# ---- options of a workflow ---------------------------------------------------------------


def test_a_run_that_takes_too_long_fails(runs, effect):
    @workflow(name="w", timeout="1h")
    async def w(ctx: Context) -> None:
        try:
            await ctx.wait_for_event("never")
        finally:
            await ctx.step("cleanup", effect, "cleaned")

    run = runs.start(w)
    runs.advance("1h")

    assert run.refresh().status == "failed"
    assert "took longer than 1:00:00" in run.error["message"]
    assert effect.calls == ["cleaned"]
    with pytest.raises(ActionRefused, match="time is over"):
        run.retry()


def test_a_failed_run_is_tried_again_from_its_failed_step(runs, effect):
    @workflow(name="w", retry=Retry(max_attempts=3, initial_delay="10m", max_delay="1h"))
    async def w(ctx: Context) -> object:
        await ctx.step("a", effect, "a")
        return await ctx.step("b", effect, ctx.attempt, retry=ONCE)

    runs.fail(step="b", times=2, error=ValueError("b"))
    run = runs.start(w)
    assert run.status == "awaiting_retry"
    assert run.waiting_on[0].detail == {"attempt": 2, "error": "b"}
    runs.advance("2h")

    assert run.refresh().result() == 3
    assert run.error is None
    assert effect.calls == ["a", 3]


def test_a_run_that_undid_its_work_begins_again_at_the_top(runs, effect):
    keys = []

    def charge() -> str:
        keys.append(current_step().idempotency_key)
        return "charged"

    @workflow(name="w", retry=Retry(max_attempts=2, initial_delay="10m"))
    async def w(ctx: Context) -> object:
        await ctx.step("charge", charge, compensate=effect)
        return await ctx.step("ship", effect, "ship", retry=ONCE)

    runs.fail(step="ship", error=ValueError("ship"))
    run = runs.start(w)
    runs.advance("1h")

    assert run.refresh().result() == "ship"
    assert effect.calls == ["charged", "ship"]
    # A second charge, not the first one again: to the payment service it is other work.
    assert len(set(keys)) == 2


def test_so_many_runs_are_in_progress_at_once(runs):
    @workflow(name="w", max_concurrent=2)
    async def w(ctx: Context) -> None:
        await ctx.wait_for_event("go")

    handles = [runs.start(w) for _ in range(4)]
    assert [run.refresh().status for run in handles] == ["waiting", "waiting", "pending", "pending"]
    assert [wait.kind for wait in handles[2].waiting_on] == ["concurrency"]

    runs.send_event(handles[0], "go")
    runs.drain()
    assert handles[2].refresh().status == "waiting"
    handles[1].cancel()
    runs.drain()
    assert handles[3].refresh().status == "waiting"
    assert Permit.objects.count() == 2


def test_a_concurrency_key_makes_groups(runs):
    @workflow(name="w", max_concurrent=1, concurrency_key="{customer}")
    async def w(ctx: Context, order: dict) -> None:
        await ctx.wait_for_event("go")

    first, second, other = (runs.start(w, {"customer": name}) for name in ("a", "a", "b"))

    assert first.refresh().status == "waiting"
    assert second.refresh().status == "pending"
    assert other.refresh().status == "waiting"


def test_a_run_that_is_turned_away_looks_again_by_itself(runs):
    @workflow(name="w", max_concurrent=1)
    async def w(ctx: Context) -> None:
        await ctx.wait_for_event("go")

    runs.start(w)
    second = runs.start(w)
    Permit.objects.all().delete()
    runs.advance("10s")

    assert second.refresh().status == "waiting"


def test_many_runs_are_started_in_few_statements(runs, django_assert_max_num_queries):
    @workflow(name="w", idempotency_key="k-{}")
    async def w(ctx: Context, n: int) -> int:
        return n

    runs.close()
    with django_assert_max_num_queries(8):
        handles = client.start_many("w", range(100))
    runs.open()
    runs.drain()

    assert [run.refresh().result() for run in handles] == list(range(100))
    with pytest.raises(IdempotencyConflict):
        client.start_many("w", [200, 1])
    assert Row.objects.count() == 100
    with pytest.raises(InvalidInput):
        client.start_many("w", [300, "x"])
