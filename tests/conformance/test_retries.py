"""Retries of a step: how often, how long in between, and what is not tried again."""

from __future__ import annotations

import asyncio

import pytest

from orchestrator import Context, Retry, current_step, workflow
from tests.conformance.world import AT_ONCE, ONCE, CardDeclined


@pytest.fixture
def failing(effect):
    """A step that fails as often as it is told to, and a workflow for a policy."""

    def make(times: int, retry: Retry | None = None, error: Exception | None = None):
        def charge() -> str:
            effect(current_step().attempt)
            if len(effect.calls) <= times:
                raise error or CardDeclined("later")
            return "charged"

        @workflow(name="w")
        async def w(ctx: Context) -> str:
            return await ctx.step("charge", charge, retry=retry)

        return w

    return make


def test_a_step_is_tried_three_times_when_nothing_is_said(runs, failing, effect):
    run = runs.start(failing(times=9))
    runs.advance("1m")

    assert run.refresh().status == "failed"
    assert effect.calls == [1, 2, 3]


def test_the_default_waits_longer_before_each_attempt(runs, failing):
    run = runs.start(failing(times=9))
    [first] = run.waiting_on
    assert 0 < (first.until - run.created_at).total_seconds() <= 1.5

    runs.advance("1s")
    [second] = run.refresh().waiting_on
    assert 1 < (second.until - first.until).total_seconds() <= 2.5


def test_a_setting_is_the_default_policy_of_all_steps(runs, failing, effect, settings):
    settings.ORCHESTRATOR_STEP_RETRY = {"max_attempts": 2, "initial_delay": 0}

    assert runs.start(failing(times=9)).status == "failed"
    assert effect.calls == [1, 2]


def test_a_workflow_has_a_default_policy_for_its_steps(runs, effect):
    @workflow(name="w", step_retry=ONCE)
    async def w(ctx: Context) -> None:
        await ctx.step("charge", lambda: effect() / 0)

    assert runs.start(w).status == "failed"
    assert len(effect.calls) == 1


def test_the_policy_of_a_step_wins_over_that_of_its_workflow(runs, effect):
    @workflow(name="w", step_retry=ONCE)
    async def w(ctx: Context) -> None:
        await ctx.step("charge", lambda: effect(1) / 0, retry=AT_ONCE)

    assert runs.start(w).status == "failed"
    assert len(effect.calls) == 3


def test_a_step_that_succeeds_at_last_gives_its_result(runs, failing, effect):
    run = runs.start(failing(times=2, retry=AT_ONCE))

    assert run.result() == "charged"
    assert [(step.status, step.attempts) for step in run.steps] == [("completed", 3)]


def test_a_run_that_only_waits_for_a_retry_says_so(runs, failing):
    run = runs.start(failing(times=1))

    assert run.status == "awaiting_retry"
    [wait] = run.waiting_on
    assert (wait.kind, wait.name) == ("retry", "charge")
    assert wait.detail["error"] == "later"
    assert wait.detail["attempt"] == 2


def test_a_step_that_waits_for_its_retry_shows_its_last_error(runs, failing):
    [step] = runs.start(failing(times=1)).steps

    assert (step.status, step.attempts) == ("retrying", 1)
    assert step.error["message"] == "later"
    assert step.completed_at is None


@pytest.mark.parametrize(
    ("backoff", "delays"),
    [("constant", [10, 10, 10]), ("linear", [10, 20, 30]), ("exponential", [10, 20, 40])],
)
def test_a_back_off_grows_as_it_is_told_to(runs, failing, effect, backoff, delays):
    policy = Retry(
        max_attempts=4, backoff=backoff, initial_delay="10s", max_delay="1h", jitter=False
    )
    runs.start(failing(times=9, retry=policy))

    for attempts, delay in enumerate(delays, start=1):
        runs.advance(delay - 2)
        assert len(effect.calls) == attempts
        runs.advance(2)
        assert len(effect.calls) == attempts + 1


def test_a_factor_says_how_fast_an_exponential_back_off_grows(runs, failing, effect):
    policy = Retry(initial_delay="10s", factor=10, max_delay="1h", jitter=False)
    runs.start(failing(times=9, retry=policy))
    runs.advance("10s")

    runs.advance("90s")
    assert len(effect.calls) == 2
    runs.advance("10s")
    assert len(effect.calls) == 3


def test_no_back_off_is_longer_than_max_delay(runs, failing, effect):
    policy = Retry(max_attempts=5, initial_delay="1h", max_delay="2h", jitter=False)
    runs.start(failing(times=9, retry=policy))

    runs.advance("8h")
    assert len(effect.calls) == 5


def test_jitter_takes_away_half_of_the_delay_at_most(runs, effect):
    @workflow(name="w", step_retry=Retry(initial_delay="100s", max_delay="100s"))
    async def w(ctx: Context) -> None:
        await ctx.step("charge", lambda: 1 / 0)

    delays = set()
    for _ in range(5):
        run = runs.start(w)
        [wait] = run.waiting_on
        delays.add((wait.until - run.created_at).total_seconds())

    assert len(delays) == 5
    assert all(49 < delay < 103 for delay in delays)


def test_only_errors_that_are_named_are_tried_again(runs, failing, effect):
    policy = Retry(initial_delay=0, retry_on=(ConnectionError,))

    assert runs.start(failing(times=9, retry=policy)).status == "failed"
    assert effect.calls == [1]


def test_a_subclass_of_a_named_error_is_tried_again(runs, failing, effect):
    policy = Retry(initial_delay=0, retry_on=(OSError,))

    runs.start(failing(times=9, retry=policy, error=ConnectionError("reset")))

    assert effect.calls == [1, 2, 3]


def test_to_give_up_wins_over_to_retry(runs, failing, effect):
    policy = Retry(initial_delay=0, retry_on=(Exception,), give_up_on=(CardDeclined,))

    assert runs.start(failing(times=9, retry=policy)).status == "failed"
    assert effect.calls == [1]


def test_a_back_off_survives_a_crash(runs, failing, effect):
    runs.crash_at("after_park")
    run = runs.start(failing(times=1, retry=Retry(initial_delay="1h", max_delay="1h")))
    runs.drain()
    assert effect.calls == [1]

    runs.advance("1h")
    assert run.refresh().result() == "charged"
    assert effect.calls == [1, 2]


def test_a_back_off_can_be_cut_short(runs, failing):
    run = runs.start(failing(times=1, retry=Retry(initial_delay="1h", max_delay="1h")))

    run.retry_now()

    assert run.refresh().result() == "charged"


def test_a_branch_that_waits_for_a_retry_does_not_hold_up_the_others(runs, failing, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await asyncio.gather(
            ctx.step("bad", lambda: 1 / 0, retry=Retry(initial_delay="1h", max_delay="1h")),
            ctx.step("good", effect, "done"),
        )

    runs.start(w)

    assert effect.calls == ["done"]


@pytest.mark.parametrize(
    "options",
    [
        {"max_attempts": 0},
        {"backoff": "random"},
        {"factor": 0.5},
        {"initial_delay": "soon"},
        {"max_delay": -1},
        {"retry_on": "ValueError"},
        {"give_up_on": (1,)},
    ],
)
def test_a_policy_that_cannot_be_followed_is_refused_at_once(options):
    with pytest.raises((ValueError, TypeError)):
        Retry(**options)


def test_a_policy_is_a_retry_and_no_number(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step("charge", effect, retry=5)  # type: ignore[call-overload]

    run = runs.start(w)

    assert run.status == "failed"
    assert "Retry(" in run.error["message"]
