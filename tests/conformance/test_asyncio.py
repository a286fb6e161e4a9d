"""The body is ordinary asyncio: what works in a program works in a workflow, durably."""

from __future__ import annotations

import asyncio
import contextvars
from contextlib import asynccontextmanager

import pytest

from orchestrator import Context, workflow
from tests.conformance.world import ONCE, CardDeclined


def events(ctx: Context, names: str = "ab"):
    return [asyncio.ensure_future(ctx.wait_for_event(name)) for name in names]


def statuses(run) -> dict[str, str]:
    return {step.key: step.status for step in run.refresh().steps}


# ---- gather ------------------------------------------------------------------------------


def test_gather_returns_results_in_the_order_of_its_arguments(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> list[object]:
        return await asyncio.gather(*events(ctx))

    run = runs.start(w)
    for name in "ba":
        runs.send_event(run, name, name)

    assert run.result() == ["a", "b"]


def test_gather_raises_the_first_failure(runs, effect):
    def fail() -> None:
        raise CardDeclined("no")

    @workflow(name="w", step_retry=ONCE)
    async def w(ctx: Context) -> str:
        try:
            await asyncio.gather(ctx.step("good", effect, 1), ctx.step("bad", fail))
        except CardDeclined as error:
            return str(error)
        return ""

    assert runs.start(w).result() == "no"


def test_gather_may_return_failures(runs, effect):
    @workflow(name="w", step_retry=ONCE)
    async def w(ctx: Context) -> list[object]:
        good, bad = await asyncio.gather(
            ctx.step("good", effect, 1), ctx.step("bad", lambda: 1 / 0), return_exceptions=True
        )
        await ctx.sleep("1h")
        return [good, isinstance(bad, ZeroDivisionError)]

    run = runs.start(w)
    runs.advance("1h")

    assert run.refresh().result() == [1, True]


def test_a_gather_of_gathers(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> list[list[int]]:
        async def row(number: int) -> list[int]:
            return list(await asyncio.gather(*(ctx.step("cell", effect, number) for _ in range(2))))

        return await asyncio.gather(row(1), row(2))

    assert runs.start(w).result() == [[1, 1], [2, 2]]


# ---- TaskGroup ---------------------------------------------------------------------------


def test_a_task_group_waits_for_its_tasks(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> list[int]:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(ctx.step("a", effect, number)) for number in range(3)]
        return [task.result() for task in tasks]

    assert runs.start(w).result() == [0, 1, 2]


def test_a_task_group_cancels_the_others_when_one_fails(runs):
    @workflow(name="w", step_retry=ONCE)
    async def w(ctx: Context) -> list[str]:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(ctx.wait_for_event("never"))
                group.create_task(ctx.step("bad", lambda: 1 / 0))
        except* ZeroDivisionError as failed:
            found = [type(one).__name__ for one in failed.exceptions]
        await ctx.sleep("1h")
        return found

    run = runs.start(w)
    assert statuses(run) == {"never": "cancelled", "bad": "failed", "sleep": "open"}
    runs.advance("1h")

    assert run.refresh().result() == ["ZeroDivisionError"]


# ---- wait and as_completed ---------------------------------------------------------------


def test_the_first_of_several_waits_wins(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> object:
        done, others = await asyncio.wait(events(ctx), return_when=asyncio.FIRST_COMPLETED)
        for other in others:
            other.cancel()
        await ctx.sleep("1h")
        return done.pop().result()

    run = runs.start(w)
    runs.send_event(run, "b", "b won")
    assert statuses(run) == {"a": "cancelled", "b": "completed", "sleep": "open"}
    runs.advance("1h")

    assert run.refresh().result() == "b won"


def test_a_wait_for_all_returns_when_all_are_done(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> list[object]:
        tasks = events(ctx)
        done, others = await asyncio.wait(tasks)
        return [len(done), len(others), *(task.result() for task in tasks)]

    run = runs.start(w)
    for name in "ba":
        runs.send_event(run, name, name)

    assert run.result() == [2, 0, "a", "b"]


def test_a_wait_for_the_first_exception_returns_with_it(runs):
    @workflow(name="w", step_retry=ONCE)
    async def w(ctx: Context) -> list[int]:
        tasks = [*events(ctx), asyncio.ensure_future(ctx.step("bad", lambda: 1 / 0))]
        done, others = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        return [len(done), len(others)]

    assert runs.start(w).result() == [1, 2]


def test_a_wait_may_have_a_timeout(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> list[int]:
        done, others = await asyncio.wait(events(ctx), timeout=3_600)
        return [len(done), len(others)]

    run = runs.start(w)
    runs.send_event(run, "a")
    runs.advance("1h")

    assert run.refresh().result() == [1, 1]


def test_as_completed_gives_results_as_they_come(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> list[object]:
        waits = [ctx.wait_for_event(name) for name in "abc"]
        return [await one for one in asyncio.as_completed(waits)]

    run = runs.start(w)
    for name in "bca":
        runs.send_event(run, name, name)

    assert run.result() == ["b", "c", "a"]


# ---- time --------------------------------------------------------------------------------


def test_a_timeout_is_durable(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> str:
        try:
            async with asyncio.timeout(3_600):
                await ctx.wait_for_event("never")
        except TimeoutError:
            await ctx.sleep("1h")
            return "timed out"
        return "came"

    run = runs.start(w)
    assert run.status == "waiting"
    runs.advance("1h")
    assert statuses(run)["never"] == "cancelled"
    runs.advance("1h")

    assert run.refresh().result() == "timed out"


def test_what_comes_in_time_ends_a_timeout(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> str:
        async with asyncio.timeout(3_600):
            found = await ctx.wait_for_event("go")
        await ctx.sleep("1d")
        return found

    run = runs.start(w)
    runs.send_event(run, "go", "in time")
    runs.advance("1d")

    assert run.refresh().result() == "in time"


def test_wait_for_is_durable(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> str:
        try:
            return await asyncio.wait_for(ctx.wait_for_event("go"), 3_600)
        except TimeoutError:
            return "timed out"

    late, early = runs.start(w), runs.start(w)
    runs.send_event(early, "go", "came")
    runs.advance("1h")

    assert (early.refresh().result(), late.refresh().result()) == ("came", "timed out")


def test_a_timeout_bounds_several_steps(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> str:
        try:
            async with asyncio.timeout(5_400):
                for number in range(3):
                    await ctx.step("tick", effect, number)
                    await ctx.sleep("1h")
        except TimeoutError:
            return "too long"
        return "done"

    run = runs.start(w)
    runs.advance("3h")

    assert run.refresh().result() == "too long"
    assert effect.calls == [0, 1]


def test_a_timeout_may_be_moved(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> str:
        try:
            async with asyncio.timeout(3_600) as limit:
                await ctx.wait_for_event("more time")
                limit.reschedule(asyncio.get_running_loop().time() + 7_200)
                await ctx.wait_for_event("never")
        except TimeoutError:
            return "timed out"
        return "came"

    run = runs.start(w)
    runs.send_event(run, "more time")
    runs.advance("1h")
    assert run.refresh().status == "waiting"
    runs.advance("2h")

    assert run.refresh().result() == "timed out"


# ---- tasks -------------------------------------------------------------------------------


def test_a_task_runs_beside_the_body(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> int:
        task = asyncio.create_task(ctx.step("beside", effect, 1))
        await ctx.step("body", effect, 2)
        return await task

    assert runs.start(w).result() == 1
    assert sorted(effect.calls) == [1, 2]


def test_a_task_that_is_cancelled_waits_for_nothing_more(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> str:
        task = asyncio.create_task(ctx.wait_for_event("never"))
        await ctx.wait_for_event("stop")
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            await ctx.sleep("1h")
        return "stopped"

    run = runs.start(w)
    runs.send_event(run, "stop")
    assert statuses(run)["never"] == "cancelled"
    runs.advance("1h")

    assert run.refresh().result() == "stopped"


def test_a_task_that_nobody_awaits_ends_with_the_run(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> str:
        tasks = [asyncio.ensure_future(ctx.wait_for_event("never"))]
        await ctx.sleep("1h")
        return f"{len(tasks)} left"

    run = runs.start(w)
    runs.advance("1h")

    assert run.refresh().result() == "1 left"
    assert statuses(run)["never"] == "cancelled"


def test_a_shield_keeps_what_it_holds_from_a_cancel(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> str:
        inner = asyncio.ensure_future(ctx.wait_for_event("go"))
        try:
            await asyncio.wait_for(asyncio.shield(inner), 3_600)
        except TimeoutError:
            return "late, " + await inner
        return "early"

    run = runs.start(w)
    runs.advance("1h")
    assert statuses(run)["go"] == "open"
    runs.send_event(run, "go", "but it came")

    assert run.refresh().result() == "late, but it came"


def test_a_branch_may_loop_beside_the_body(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> int:
        heard = []

        async def listen() -> None:
            while True:
                heard.append(await ctx.wait_for_event("note"))

        listener = asyncio.create_task(listen())
        await ctx.wait_for_event("stop")
        listener.cancel()
        return len(heard)

    run = runs.start(w)
    for _ in range(3):
        runs.send_event(run, "note")
    runs.send_event(run, "stop")

    assert run.result() == 3


# ---- between branches --------------------------------------------------------------------


def test_a_queue_passes_work_from_branch_to_branch(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> list[int]:
        queue: asyncio.Queue[int | None] = asyncio.Queue(maxsize=1)

        async def produce() -> None:
            for number in range(3):
                await ctx.sleep("1h")
                await queue.put(number)
            await queue.put(None)

        async def consume() -> list[int]:
            found = []
            while (number := await queue.get()) is not None:
                found.append(await ctx.step("work", effect, number))
            return found

        _, found = await asyncio.gather(produce(), consume())
        return found

    run = runs.start(w)
    runs.advance("4h")

    assert run.refresh().result() == [0, 1, 2]
    assert effect.calls == [0, 1, 2]


def test_an_event_of_asyncio_lets_a_branch_wait_for_another(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        is_ready = asyncio.Event()

        async def second() -> None:
            await is_ready.wait()
            await ctx.step("second", effect, "second")

        async def first() -> None:
            await ctx.sleep("1h")
            await ctx.step("first", effect, "first")
            is_ready.set()

        await asyncio.gather(second(), first())

    runs.start(w)
    runs.advance("1h")

    assert effect.calls == ["first", "second"]


def test_a_semaphore_bounds_how_many_branches_go_on(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        limit = asyncio.Semaphore(2)

        async def branch(number: int) -> None:
            async with limit:
                await ctx.wait_for_event(f"go {number}")

        await asyncio.gather(*(branch(number) for number in range(3)))

    run = runs.start(w)
    assert [wait.name for wait in run.waiting_on] == ["go 0", "go 1"]
    runs.send_event(run, "go 0")
    assert [wait.name for wait in run.waiting_on] == ["go 1", "go 2"]


def test_a_lock_lets_one_branch_through_at_a_time(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        lock = asyncio.Lock()

        async def branch(name: str) -> None:
            async with lock:
                await ctx.step("in", effect, f"{name} in")
                await ctx.sleep("1h")
                await ctx.step("out", effect, f"{name} out")

        await asyncio.gather(branch("a"), branch("b"))

    runs.start(w)
    runs.advance("3h")

    assert effect.calls == ["a in", "a out", "b in", "b out"]


def test_a_future_may_be_set_by_another_branch(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> str:
        future = asyncio.get_running_loop().create_future()

        async def answer() -> None:
            future.set_result(await ctx.wait_for_event("go"))

        answering = asyncio.ensure_future(answer())
        await future
        await answering
        return future.result()

    run = runs.start(w)
    runs.send_event(run, "go", "answered")

    assert run.result() == "answered"


def test_context_variables_are_those_of_each_branch(runs):
    who = contextvars.ContextVar("who", default="nobody")

    @workflow(name="w")
    async def w(ctx: Context) -> list[str]:
        async def branch(name: str) -> str:
            who.set(name)
            await ctx.sleep("1h")
            return who.get()

        found = await asyncio.gather(branch("a"), branch("b"))
        return [*found, who.get()]

    token = who.set("the driver's")
    try:
        run = runs.start(w)
        runs.advance("1h")
    finally:
        who.reset(token)

    assert run.refresh().result() == ["a", "b", "nobody"]


def test_asynchronous_generators_and_managers_work(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> list[int]:
        @asynccontextmanager
        async def reserved():
            await ctx.step("reserve", effect, "reserve")
            try:
                yield
            finally:
                await ctx.step("release", effect, "release")

        async def numbers():
            for number in range(2):
                await ctx.sleep("1h")
                yield number

        async with reserved():
            return [number async for number in numbers()]

    run = runs.start(w)
    runs.advance("3h")

    assert run.refresh().result() == [0, 1]
    assert effect.calls == ["reserve", "release"]


# ---- what a body has no use for ----------------------------------------------------------


@pytest.mark.parametrize(
    "call",
    [
        lambda loop: loop.run_in_executor(None, print),
        lambda loop: asyncio.to_thread(print),
        lambda loop: asyncio.open_connection("127.0.0.1", 1),
        lambda loop: asyncio.create_subprocess_exec("true"),
        lambda loop: loop.getaddrinfo("localhost", 80),
        lambda loop: loop.sock_recv(None, 1),
    ],
)
def test_what_needs_a_real_loop_is_refused_with_what_to_do(runs, call):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await call(asyncio.get_running_loop())

    run = runs.start(w)

    assert run.status == "failed"
    assert "do this in a step" in run.error["message"]
