"""Steps that any worker may execute, and those of a queue."""

from __future__ import annotations

import asyncio

import pytest

from orchestrator import Context, RunFailed, StepFailed, current_step, workflow
from tests.conformance.world import AT_ONCE, ONCE, Effect

# What other workers find by its name is at the top of a module.
done = Effect()


def do(value: int) -> int:
    return int(done(value))


async def do_async(value: int) -> int:
    return do(value)


def fail_twice(value: int) -> int:
    done(value)
    if current_step().attempt < 3:
        raise ConnectionError("busy")
    return value


def undo(value: int) -> None:
    done(-value)


@pytest.fixture(autouse=True)
def nothing_done():
    done.calls.clear()


@pytest.mark.parametrize("options", [{"remote": True}, {"queue": "gpu"}])
@pytest.mark.parametrize("fn", [do, do_async])
def test_its_result_is_the_steps(runs, fn, options):
    @workflow(name="w")
    async def w(ctx: Context) -> int:
        return await ctx.step("a", fn, 1, **options)

    assert runs.start(w).result() == 1


def test_it_is_not_executed_again_by_a_replay(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> int:
        first = await ctx.step("a", do, 1, remote=True)
        await ctx.sleep("1h")
        return first

    run = runs.start(w)
    runs.advance("1h")

    assert run.refresh().result() == 1
    assert done.calls == [1]


def test_side_by_side_they_give_their_results_in_the_order_of_the_calls(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> list[int]:
        return list(await asyncio.gather(*(ctx.step("a", do, n, remote=True) for n in range(5))))

    assert runs.start(w).result() == [0, 1, 2, 3, 4]


def test_it_is_tried_again(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> int:
        return await ctx.step("a", fail_twice, 1, remote=True, retry=AT_ONCE)

    run = runs.start(w)

    assert run.result() == 1
    assert run.steps[0].attempts == 3


def test_its_failure_can_be_caught(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> str:
        try:
            await ctx.step("a", fail_twice, 1, remote=True, retry=ONCE)
        except StepFailed as error:
            return error.message
        return "no error"

    assert runs.start(w).result() == "busy"


def test_it_is_undone_when_the_run_fails(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step("a", do, 1, remote=True, compensate=undo)
        raise ValueError("after all")

    with pytest.raises(RunFailed):
        runs.start(w).result()

    assert done.calls == [1, -1]


@pytest.mark.parametrize("failpoint", ["after_claim", "before_body", "after_body", "after_record"])
def test_it_is_recorded_once_whenever_its_worker_dies(runs, failpoint):
    @workflow(name="w")
    async def w(ctx: Context) -> int:
        return await ctx.step("a", do, 1, remote=True)

    runs.crash_at(failpoint)
    run = runs.start(w)
    for _ in range(2):
        runs.drain()

    assert run.refresh().result() == 1
    assert len(done.calls) <= 2
    assert [step.attempts for step in run.steps] == [1]


def test_at_most_once_it_is_never_executed_again(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> int:
        return await ctx.step("a", do, 1, remote=True, at_most_once=True)

    runs.crash_at("after_body")
    run = runs.start(w)
    runs.drain()

    assert [wait.kind for wait in run.refresh().waiting_on] == ["ambiguous"]
    assert done.calls == [1]


def test_what_has_no_name_elsewhere_is_refused(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> int:
        return await ctx.step("a", lambda: 1, remote=True)

    with pytest.raises(RunFailed, match="write a function at the top of a module"):
        runs.start(w).result()
