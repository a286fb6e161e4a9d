"""Faults that a test chooses: a step that fails, takes too long, or takes its worker with it."""

from __future__ import annotations

import asyncio

import pytest

from orchestrator import Context, Retry, StepFailed, StepTimeout, workflow
from orchestrator.models import Attempt
from orchestrator.testing import Runs

QUICKLY = Retry(max_attempts=3, initial_delay="1s", jitter=False)


@pytest.fixture
def parcel(effect):
    @workflow(name="parcel")
    async def parcel(ctx: Context) -> object:
        await ctx.step("charge", effect, "charged", retry=QUICKLY, timeout="30s")
        await ctx.step("label", str)
        return await ctx.wait_for_event("arrived")

    return parcel


def test_an_attempt_is_chosen_by_its_number(runs, parcel, effect):
    runs.fail(step="charge", attempt=2, error=ConnectionError("again"))
    runs.fail(step="charge", attempt=1, error=ConnectionError("at first"))

    run = runs.start(parcel)
    runs.advance("10s")

    failed = Attempt.objects.order_by("number").values_list("number", "error__message")
    assert list(failed) == [(1, "at first"), (2, "again")]
    assert run.refresh().steps[0].attempts == 3
    assert effect.calls == ["charged"]


def test_a_step_can_fail_for_ever(runs, parcel):
    runs.fail(step="charge", times=None, error=ConnectionError("down"))

    run = runs.start(parcel)
    runs.advance("1m")

    assert runs.expect(run, "failed").error["message"] == "down"


def test_an_attempt_can_time_out_without_waiting(runs, parcel, effect):
    runs.time_out(step="charge", attempt=1)

    run = runs.start(parcel)
    runs.advance("10s")

    [attempt] = Attempt.objects.all()
    assert attempt.error["message"] == "step 'charge' took longer than 30 s"
    assert effect.calls == ["charged"]
    assert run.refresh().steps[0].status == "completed"


def test_the_last_timeout_reaches_the_body(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> str:
        try:
            await ctx.step("slow", asyncio.sleep, 0, timeout="5s", retry=QUICKLY)
        except StepTimeout as error:
            return f"{error.key} after {error.attempts}"
        return "in time"

    runs.time_out(step="slow", times=3)
    run = runs.start(w)
    runs.advance("1m")

    assert run.refresh().result() == "slow after 3"


def test_a_worker_dies_at_a_chosen_attempt(runs, parcel, effect):
    runs.fail(step="charge", attempt=1, error=ConnectionError("down"))
    runs.crash_at("after_body", step="charge", attempt=2)

    run = runs.start(parcel)
    runs.advance("1m")

    assert effect.calls == ["charged", "charged"]
    assert run.refresh().steps[0].status == "completed"


def test_a_worker_dies_at_the_record_of_a_chosen_step(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step("first", effect, 1)
        await ctx.step("second", effect, 2)

    runs.crash_at("in_tx_after_fence", step="second")
    run = runs.start(w)

    assert runs.journal(run) == [("step", "first", "completed")]
    runs.drain()
    assert runs.expect(run).steps[1].status == "completed"
    assert effect.calls == [1, 2, 2]


def test_a_fault_is_of_one_run(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.wait_for_event("go")
        await ctx.step("a", effect, retry=Retry(max_attempts=1))

    first, second = runs.start(w), runs.start(w)
    runs.fail(step="a", run=second, error=ValueError("x"))
    runs.send_event(first, "go")
    runs.send_event(second, "go")

    assert (first.status, second.status) == ("completed", "failed")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda runs: runs.crash_at("after_lunch"), "Known: after_claim"),
        (lambda runs: runs.crash_at("after_park", step="a"), "after_park is about a run"),
        (lambda runs: runs.crash_at("after_record", step="a", attempt=1), "attempt= counts"),
        (lambda runs: runs.crash_at("after_body", attempt=0), "attempt= counts from 1"),
        (lambda runs: runs.fail(step="a", times=0, error=ValueError()), "times is 1 or more"),
    ],
)
def test_a_fault_that_cannot_happen_is_refused(runs, call, words):
    with pytest.raises(ValueError, match=words):
        call(runs)


def test_a_fault_that_never_happened_is_told_with_what_did(transactional_db, parcel):
    runs = Runs()
    runs.open()
    runs.fail(step="chrage", times=2, error=ValueError("x"))
    runs.time_out(step="label")
    # Not every run comes to every point; one that parks does not finish.
    runs.crash_at("before_finish")
    runs.fail(step="charge", error=ConnectionError("down"))
    runs.start(parcel)
    runs.advance("10s")

    assert runs.close() == [
        "runs.fail(step='chrage', times=2) never happened. The journal has: "
        "charge (2 attempts), label.",
        "runs.time_out(step='label') never happened. Only a step with timeout= can time out. "
        "The journal has: "
        "charge (2 attempts), label.",
    ]


def test_a_failing_step_is_both_its_error_and_a_step_that_failed(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> str:
        try:
            await ctx.step("a", str)
        except StepFailed as error:
            return type(error).__name__
        return "no error"

    runs.fail(step="a", times=None, error=KeyError("x"))
    run = runs.start(w)
    runs.advance("1h")

    assert run.refresh().result() == "KeyError"
