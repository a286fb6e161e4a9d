"""Determinism: the same outcomes in the same order make the same of any body, every time."""

from __future__ import annotations

import asyncio
import contextlib
import random
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core import loop
from tests.core.playing import Play, work

# ---- determinism ---------------------------------------------------------------------


def scatter(junk: list[Any]) -> None:
    """Disturb the memory, so that objects do not come to lie where they lay before."""
    junk += [bytearray(random.randrange(1, 900)) for _ in range(random.randrange(9))]
    if junk and random.random() < 0.5:
        junk.pop(random.randrange(len(junk)))


def test_as_completed_starts_its_branches_in_the_order_in_which_they_were_given(play):
    """asyncio makes a set of them, and a set of coroutines has the order of their addresses."""
    junk: list[Any] = []

    async def branch(ctx, n):
        return await ctx.step("load", work, n)

    async def body(ctx):
        branches = []
        for n in range(6):
            scatter(junk)
            branches.append(branch(ctx, n))
        for one in asyncio.as_completed(branches):
            await one

    orders = {tuple(one.args[0] for one in play(body).body.asked.values()) for _ in range(20)}

    assert orders == {(0, 1, 2, 3, 4, 5)}


def test_as_completed_is_mended_for_those_who_imported_it_before():
    early = "from asyncio import as_completed; import asyncio, orchestrator;"
    script = (
        f"{early} print(as_completed is asyncio.as_completed, as_completed.__code__.co_filename)"
    )

    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout

    assert told.split() == ["True", loop.__file__]


def test_as_completed_starts_steps_in_the_order_in_which_they_were_given(play):
    junk: list[Any] = []

    async def body(ctx):
        steps = []
        for n in range(6):
            scatter(junk)
            steps.append(ctx.step("load", work, n))
        for one in asyncio.as_completed(steps):
            await one

    orders = {tuple(one.args[0] for one in play(body).body.asked.values()) for _ in range(20)}

    assert orders == {(0, 1, 2, 3, 4, 5)}


def test_the_sets_that_wait_returns_have_the_same_order_each_time(play):
    junk: list[Any] = []

    async def body(ctx):
        tasks = []
        for n in range(6):
            scatter(junk)
            tasks.append(asyncio.create_task(ctx.step("load", work, n)))
        done, _ = await asyncio.wait(tasks)
        for task in done:
            asyncio.create_task(ctx.step("save", work, task.result()))  # noqa: RUF006

    def saved() -> tuple[Any, ...]:
        run = play(body)
        for n, key in enumerate(run.asked):
            run.answer(key, n)
        return tuple(command.args for command in run.new)

    orders = {saved() for _ in range(20)}

    assert len(orders) == 1


def test_the_branches_of_a_task_group_are_cancelled_in_the_same_order_each_time(play):
    junk: list[Any] = []

    async def branch(ctx, n):
        try:
            await ctx.step("work", work, n)
        finally:
            await ctx.step("undo", work, n)

    async def body(ctx):
        async with asyncio.TaskGroup() as group:
            for n in range(6):
                scatter(junk)
                group.create_task(branch(ctx, n))

    orders = {tuple(one.args for one in play(body).cancel().new) for _ in range(20)}

    assert len(orders) == 1


# A program is a tree that hypothesis grows and `execute` walks.
LEAVES = st.tuples(st.just("step"), st.sampled_from(["a", "b", "a#2"])) | st.tuples(
    st.sampled_from(["sleep", "timer", "event"]), st.integers(1, 50)
)
PROGRAMS = st.recursive(
    LEAVES,
    lambda inner: st.tuples(
        st.sampled_from(
            ["then", "gather", "group", "first", "timeout", "catch", "finally", "each", "queue"]
        ),
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=8,
)


async def execute(ctx: Any, program: Any, log: list[Any]) -> None:
    kind, detail = program
    await (EXECUTE.get(kind) or leaf)(ctx, program, detail, log)
    log.append((kind, ctx.now()))


async def leaf(ctx: Any, program: Any, detail: Any, log: list[Any]) -> None:
    match program[0]:
        case "step":
            log.append(await ctx.step(detail, work))
        case "sleep":
            await ctx.sleep(detail)
        case "timer":
            await asyncio.sleep(detail)
        case "event":
            await ctx.wait_for_event("event", timeout=detail, default=None)


async def then(ctx: Any, _: Any, parts: list[Any], log: list[Any]) -> None:
    for part in parts:
        await execute(ctx, part, log)


async def gather(ctx: Any, _: Any, parts: list[Any], log: list[Any]) -> None:
    await asyncio.gather(*(execute(ctx, part, log) for part in parts))


async def group(ctx: Any, _: Any, parts: list[Any], log: list[Any]) -> None:
    async with asyncio.TaskGroup() as tasks:
        for part in parts:
            tasks.create_task(execute(ctx, part, log))


async def first(ctx: Any, _: Any, parts: list[Any], log: list[Any]) -> None:
    tasks = [asyncio.create_task(execute(ctx, part, log)) for part in parts]
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    for task in done:
        task.result()


async def timeout(ctx: Any, _: Any, parts: list[Any], log: list[Any]) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(10):
            await then(ctx, _, parts, log)


async def catch(ctx: Any, _: Any, parts: list[Any], log: list[Any]) -> None:
    for part in parts:
        try:
            await execute(ctx, part, log)
        except Exception as error:
            log.append(type(error).__name__)


async def finally_(ctx: Any, _: Any, parts: list[Any], log: list[Any]) -> None:
    try:
        await execute(ctx, parts[0], log)
    finally:
        await then(ctx, _, parts[1:], log)


async def each(ctx: Any, _: Any, parts: list[Any], log: list[Any]) -> None:
    for one in asyncio.as_completed([execute(ctx, part, log) for part in parts]):
        await one


async def queue(ctx: Any, _: Any, parts: list[Any], log: list[Any]) -> None:
    todo: asyncio.Queue[Any] = asyncio.Queue()

    async def worker() -> None:
        while not todo.empty():
            await execute(ctx, await todo.get(), log)

    for part in parts:
        todo.put_nowait(part)
    await asyncio.gather(worker(), worker())


EXECUTE: dict[str, Callable[..., Awaitable[None]]] = {
    "then": then,
    "gather": gather,
    "group": group,
    "first": first,
    "timeout": timeout,
    "catch": catch,
    "finally": finally_,
    "each": each,
    "queue": queue,
}


def picture(run: Play) -> Any:
    """All that the engine would see of a body, and what the body did."""
    end = run.body.end
    return (
        [
            (one.key, one.kind, one.position, one.cause, getattr(one, "until", None))
            for one in run.body.asked.values()
        ],
        run.pending,
        end and (type(end).__name__, repr(getattr(end, "error", None))),
        list(run.args[1]),
    )


def give_outcome(run: Play, data: st.DataObject) -> None:
    if not run.body.is_cancelled and data.draw(st.integers(0, 9)) == 9:
        run.cancel("enough")
        return
    key = data.draw(st.sampled_from(run.pending))
    command = run.body.asked[key]
    if command.kind == "event" and data.draw(st.booleans()):
        run.time_out(key, default=None)
    elif command.kind == "event":
        run.answer(key, "got")
    elif command.kind != "step":
        run.fire(key)
    elif data.draw(st.integers(0, 3)):
        run.answer(key, f"result of {key}")
    else:
        run.fail(key, ValueError(key))


@settings(max_examples=40, deadline=None)
@given(program=PROGRAMS, data=st.data())
def test_the_same_outcomes_in_the_same_order_give_the_same_body(program, data):
    """Any program, any order of outcomes, a take-over after each one."""

    async def body(ctx, program, log):
        await execute(ctx, program, log)

    with contextlib.closing(Play(body, program, [])) as run:
        pictures = [picture(run.begin())]
        while run.pending and len(pictures) < 12:
            give_outcome(run, data)
            pictures.append(picture(run))
        with contextlib.closing(Play(body, program, [])) as again:
            replayed = [picture(again.begin())]
            replayed += [picture(again.tell(entry)) for entry in run.journal]
            assert replayed == pictures
            assert again.close()
            assert run.close()


def test_another_order_of_outcomes_may_take_another_turn(play):
    """Why the order is recorded: it is an outcome too."""

    async def body(ctx):
        tasks = [asyncio.create_task(ctx.step(name, work)) for name in ("a", "b")]
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return await ctx.step(f"after-{done.pop().result()}", work)

    run = play(body).answer("b", "b").answer("a", "a")

    assert run.pending == ["after-b"]
    assert run.replay().pending == ["after-b"]
    assert run.retold("a", "b").pending == ["after-a"]
