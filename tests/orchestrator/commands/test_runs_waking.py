"""`manage.py runs skip-sleep|retry-now|resolve`: what makes a run go on that waits for somebody."""

from __future__ import annotations

import pytest

from orchestrator import Context, Retry, workflow


@pytest.fixture
def asleep(runs):
    @workflow(name="asleep")
    async def asleep(ctx: Context) -> str:
        await ctx.sleep("30d", name="month")
        return "awake"

    return runs.start(asleep)


@pytest.fixture
def paid(effect):
    """What was paid."""
    return effect.calls


@pytest.fixture
def unsure(runs, effect):
    """A run whose worker died in a step that must not be executed twice."""

    @workflow(name="unsure")
    async def unsure(ctx: Context) -> object:
        return await ctx.step("pay", effect, "paid", at_most_once=True)

    runs.crash_at("after_body", step="pay")
    run = runs.start(unsure)
    runs.drain()
    return run


def test_skip_sleep_ends_the_sleep(manage, runs, asleep):
    done = manage("runs", "skip-sleep", asleep.id)
    runs.drain()

    assert done.out == f"{asleep.id}  its sleep ends; it is waiting\n"
    assert asleep.refresh().output == "awake"


def test_skip_sleep_of_another_key_is_refused(manage, asleep):
    done = manage("runs", "skip-sleep", asleep.id, "--key", "year")

    assert (done.status, done.err) == (1, "CommandError: refused: the run has no sleep 'year'\n")


def test_retry_now_skips_the_back_off(manage, runs):
    calls = []

    def call() -> str:
        calls.append(1)
        if len(calls) == 1:
            raise ConnectionError("down")
        return "up"

    @workflow(name="patient")
    async def patient(ctx: Context) -> str:
        return await ctx.step("call", call, retry=Retry(initial_delay="1h", max_delay="1h"))

    run = runs.start(patient)
    done = manage("runs", "retry-now", run.id)
    runs.drain()

    assert done.status == 0
    assert run.refresh().output == "up"


@pytest.mark.parametrize(
    ("words", "ends"),
    [
        (["result", "--value", '"it was paid"'], ("completed", ["paid"])),
        (["fail", "--message", "it was not"], ("failed", ["paid"])),
        (["retry"], ("completed", ["paid", "paid"])),
    ],
)
def test_resolve_says_how_an_ambiguous_step_ended(manage, unsure, paid, words, ends):
    done = manage("runs", "resolve", unsure.id, "pay", *words)

    assert done.out == f"{unsure.id}  its step is resolved; it is waiting\n"
    assert (unsure.refresh().status, paid) == ends


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["pay", "result"], "--value belongs to result, which needs it"),
        (["pay", "retry", "--value", "1"], "--value belongs to result"),
        (["ship", "retry"], "refused: the run has no ambiguous step 'ship'"),
    ],
)
def test_a_wrong_resolution_is_refused_in_one_line(manage, unsure, words, error):
    done = manage("runs", "resolve", unsure.id, *words)

    assert (done.status, done.err.count("\n")) == (1, 1)
    assert error in done.err
