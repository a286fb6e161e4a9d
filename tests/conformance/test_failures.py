"""Failures of steps are outcomes: recorded with class, arguments and cause."""

from __future__ import annotations

import asyncio

import pytest

from orchestrator import Context, NestedStep, NonRetryable, RunFailed, StepFailed, workflow
from tests.conformance.world import AT_ONCE, ONCE, CardDeclined, QuotaError


def raising(error: BaseException):
    def fail() -> None:
        raise error

    return fail


def test_a_body_catches_the_class_that_the_step_raised(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> str:
        try:
            await ctx.step("charge", raising(CardDeclined("expired")), retry=ONCE)
        except CardDeclined as error:
            return f"declined: {error}"
        return "charged"

    assert runs.start(w).result() == "declined: expired"


def test_a_body_may_catch_every_failure_as_step_failed(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> list[object]:
        try:
            await ctx.step("charge", raising(CardDeclined("expired")), retry=AT_ONCE)
        except StepFailed as error:
            return [error.cause_type, error.message, error.attempts, error.traceback]
        return []

    cause_type, message, attempts, traceback = runs.start(w).result()

    assert cause_type.endswith("CardDeclined")
    assert (message, attempts) == ("expired", 3)
    assert "raise error" in traceback


def test_a_class_that_cannot_be_imported_is_a_step_failed_with_its_name(runs):
    class LocalError(Exception):
        pass

    @workflow(name="w")
    async def w(ctx: Context) -> list[str]:
        try:
            await ctx.step("charge", raising(LocalError("no")), retry=ONCE)
        except StepFailed as error:
            return [type(error).__name__, error.cause_type, str(error)]
        return []

    kind, cause_type, text = runs.start(w).result()

    assert (kind, text) == ("StepFailed", "no")
    assert cause_type.endswith("LocalError")


def test_an_error_keeps_its_attributes_and_its_text(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> list[object]:
        try:
            await ctx.step("call", raising(QuotaError("mail", 5)), retry=ONCE)
        except QuotaError as error:
            return [str(error), error.limit]
        return []

    assert runs.start(w).result() == ["mail allows 5", 5]


def test_an_error_keeps_its_cause(runs):
    error = CardDeclined("later")
    error.__cause__ = ConnectionError("reset")

    @workflow(name="w")
    async def w(ctx: Context) -> list[str]:
        try:
            await ctx.step("charge", raising(error), retry=ONCE)
        except CardDeclined as declined:
            cause = declined.__cause__
            return [str(cause), str(isinstance(cause, ConnectionError))]
        return []

    assert runs.start(w).result() == ["reset", "True"]


def test_a_caught_failure_is_not_executed_again(runs, effect):
    def charge() -> None:
        effect("charge")
        raise CardDeclined

    @workflow(name="w")
    async def w(ctx: Context) -> str:
        try:
            await ctx.step("charge", charge, retry=ONCE)
        except CardDeclined:
            await ctx.sleep("1d")
            await ctx.step("tell", effect, "tell")
        return "told"

    run = runs.start(w)
    runs.advance("1d")

    assert run.refresh().result() == "told"
    assert effect.calls == ["charge", "tell"]


def test_a_failure_that_nobody_catches_fails_the_run(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step("charge", raising(CardDeclined("expired")), retry=ONCE)

    run = runs.start(w)

    assert run.status == "failed"
    assert run.error["message"] == "expired"
    assert run.error["key"] == "charge"
    assert run.error["type"].endswith("CardDeclined")
    with pytest.raises(RunFailed, match="expired") as raised:
        run.result()
    assert raised.value.error == run.error


def test_an_error_of_the_body_itself_fails_the_run(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step("a", effect)
        raise CardDeclined("in the body")

    run = runs.start(w)

    assert run.status == "failed"
    assert run.error["message"] == "in the body"


def test_an_error_that_is_raised_again_is_still_the_author_s(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        try:
            await ctx.step("charge", raising(CardDeclined("expired")), retry=ONCE)
        except CardDeclined:
            await ctx.step("roll back", effect, "rolled back")
            raise

    run = runs.start(w)

    assert run.status == "failed"
    assert run.error["type"].endswith("CardDeclined")
    assert effect.calls == ["rolled back"]


def test_the_failed_step_shows_its_error(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step("charge", raising(CardDeclined("expired")), retry=AT_ONCE)

    [step] = runs.start(w).steps

    assert (step.status, step.attempts) == ("failed", 3)
    assert step.error["message"] == "expired"
    assert step.result is None


def test_a_failure_in_one_branch_leaves_the_others_their_results(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> list[object]:
        found = await asyncio.gather(
            ctx.step("good", effect, 1),
            ctx.step("bad", raising(CardDeclined("no")), retry=ONCE),
            ctx.step("better", effect, 2),
            return_exceptions=True,
        )
        return [one if isinstance(one, int) else str(one) for one in found]

    assert runs.start(w).result() == [1, "no", 2]


@pytest.mark.parametrize(
    "error", [SystemExit(3), StopIteration(1), asyncio.CancelledError(), KeyError("k")]
)
def test_whatever_a_step_raises_is_a_failure_of_that_step(runs, effect, error):
    @workflow(name="w")
    async def w(ctx: Context) -> str:
        try:
            await ctx.step("odd", raising(error), retry=ONCE)
        except StepFailed as failed:
            return failed.cause_type
        return "none"

    assert runs.start(w).result().endswith(type(error).__name__)


def test_an_error_whose_text_cannot_be_stored_is_recorded_all_the_same(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step("odd", raising(ValueError("nul \x00 and \ud800 half")), retry=ONCE)

    run = runs.start(w)

    assert run.status == "failed"
    assert run.error["message"].startswith("nul ")


def test_an_error_that_has_no_text_is_recorded_all_the_same(runs):
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step("odd", raising(Mute()), retry=ONCE)

    assert runs.start(w).status == "failed"


def test_a_group_of_errors_is_restored_as_a_group(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> list[str]:
        parts = ExceptionGroup("two", [CardDeclined("a"), KeyError("b")])
        try:
            await ctx.step("many", raising(parts), retry=ONCE)
        except* CardDeclined as declined:
            names = [str(one) for one in declined.exceptions]
        except* KeyError:
            pass
        return names

    assert runs.start(w).result() == ["a"]


def test_non_retryable_fails_at_once_and_can_be_caught(runs, effect):
    def charge() -> None:
        effect("charge")
        raise NonRetryable("the account is closed")

    @workflow(name="w")
    async def w(ctx: Context) -> str:
        try:
            await ctx.step("charge", charge)
        except NonRetryable as error:
            return str(error)
        return "charged"

    assert runs.start(w).result() == "the account is closed"
    assert effect.calls == ["charge"]


def test_a_step_inside_a_step_is_refused_with_both_names(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        async def outer() -> None:
            effect("outer")
            await ctx.step("inner", effect)

        await ctx.step("outer", outer)

    run = runs.start(w)

    assert run.status == "failed"
    assert "'inner'" in run.error["message"]
    assert "'outer'" in run.error["message"]
    assert effect.calls == ["outer"]


@pytest.mark.parametrize("call", ["sleep", "wait_for_event", "start_child", "now_and_then"])
def test_no_durable_call_is_made_inside_a_step(runs, call):
    @workflow(name="child")
    async def child(ctx: Context) -> None: ...

    @workflow(name="w")
    async def w(ctx: Context) -> None:
        calls = {
            "sleep": lambda: ctx.sleep("1h"),
            "wait_for_event": lambda: ctx.wait_for_event("x"),
            "start_child": lambda: ctx.start_child(child),
            "now_and_then": lambda: ctx.step("inner", print),
        }

        async def outer() -> None:
            await calls[call]()

        with pytest.raises(NestedStep):
            await ctx.step("outer", outer)
        await ctx.sleep("1h")

    assert runs.start(w).status == "waiting"
