"""Failed runs that go on: by themselves, from the failed step, from another, or as a fork."""

from __future__ import annotations

import asyncio

import pytest

from orchestrator import ActionRefused, Context, InvalidInput, Retry, current_step, workflow
from tests.conformance.world import ONCE, CardDeclined


@pytest.fixture
def order(effect):
    """Three steps, each tried once, with a nap after the first."""

    @workflow(name="order", step_retry=ONCE)
    async def order(ctx: Context, number: int) -> list[int]:
        done = [await ctx.step("reserve", effect, number)]
        await ctx.sleep("1h", name="nap")
        done.append(await ctx.step("charge", effect, number + 1))
        done.append(await ctx.step("ship", effect, number + 2))
        return done

    return order


@pytest.fixture
def failed(runs, order):
    """A run of it that failed when it was to ship."""
    runs.fail(step="ship", error=CardDeclined("no van"))
    run = runs.start(order, 1)
    runs.advance("1h")
    assert run.refresh().status == "failed"
    return run


# ---- retry -------------------------------------------------------------------------------


def test_a_retried_run_goes_on_from_its_failed_step(runs, failed, effect):
    failed.retry()

    assert failed.refresh().result() == [1, 2, 3]
    assert effect.calls == [1, 2, 3]
    assert failed.error is None


def test_a_retried_step_has_fresh_attempts(runs, effect):
    @workflow(name="w", step_retry=Retry(max_attempts=2, initial_delay=0))
    async def w(ctx: Context) -> int:
        return await ctx.step("charge", lambda: effect(current_step().attempt) / 0)

    run = runs.start(w)
    run.retry()

    assert run.refresh().status == "failed"
    assert effect.calls == [1, 2, 3, 4]
    assert run.steps[0].attempts == 4


def test_a_run_whose_body_failed_runs_its_body_again(runs, effect):
    is_mended = []

    @workflow(name="w")
    async def w(ctx: Context) -> str:
        found = await ctx.step("load", effect, "loaded")
        if not is_mended:
            raise KeyError("a mistake in the body")
        return found

    run = runs.start(w)
    is_mended.append(True)
    run.retry()

    assert run.refresh().result() == "loaded"
    assert effect.calls == ["loaded"]


def test_branches_that_failed_beside_it_are_retried_too(runs, effect):
    @workflow(name="w", step_retry=ONCE)
    async def w(ctx: Context) -> list[str]:
        return await asyncio.gather(*(ctx.step(name, effect, name) for name in "abc"))

    for name in "ab":
        runs.fail(step=name, error=CardDeclined(name))
    run = runs.start(w)
    assert run.status == "failed"
    run.retry()

    assert run.refresh().result() == ["a", "b", "c"]


@pytest.mark.parametrize("verb", ["retry", "retry_from"])
def test_a_run_that_has_not_failed_is_not_retried(runs, order, verb):
    run = runs.start(order, 1)

    with pytest.raises(ActionRefused, match="waiting"):
        getattr(run, verb)(*(["reserve"] if verb == "retry_from" else []))
    assert run.refresh().status == "waiting"


def test_a_run_that_reacted_to_its_failure_is_not_retried(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        try:
            await ctx.step("charge", lambda: 1 / 0, retry=ONCE)
        except ZeroDivisionError:
            await ctx.step("tell", effect)
            raise

    run = runs.start(w)

    with pytest.raises(ActionRefused, match="tell"):
        run.retry()


# ---- a retry of the whole run ------------------------------------------------------------


def test_a_run_is_tried_again_as_its_workflow_says(runs, effect):
    policy = Retry(max_attempts=3, initial_delay="10m", max_delay="1h")

    @workflow(name="w", retry=policy, step_retry=ONCE)
    async def w(ctx: Context) -> list[object]:
        first = await ctx.step("a", effect, "a")
        return [first, await ctx.step("b", effect, ctx.attempt)]

    runs.fail(step="b", times=2, error=CardDeclined("later"))
    run = runs.start(w)
    assert run.status == "awaiting_retry"
    [wait] = run.waiting_on
    assert (wait.kind, wait.detail["attempt"]) == ("retry", 2)
    runs.advance("3h")

    assert run.refresh().result() == ["a", 3]
    assert effect.calls == ["a", 3]


def test_a_run_whose_attempts_are_used_up_has_failed(runs):
    @workflow(name="w", retry=Retry(max_attempts=2, initial_delay="1m"), step_retry=ONCE)
    async def w(ctx: Context) -> None:
        await ctx.step("a", lambda: 1 / 0)

    run = runs.start(w)
    runs.advance("1h")

    assert run.refresh().status == "failed"


def test_a_run_is_tried_again_for_the_errors_that_are_named(runs):
    @workflow(name="w", retry=Retry(retry_on=(ConnectionError,)), step_retry=ONCE)
    async def w(ctx: Context) -> None:
        await ctx.step("a", lambda: 1 / 0)

    assert runs.start(w).status == "failed"


# ---- retry_from --------------------------------------------------------------------------


def test_a_run_goes_on_from_a_chosen_step(runs, failed, effect):
    failed.retry_from("charge")

    assert failed.refresh().result() == [1, 2, 3]
    assert effect.calls == [1, 2, 2, 3]


def test_a_step_that_is_done_again_is_other_work_to_the_services_that_it_calls(runs):
    keys = []

    @workflow(name="w", step_retry=ONCE)
    async def w(ctx: Context) -> None:
        await ctx.step("charge", lambda: keys.append(current_step().idempotency_key))
        await ctx.step("ship", lambda: 1 / 0)

    run = runs.start(w)
    run.retry_from("charge")

    assert len(set(keys)) == 2


def test_a_cancelled_run_goes_on_from_a_step(runs, order, effect):
    run = runs.start(order, 1)
    run.cancel()
    runs.drain()
    run.retry_from("reserve")
    runs.advance("1h")

    assert run.refresh().result() == [1, 2, 3]
    assert effect.calls == [1, 1, 2, 3]


def test_a_step_that_is_not_there_is_named_with_those_that_are(runs, failed):
    with pytest.raises(ActionRefused, match=r"'x'.*reserve, nap, charge, ship"):
        failed.retry_from("x")


# ---- fork --------------------------------------------------------------------------------


def test_a_fork_has_the_results_from_before_its_step(runs, order, effect):
    run = runs.start(order, 1)
    runs.advance("1h")

    fork = run.fork("charge")
    runs.drain()

    assert fork.refresh().result() == [1, 2, 3]
    assert fork.id != run.id
    assert effect.calls == [1, 2, 3, 2, 3]


def test_a_fork_leaves_its_source_alone(runs, failed):
    before = failed.steps

    failed.fork("charge")
    runs.drain()

    assert failed.refresh().status == "failed"
    assert failed.steps == before


def test_a_fork_may_have_another_input(runs, order):
    run = runs.start(order, 1)
    runs.advance("1h")

    fork = run.fork("charge", input=10)
    runs.drain()

    assert fork.refresh().result() == [1, 11, 12]
    assert fork.input == 10


def test_a_fork_of_an_input_that_does_not_fit_starts_nothing(runs, failed):
    with pytest.raises(InvalidInput):
        failed.fork("charge", input="many")


def test_a_fork_of_a_running_run_is_a_run_of_its_own(runs, order):
    run = runs.start(order, 1)

    fork = run.fork("nap")
    runs.drain()
    run.cancel()
    runs.advance("2h")

    assert fork.refresh().result() == [1, 2, 3]
    assert run.refresh().status == "cancelled"


def test_a_fork_of_a_step_that_is_not_there_is_refused(runs, failed):
    with pytest.raises(ActionRefused, match="'x'"):
        failed.fork("x")


def test_a_fork_of_a_run_with_a_key_has_none(runs):
    @workflow(name="w", idempotency_key="k-{}")
    async def w(ctx: Context, number: int) -> int:
        return await ctx.step("a", lambda: number)

    run = runs.start(w, 1)
    fork = run.fork("a")

    assert (run.idempotency_key, fork.idempotency_key) == ("k-1", None)
    assert w.start(1) == run
