"""Suspension: a body that waits is dropped where it stands, and nothing of it is left."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import weakref
from collections.abc import AsyncIterator
from typing import Any

import pytest

from orchestrator.core import loop as loops
from orchestrator.core.loop import NeverIdle
from tests.core.playing import Play, pages, work
from tests.core.shapes import Address

# ---- suspension ----------------------------------------------------------------------


def test_a_suspended_body_is_dropped_in_silence(play):
    async def body(ctx):
        await ctx.step("a", work)

    assert play(body).close()


def test_a_suspension_is_invisible_to_except_exception(play):
    seen = []

    async def body(ctx):
        try:
            await ctx.step("a", work)
        except Exception as error:
            seen.append(error)
        else:
            seen.append("went on")

    assert play(body).close()
    assert seen == []


def test_finally_runs_and_its_durable_calls_do_nothing(play):
    seen = []

    async def cleanup(ctx):
        try:
            await ctx.step("undo", work)
            seen.append("undone")
        finally:
            await ctx.sleep("1h")
            seen.append("slept")

    async def body(ctx):
        try:
            await ctx.step("a", work)
        finally:
            seen.append("finally")
            await cleanup(ctx)
            seen.append("cleaned up")

    run = play(body)

    assert run.close()
    assert seen == ["finally"]
    assert run.asked == ["a"]


async def in_task_group(ctx: Any) -> None:
    async with asyncio.TaskGroup():
        await ctx.step("a", work)


async def in_task_group_with_tasks(ctx: Any) -> None:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(ctx.step("b", work))
        await ctx.step("a", work)


async def at_the_end_of_a_task_group(ctx: Any) -> None:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(ctx.step("a", work))


async def in_task_group_with_except_star(ctx: Any) -> None:
    try:
        async with asyncio.TaskGroup():
            await ctx.step("a", work)
    except* Exception:
        raise AssertionError("a suspension was caught") from None


async def in_task_group_in_task_group(ctx: Any) -> None:
    async with asyncio.TaskGroup() as outer:
        outer.create_task(in_task_group(ctx))
        await in_task_group_with_tasks(ctx)


async def in_timeout(ctx: Any) -> None:
    async with asyncio.timeout(60):
        await ctx.step("a", work)


async def in_wait_for(ctx: Any) -> None:
    await asyncio.wait_for(asyncio.shield(ctx.step("a", work)), 60)


async def in_gather(ctx: Any) -> None:
    await asyncio.gather(ctx.step("a", work), ctx.step("b", work))


async def in_locks(ctx: Any) -> None:
    async with asyncio.Lock(), asyncio.Semaphore(1), asyncio.Condition():
        await ctx.step("a", work)


async def in_queue(ctx: Any) -> None:
    asyncio.create_task(ctx.step("a", work))  # noqa: RUF006
    await asyncio.Queue().get()


async def in_generator(ctx: Any) -> None:
    async for _ in pages(ctx, []):
        await ctx.step("a", work)


async def at_generator(ctx: Any) -> None:
    async with contextlib.aclosing(pages(ctx, [])) as found:
        async for _ in found:
            await ctx.step("a", work)


@contextlib.asynccontextmanager
async def holding(ctx: Any) -> AsyncIterator[None]:
    await ctx.step("hold", work)
    try:
        yield
    finally:
        await ctx.step("release", work)


async def in_context_manager(ctx: Any) -> None:
    async with holding(ctx):
        await ctx.step("a", work)


async def in_exit_stack(ctx: Any) -> None:
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(holding(ctx))
        stack.push_async_callback(ctx.step, "callback", work)
        await ctx.step("a", work)


async def in_finally(ctx: Any) -> None:
    try:
        await ctx.step("a", work)
    finally:
        await ctx.step("b", work)


async def with_gather_in_finally(ctx: Any) -> None:
    try:
        await ctx.step("a", work)
    finally:
        await asyncio.gather(ctx.step("b", work), ctx.step("c", work))


async def with_task_group_in_finally(ctx: Any) -> None:
    try:
        await ctx.step("a", work)
    finally:
        async with asyncio.TaskGroup() as tasks:
            for name in ("b", "c"):
                tasks.create_task(ctx.step(name, work))


async def with_timeouts_in_finally(ctx: Any) -> None:
    try:
        await ctx.step("a", work)
    finally:
        try:
            await asyncio.wait_for(ctx.step("b", work), 60)
        finally:
            async with asyncio.timeout(60):
                await asyncio.shield(ctx.step("c", work))


async def with_create_task_in_finally(ctx: Any) -> None:
    try:
        await ctx.step("a", work)
    finally:
        await asyncio.create_task(ctx.step("b", work))


async def that_raises_again(ctx: Any) -> None:
    try:
        await ctx.step("a", work)
    except BaseException:
        await ctx.step("compensate", work)
        raise


SUSPENDED = [
    in_task_group,
    in_task_group_with_tasks,
    at_the_end_of_a_task_group,
    in_task_group_with_except_star,
    in_task_group_in_task_group,
    in_timeout,
    in_wait_for,
    in_gather,
    in_locks,
    in_queue,
    in_generator,
    at_generator,
    in_context_manager,
    in_exit_stack,
    in_finally,
    with_gather_in_finally,
    with_task_group_in_finally,
    with_timeouts_in_finally,
    with_create_task_in_finally,
    that_raises_again,
]


@pytest.mark.parametrize("body", SUSPENDED, ids=lambda body: body.__name__)
def test_a_body_is_dropped_in_silence_wherever_it_waits(body):
    """No complaint of ours, and none of Python's: no coroutine is left that nobody awaited."""
    for outcomes in ([], ["hold"], ["page"], ["b"]):
        run = Play(body).begin()
        for key in outcomes:
            if key in run.pending:
                run.answer(key, 1)
        asked = run.asked

        assert run.close(), outcomes
        assert run.asked == asked
        assert run.body.take_new() == []
        del run
    gc.collect()  # an unraisable error fails the test


# ---- a swallowed suspension ----------------------------------------------------------


async def swallowing_and_returning(ctx: Any) -> None:
    with contextlib.suppress(BaseException):
        await ctx.step("a", work)


async def swallowing_and_asking(ctx: Any) -> None:
    with contextlib.suppress(BaseException):
        await ctx.step("a", work)
    await ctx.step("b", work)


async def swallowing_and_waiting(ctx: Any) -> None:
    with contextlib.suppress(BaseException):
        await ctx.step("a", work)
    await asyncio.Event().wait()


async def swallowing_and_yielding(ctx: Any) -> None:
    with contextlib.suppress(BaseException):
        await ctx.step("a", work)
    await asyncio.sleep(0)


async def swallowing_and_starting(ctx: Any) -> None:
    with contextlib.suppress(BaseException):
        await ctx.step("a", work)
    await asyncio.gather(ctx.step("b", work), ctx.step("c", work))


async def turning_it_into_an_error(ctx: Any) -> None:
    try:
        await ctx.step("a", work)
    except BaseException as error:
        raise RuntimeError("wrapped") from error


async def swallowing_in_a_helper(ctx: Any) -> None:
    await swallowing_and_returning(ctx)
    await ctx.step("b", work)


async def swallowing_in_a_branch(ctx: Any) -> None:
    await asyncio.gather(ctx.step("c", work), swallowing_and_returning(ctx))


@pytest.mark.parametrize(
    "body",
    [
        swallowing_and_returning,
        swallowing_and_asking,
        swallowing_and_waiting,
        swallowing_and_yielding,
        swallowing_and_starting,
        turning_it_into_an_error,
        swallowing_in_a_helper,
        swallowing_in_a_branch,
    ],
    ids=lambda body: body.__name__,
)
def test_a_swallowed_suspension_is_noticed(body):
    run = Play(body).begin()
    asked = run.asked

    assert not run.close()
    assert run.asked == asked
    del run
    gc.collect()


# What cannot be unwound is finalized by Python, which says so.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    "wait",
    [
        lambda ctx: ctx.step("a", work),
        lambda ctx: asyncio.sleep(5),
        lambda ctx: asyncio.create_task(ctx.step("a", work)),
        lambda ctx: asyncio.gather(ctx.step("a", work), ctx.sleep(5)),
        lambda ctx: asyncio.Event().wait(),
    ],
    ids=["step", "sleep", "task", "gather", "event"],
)
def test_a_body_that_swallows_for_ever_does_not_hold_its_worker(wait):
    """`while True: try: … except: log(…)`, as people write it."""
    rounds = 0

    async def body(ctx):
        nonlocal rounds
        while rounds < 20_000:
            try:
                await wait(ctx)
            except BaseException:
                rounds += 1

    run = Play(body).begin()

    assert not run.close()
    assert rounds < 2_000
    rounds = 20_000
    del run
    gc.collect()


# ---- bodies that misbehave -----------------------------------------------------------


@pytest.mark.parametrize("error", [SystemExit(3), GeneratorExit(), asyncio.CancelledError()])
def test_a_body_that_raises_what_is_no_exception_only_ends_itself(play, error):
    async def body(ctx):
        await ctx.step("a", work)
        raise error

    assert isinstance(play(body).answer("a").error, type(error))


def test_a_branch_that_exits_does_not_stop_the_others(play):
    async def branch():
        raise SystemExit(3)

    async def body(ctx):
        try:
            await asyncio.gather(ctx.step("a", work), branch(), ctx.step("b", work))
        except SystemExit:
            return await ctx.step("after", work)

    run = play(body)

    assert run.pending == ["a", "b", "after"]
    assert run.answer("after", 1).value == 1


def test_a_keyboard_interrupt_is_for_the_process(play):
    async def body(ctx):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        play(body)


def test_a_body_that_never_rests_is_stopped(play, monkeypatch):
    monkeypatch.setattr(loops, "MAX_CALLBACKS", 1_000)

    async def body(ctx):
        while True:
            await asyncio.sleep(0)

    with pytest.raises(NeverIdle):
        play(body)
    assert asyncio._get_running_loop() is None


def test_a_body_that_ends_late_in_its_callbacks_is_not_stopped(play, monkeypatch):
    monkeypatch.setattr(loops, "MAX_CALLBACKS", 1_000)

    async def body(ctx):
        for _ in range(900):
            await asyncio.sleep(0)
        return "rested"

    assert play(body).value == "rested"


def test_a_body_that_waits_for_nothing_durable_is_seen_to_be_stuck(play):
    async def body(ctx):
        await asyncio.Event().wait()

    run = play(body)

    assert run.body.end is None
    assert run.pending == []


# ---- what is left in memory ----------------------------------------------------------


def test_a_dropped_body_leaves_nothing_behind():
    async def branch(ctx, token):
        await ctx.step("a", work)

    async def body(ctx, token):
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(branch(ctx, token))
            await asyncio.wait_for(ctx.step("b", work), 60)

    token = Address("Main St")
    run = Play(body, token).begin()
    alive = [weakref.ref(one) for one in (token, run.body, run.body.loop)]
    run.close()
    del run, token
    gc.collect()

    assert [one() for one in alive] == [None, None, None]


def test_a_result_that_the_body_has_let_go_of_is_let_go(play):
    """Or a loop over ten thousand documents keeps them all in memory."""
    alive = []

    async def body(ctx):
        document = await ctx.step("load", work)
        alive.append(weakref.ref(document))
        del document
        await ctx.step("next", work)

    play(body).answer("load", Address("Main St"))
    gc.collect()

    assert alive[0]() is None


def test_branches_that_have_ended_are_let_go(play):
    async def branch(ctx, n):
        return n

    async def body(ctx):
        for n in range(1_000):
            await asyncio.create_task(branch(ctx, n))
        await ctx.step("a", work)

    assert len(play(body).body.loop.tasks) < 200


def per_step(count: int) -> float:
    """Callbacks and commands are few: what counts here is that nothing is gone through."""
    touched = 0

    class Counting(dict[str, Any]):
        def values(self) -> Any:
            nonlocal touched
            touched += len(self)
            return super().values()

        def __iter__(self) -> Any:
            nonlocal touched
            touched += len(self)
            return super().__iter__()

    async def body(ctx):
        for _ in range(count):
            await ctx.step("a", work)

    run = Play(body)
    run.body.asked = Counting()
    run.begin()
    key = "a"
    for number in range(2, count + 2):
        run.tell(run.entry(key, value="1"))
        key = f"a#{number}"
    assert run.value is None
    return touched / count


def test_a_step_costs_the_same_at_the_end_of_a_long_run():
    assert per_step(500) == per_step(50) == 0
