"""Children: runs that a run starts, waits for, and takes with it when it is cancelled."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from orchestrator import (
    Context,
    InvalidInput,
    PayloadTooLarge,
    RunCancelled,
    RunFailed,
    get_run,
    workflow,
)
from tests.conformance.world import ONCE, Order


@pytest.fixture
def born() -> list[UUID]:
    """The ids of the children of a test, in the order of their first passes."""
    return []


@pytest.fixture
def child(born):
    """A child that waits for a word, and returns it with its input."""

    @workflow(name="child")
    async def child(ctx: Context, number: int = 0) -> list[object]:
        if ctx.run_id not in born:
            born.append(ctx.run_id)
        return [number, await ctx.wait_for_event("word")]

    return child


def test_a_child_s_output_is_what_the_parent_gets(runs):
    @workflow(name="double")
    async def double(ctx: Context, number: int) -> int:
        return await ctx.step("double", lambda: number * 2)

    @workflow(name="w")
    async def w(ctx: Context) -> int:
        return await ctx.start_child(double, 21)

    assert runs.start(w).result() == 42


def test_a_child_is_recorded_under_its_workflow_s_name_or_its_own(runs, child):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await asyncio.gather(ctx.start_child(child), ctx.start_child(child, 1, name="second"))

    run = runs.start(w)

    assert [(step.key, step.kind) for step in run.steps] == [
        ("child", "child"),
        ("second", "child"),
    ]
    assert [(wait.kind, wait.name) for wait in run.waiting_on] == [
        ("child", "child"),
        ("child", "second"),
    ]


def test_a_parent_goes_on_when_its_child_has_ended(runs, child, born):
    @workflow(name="w")
    async def w(ctx: Context) -> list[object]:
        return await ctx.start_child(child, 7)

    run = runs.start(w)
    assert run.status == "waiting"
    runs.send_event(get_run(born[0]), "word", "hello")

    assert run.refresh().result() == [7, "hello"]


def test_a_child_that_is_not_waited_for_is_a_handle(runs, child):
    @workflow(name="w")
    async def w(ctx: Context) -> str:
        handle = await ctx.start_child(child, 7, wait=False)
        await ctx.send_event(handle, "word", "hello")
        return str(handle.id)

    run = runs.start(w)

    assert get_run(run.result()).result() == [7, "hello"]


@pytest.mark.parametrize(
    ("wait", "failpoint"),
    [
        *((True, point) for point in ("after_claim", "after_record", "before_park", "after_park")),
        *((False, point) for point in ("before_body", "after_body", "after_record", "after_park")),
    ],
)
def test_a_child_is_started_once_whatever_happens_to_its_parent(runs, child, born, wait, failpoint):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.start_child(child, 7, wait=wait)
        await ctx.sleep("1h")

    runs.crash_at(failpoint)
    run = runs.start(w)
    runs.drain()
    runs.send_event(get_run(born[0]), "word", "hello")
    runs.drain()
    runs.advance("1h")

    assert run.refresh().status == "completed"
    assert len(born) == 1


def test_a_child_that_fails_raises_in_the_parent(runs):
    @workflow(name="bad")
    async def bad(ctx: Context) -> None:
        await ctx.step("charge", lambda: 1 / 0, retry=ONCE)

    @workflow(name="w")
    async def w(ctx: Context) -> str:
        try:
            await ctx.start_child(bad)
        except RunFailed as error:
            await ctx.sleep("1h")
            return f"{error.error['message']}"
        return "fine"

    run = runs.start(w)
    runs.advance("1h")

    assert run.refresh().result() == "division by zero"


def test_a_child_that_is_cancelled_raises_in_the_parent(runs, child, born):
    @workflow(name="w")
    async def w(ctx: Context) -> str:
        try:
            await ctx.start_child(child)
        except RunCancelled:
            return "cancelled"
        return "ended"

    run = runs.start(w)
    get_run(born[0]).cancel()
    runs.drain()

    assert run.refresh().result() == "cancelled"


@pytest.mark.parametrize(
    ("policy", "status"), [({}, "cancelled"), ({"on_parent_cancel": "abandon"}, "waiting")]
)
def test_a_cancel_takes_the_children_along_unless_they_are_abandoned(
    runs, child, born, policy, status
):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.start_child(child, **policy)

    run = runs.start(w)
    run.cancel()
    runs.drain()

    assert run.refresh().status == "cancelled"
    assert get_run(born[0]).status == status


@pytest.mark.parametrize(
    ("policy", "status"), [({}, "cancelled"), ({"on_parent_cancel": "abandon"}, "waiting")]
)
def test_a_cancel_takes_children_along_that_nobody_waits_for(runs, child, born, policy, status):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.start_child(child, wait=False, **policy)
        await ctx.sleep("1h")

    run = runs.start(w)
    run.cancel()
    runs.drain()

    assert run.refresh().status == "cancelled"
    assert get_run(born[0]).status == status


def test_a_branch_that_is_cancelled_takes_its_child_along(runs, child, born):
    @workflow(name="w")
    async def w(ctx: Context) -> str:
        try:
            async with asyncio.timeout(3_600):
                await ctx.start_child(child)
        except TimeoutError:
            return "too slow"
        return "in time"

    run = runs.start(w)
    runs.advance("1h")

    assert run.refresh().result() == "too slow"
    assert get_run(born[0]).status == "cancelled"


def test_many_children_are_waited_for_side_by_side(runs):
    @workflow(name="double")
    async def double(ctx: Context, number: int) -> int:
        return number * 2

    @workflow(name="w")
    async def w(ctx: Context) -> list[int]:
        return await asyncio.gather(*(ctx.start_child(double, number) for number in range(5)))

    assert runs.start(w).result() == [0, 2, 4, 6, 8]


def test_a_child_may_have_children(runs):
    @workflow(name="down")
    async def down(ctx: Context, levels: int) -> int:
        return levels and 1 + await ctx.start_child(DOWN[0], levels - 1)

    DOWN = [down]

    assert runs.start(down, 3).result() == 3


def test_a_child_s_input_is_checked_before_it_is_started(runs):
    @workflow(name="typed")
    async def typed(ctx: Context, order: Order) -> int:
        return order.number

    @workflow(name="w")
    async def w(ctx: Context) -> int:
        try:
            await ctx.start_child(typed, {"number": "many"})
        except InvalidInput:
            return await ctx.start_child(typed, Order(number=3))
        return 0

    assert runs.start(w).result() == 3


def test_a_child_inherits_who_asked_for_it(runs):
    @workflow(name="named")
    async def named(ctx: Context) -> str | None:
        return ctx.initiator

    @workflow(name="w")
    async def w(ctx: Context) -> str | None:
        return await ctx.start_child(named)

    assert runs.start(w, initiator="dana").result() == "dana"


def test_a_child_knows_its_parent(runs, child, born):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.start_child(child)

    run = runs.start(w)

    assert get_run(born[0]).parent_id == run.id


def test_a_child_that_was_started_is_not_judged_by_a_limit_that_came_later(runs, settings):
    born = []

    @workflow(name="long")
    async def long(ctx: Context, text: str) -> str:
        born.append(ctx.run_id)
        return await ctx.wait_for_event("word")

    @workflow(name="w")
    async def w(ctx: Context) -> str:
        try:
            return await ctx.start_child(long, "x" * 500)
        except PayloadTooLarge:
            return "too large"

    run = runs.start(w)
    settings.ORCHESTRATOR_MAX_PAYLOAD = 100
    runs.send_event(get_run(born[0]), "word", "done")

    assert run.refresh().result() == "done"


@pytest.mark.parametrize("what", ["child", None, print])
def test_a_child_is_a_workflow_and_not_its_name(runs, child, what):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.start_child(what)

    run = runs.start(w)

    assert run.status == "failed"
    assert "pass what @workflow has made" in run.error["message"]


def test_what_becomes_of_a_child_is_cancel_or_abandon(runs, child):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.start_child(child, on_parent_cancel="forget")  # type: ignore[arg-type]

    run = runs.start(w)

    assert run.status == "failed"
    assert "'abandon'" in run.error["message"]
