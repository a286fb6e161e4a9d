"""Handles: what a run shows of itself, and how to wait for it."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from orchestrator import (
    Context,
    Run,
    RunCancelled,
    RunFailed,
    RunTimeout,
    UnknownRun,
    get_run,
    workflow,
)
from tests.conformance.world import ONCE


@pytest.fixture
def finished(runs):
    @workflow(name="w", version="2")
    async def w(ctx: Context, number: int) -> int:
        return await ctx.step("double", lambda: number * 2)

    return runs.start(w, 4)


@pytest.fixture
def failed(runs):
    @workflow(name="bad", step_retry=ONCE)
    async def bad(ctx: Context) -> None:
        await ctx.step("divide", lambda: 1 / 0)

    return runs.start(bad)


@pytest.fixture
def waiting(runs):
    @workflow(name="waiter")
    async def waiter(ctx: Context) -> str:
        return await ctx.wait_for_event("go", timeout="1d")

    return runs.start(waiter)


def test_a_run_shows_what_it_is(finished):
    assert isinstance(finished.id, UUID)
    assert (finished.workflow, finished.version) == ("w", "2")
    assert (finished.input, finished.output, finished.error) == (4, 8, None)
    assert (finished.status, finished.idempotency_key) == ("completed", None)
    assert finished.created_at <= finished.started_at <= finished.finished_at


def test_a_run_that_has_not_ended_has_no_output(waiting):
    assert (waiting.status, waiting.output, waiting.error) == ("waiting", None, None)
    assert waiting.finished_at is None


def test_a_run_is_found_by_its_id(finished):
    assert get_run(finished.id) == get_run(str(finished.id)) == finished
    assert isinstance(get_run(finished.id), Run)


@pytest.mark.parametrize("run_id", [UUID(int=1), str(UUID(int=1)), "nonsense", None])
def test_an_unknown_run_is_an_error(runs, run_id):
    with pytest.raises(UnknownRun):
        get_run(run_id)


def test_a_handle_shows_the_run_as_it_was_read_until_it_is_refreshed(runs, waiting):
    other = get_run(waiting.id)
    runs.send_event(other, "go", "now")

    assert waiting.status == "waiting"
    assert waiting.refresh() is waiting
    assert waiting.status == "completed"


def test_the_steps_of_a_run_show_how_they_went(finished):
    [step] = finished.steps

    assert (step.key, step.name, step.kind, step.status) == (
        "double",
        "double",
        "step",
        "completed",
    )
    assert (step.attempts, step.result, step.error) == (1, 8, None)
    assert step.completed_at - step.started_at == step.duration
    assert step.duration >= timedelta(0)
    assert step.started_at.tzinfo is not None


def test_steps_are_shown_in_the_order_in_which_they_were_asked_for(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        for name in "cab":
            await ctx.step(name, lambda: None)

    assert [step.name for step in runs.start(w).steps] == ["c", "a", "b"]


def test_a_wait_that_is_open_has_begun_and_not_ended(waiting):
    [step] = waiting.steps

    assert (step.kind, step.status, step.result) == ("event", "open", None)
    assert step.started_at is not None
    assert step.completed_at is step.duration is None


def test_what_a_run_waits_for_says_since_when_and_until_when(waiting):
    [wait] = waiting.waiting_on

    assert (wait.kind, wait.name) == ("event", "go")
    assert wait.until - wait.since == timedelta(days=1)
    assert wait.since.utcoffset() == timedelta(0)


def test_a_run_that_has_ended_waits_for_nothing(finished):
    assert finished.waiting_on == []


def test_all_times_are_in_utc_and_by_one_clock(finished):
    [step] = finished.steps
    times = [finished.created_at, step.started_at, step.completed_at]

    assert times == sorted(times)
    assert {at.utcoffset() for at in times} == {timedelta(0)}


# ---- result and wait ---------------------------------------------------------------------


def test_a_result_is_the_output(finished):
    assert finished.result(timeout=60) == 8


def test_the_result_of_a_failed_run_is_an_error_with_its_failure(failed):
    with pytest.raises(RunFailed, match="division by zero") as raised:
        failed.result(timeout="1m")

    assert raised.value.error["type"].endswith("ZeroDivisionError")
    assert raised.value.error["key"] == "divide"


def test_the_result_of_a_cancelled_run_is_an_error(runs, waiting):
    waiting.cancel()
    runs.drain()

    with pytest.raises(RunCancelled, match="no reason"):
        waiting.result(timeout=60)


def test_a_result_that_does_not_come_in_time_is_an_error(waiting):
    with pytest.raises(RunTimeout, match="waiting"):
        waiting.result(timeout=0)


def test_a_result_error_says_what_kind_it_is():
    assert issubclass(RunTimeout, TimeoutError)


def test_a_wait_tells_that_the_run_has_the_status(finished):
    outcome = finished.wait(status="completed", timeout=60, poll=1)

    assert (outcome.success, outcome.state, outcome.cause) == (True, "completed", "")


def test_a_wait_tells_that_the_run_can_no_longer_get_the_status(failed):
    outcome = failed.wait(timeout=60)

    assert (outcome.success, outcome.state) == (False, "failed")
    assert outcome.cause == "division by zero"


def test_a_wait_tells_why_a_run_was_cancelled(runs, waiting):
    waiting.cancel(reason="not needed")
    runs.drain()

    assert waiting.wait().cause == "not needed"


def test_a_wait_tells_that_its_time_is_over(waiting):
    outcome = waiting.wait(timeout=0, poll="10ms")

    assert (outcome.success, outcome.state, outcome.cause) == (False, "waiting", "timeout")


def test_a_status_that_there_is_not_is_no_reason_to_wait(waiting):
    with pytest.raises(ValueError, match="'complete'"):
        waiting.wait(status="complete", timeout=60)


def test_a_wait_may_be_for_any_status(waiting):
    assert waiting.wait(status="waiting", timeout=60).success


def test_handles_of_one_run_are_equal(finished, waiting):
    again = get_run(finished.id)

    assert again == finished
    assert {again, finished, waiting} == {finished, waiting}
    assert finished != waiting


def test_a_handle_says_in_short_what_it_is(finished):
    assert repr(finished) == f"<Run {finished.id} of w 2: completed>"
