"""Compensation: by hand in `except`, or with `compensate=` in reverse order."""

from __future__ import annotations

import pytest

from orchestrator import ActionRefused, CompensationFailed, Context, Retry, workflow
from tests.conformance.world import AT_ONCE, ONCE, CardDeclined


def declined() -> None:
    raise CardDeclined("no")


@pytest.fixture
def trip(effect):
    """Books, then fails; what was booked is undone unless the options say otherwise."""

    def make(**options):
        @workflow(name="trip", **options)
        async def trip(ctx: Context) -> None:
            await ctx.step("flight", effect, "flight", compensate=lambda r: effect(f"undo {r}"))
            await ctx.step("hotel", effect, "hotel", compensate=lambda r: effect(f"undo {r}"))
            await ctx.step("note", effect, "note")
            await ctx.step("pay", declined, retry=ONCE, compensate=lambda r: effect("never"))

        return trip

    return make


def test_what_was_done_is_undone_in_reverse_order_when_the_body_fails(runs, trip, effect):
    run = runs.start(trip())

    assert run.status == "failed"
    assert run.error["message"] == "no"
    assert effect.calls == ["flight", "hotel", "note", "undo hotel", "undo flight"]


def test_an_undo_is_a_recorded_step(runs, trip):
    steps = {step.key: step.status for step in runs.start(trip()).steps}

    assert steps["undo hotel"] == steps["undo flight"] == "completed"
    assert steps["pay"] == "failed"


def test_an_undo_gets_the_result_of_its_step(runs):
    seen = []

    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step("charge", lambda: {"id": 7}, compensate=seen.append)
        raise CardDeclined

    runs.start(w)

    assert seen == [{"id": 7}]


def test_undoing_is_switched_off_by_the_workflow(runs, trip, effect):
    assert runs.start(trip(compensate=False)).status == "failed"
    assert effect.calls == ["flight", "hotel", "note"]


def test_nothing_is_undone_when_the_body_completes(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step("charge", effect, 1, compensate=effect)

    assert runs.start(w).status == "completed"
    assert effect.calls == [1]


def test_a_body_undoes_when_it_wants_to(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> str:
        await ctx.step("charge", effect, "charge", compensate=lambda _: effect("refund"))
        await ctx.compensate()
        return "undone"

    assert runs.start(w).result() == "undone"
    assert effect.calls == ["charge", "refund"]


def test_a_step_is_undone_once_only(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step("charge", effect, "charge", compensate=lambda _: effect("refund"))
        await ctx.compensate()
        raise CardDeclined

    runs.start(w)

    assert effect.calls == ["charge", "refund"]


def test_an_undo_is_retried_like_any_step(runs, effect):
    @workflow(name="w", step_retry=AT_ONCE)
    async def w(ctx: Context) -> None:
        await ctx.step("charge", effect, "charge", compensate=lambda _: effect("refund"))
        raise CardDeclined

    runs.fail(step="undo charge", times=2, error=ConnectionError("later"))
    run = runs.start(w)

    assert effect.calls == ["charge", "refund"]
    assert {step.key: step.attempts for step in run.steps} == {"charge": 1, "undo charge": 3}


def test_an_undo_that_fails_does_not_keep_the_others_from_theirs(runs, effect):
    @workflow(name="w", step_retry=ONCE)
    async def w(ctx: Context) -> None:
        await ctx.step("a", effect, "a", compensate=lambda _: effect("undo a"))
        await ctx.step("b", effect, "b", compensate=lambda _: declined())
        raise KeyError("the body")

    run = runs.start(w)

    assert effect.calls == ["a", "b", "undo a"]
    assert run.status == "failed"
    assert "undo b" in run.error["message"]
    assert run.error["type"].endswith("CompensationFailed")


def test_a_body_may_handle_what_could_not_be_undone(runs):
    @workflow(name="w", step_retry=ONCE)
    async def w(ctx: Context) -> str:
        await ctx.step("a", lambda: 1, compensate=lambda _: declined())
        try:
            await ctx.compensate()
        except CompensationFailed as error:
            return str(error)
        return ""

    assert "undo a" in runs.start(w).result()


@pytest.mark.parametrize("failpoint", ["before_body", "after_body", "after_record"])
def test_undoing_goes_on_where_a_worker_died(runs, trip, effect, failpoint):
    runs.crash_at(failpoint, step="undo hotel" if "body" in failpoint else None)
    run = runs.start(trip())
    runs.drain()

    assert run.refresh().status == "failed"
    assert [call for call in effect.calls if call == "undo flight"] == ["undo flight"]
    assert "undo hotel" in effect.calls


def test_a_step_that_was_never_done_is_not_undone(runs, trip, effect):
    runs.fail(step="hotel", error=ConnectionError("x"), times=3)
    run = runs.start(trip(step_retry=ONCE))

    assert run.status == "failed"
    assert effect.calls == ["flight", "undo flight"]


def test_a_body_that_reacts_by_hand_is_the_other_way_to_undo(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        payment = await ctx.step("charge", effect, "payment")
        try:
            await ctx.step("fulfil", declined, retry=ONCE)
        except CardDeclined:
            await ctx.step("refund", effect, f"refund {payment}")
            raise

    run = runs.start(w)

    assert run.status == "failed"
    assert effect.calls == ["payment", "refund payment"]


def test_a_run_that_undid_its_work_is_not_retried_and_says_what_else_there_is(runs, trip):
    run = runs.start(trip())

    with pytest.raises(ActionRefused, match=r"undo hotel.*fork"):
        run.retry()
    assert run.refresh().status == "failed"


def test_a_run_that_undid_its_work_may_be_tried_again_from_the_top(runs, trip, effect):
    run = runs.start(trip(retry=Retry(max_attempts=2, initial_delay="1h", max_delay="1h")))
    runs.advance("1h")

    assert run.refresh().status == "failed"
    assert effect.calls == ["flight", "hotel", "note", "undo hotel", "undo flight"] * 2


def test_a_cancelled_run_is_not_undone_by_itself(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step("charge", effect, "charge", compensate=lambda _: effect("refund"))
        await ctx.sleep("1h")

    run = runs.start(w)
    run.cancel()
    runs.drain()

    assert run.refresh().status == "cancelled"
    assert effect.calls == ["charge"]


def test_a_cancelled_run_may_undo_in_finally(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step("charge", effect, "charge", compensate=lambda _: effect("refund"))
        try:
            await ctx.sleep("1h")
        finally:
            await ctx.compensate()

    run = runs.start(w)
    run.cancel()
    runs.drain()

    assert run.refresh().status == "cancelled"
    assert effect.calls == ["charge", "refund"]


def test_an_undo_is_a_function(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step("charge", effect, compensate="refund")  # type: ignore[call-overload]

    run = runs.start(w)

    assert "compensate='refund'" in run.error["message"]
    assert effect.calls == []
