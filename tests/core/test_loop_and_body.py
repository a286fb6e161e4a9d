"""Bodies: ordinary asyncio, driven by outcomes alone, the same on every replay."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import socket
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core.errors import (
    EventTimeout,
    NestedStep,
    NonDeterminism,
    StepFailed,
    UndecodableValue,
)
from tests.core.playing import SECOND, STARTED, Play, pages, work
from tests.core.shapes import Address

# ---- one after the other -------------------------------------------------------------


def test_steps_one_after_the_other(play):
    async def body(ctx):
        first = await ctx.step("first", work, 1)
        second = await ctx.step("second", work, first)
        return [first, second]

    run = play(body)
    assert run.asked == ["first"]
    run.answer("first", "a")
    assert run.asked == ["first", "second"]
    assert run.body.asked["second"].args == ("a",)
    run.answer("second", "b")

    assert run.value == ["a", "b"]


def test_a_body_that_asks_for_nothing_ends_at_once(play):
    async def body(ctx, number):
        return number + 1

    assert play(body, 1).value == 2


def test_commands_know_their_place_and_what_was_seen_before(play):
    async def body(ctx):
        await asyncio.gather(ctx.step("a", work), ctx.step("b", work))
        await ctx.sleep("1h")

    run = play(body).answer("b").answer("a")

    assert [(one.key, one.position, one.cause) for one in run.body.asked.values()] == [
        ("a", 1, 0),
        ("b", 2, 0),
        ("sleep", 3, 2),
    ]


def test_the_body_sees_what_was_stored_and_not_what_was_returned(play):
    async def body(ctx):
        return await ctx.step("make", work)

    value = (Address("Main St"), {1: {"a"}})
    run = play(body).answer("make", value)

    assert run.value == value
    assert run.value[0] is not value[0]


def test_a_failed_step_raises_where_it_was_asked_for(play):
    async def body(ctx):
        try:
            await ctx.step("charge", work)
        except ConnectionError as error:
            return await ctx.step("refund", work, str(error))

    run = play(body).fail("charge", ConnectionResetError("gone"))

    assert run.body.asked["refund"].args == ("gone",)


def test_a_failure_that_nobody_catches_ends_the_body(play):
    async def body(ctx):
        await ctx.step("charge", work)

    run = play(body).fail("charge", ValueError("no"))

    assert isinstance(run.error, ValueError)
    assert isinstance(run.error, StepFailed)
    assert (run.error.key, run.error.attempts) == ("charge", 3)


@pytest.mark.parametrize("error", [StopIteration("x"), StopAsyncIteration(), GeneratorExit()])
def test_a_failure_is_never_taken_for_a_return(play, error):
    """`next(iter([]))` in a step raises StopIteration, with which a coroutine returns."""

    async def body(ctx):
        try:
            return ("returned", await ctx.step("a", work))
        except StepFailed as failed:
            return failed.cause_type

    assert play(body).fail("a", error).value == type(error).__name__


def test_a_wait_returns_its_event_or_its_default_or_raises(play):
    async def body(ctx):
        with contextlib.suppress(EventTimeout):
            await ctx.wait_for_event("paid", timeout="1h")
        assert await ctx.wait_for_event("paid", timeout="1h", default=None) is None
        return await ctx.wait_for_event("paid", "order-5")

    run = play(body).time_out("paid").time_out("paid#2", default=None)

    assert run.answer("paid#3", {"amount": 5}).value == {"amount": 5}


def test_an_event_timeout_is_a_timeout_error(play):
    async def body(ctx):
        await ctx.wait_for_event("paid", timeout="1h")

    run = play(body).time_out("paid")

    assert isinstance(run.error, EventTimeout)
    assert isinstance(run.error, TimeoutError)
    assert "'paid'" in str(run.error)


# ---- the clock -----------------------------------------------------------------------


def test_the_clock_is_moved_by_outcomes_alone(play):
    seen = []

    async def body(ctx):
        loop = asyncio.get_running_loop()
        for name in ("a", "b"):
            seen.append((ctx.now() - STARTED, loop.time()))
            await ctx.step(name, work)
        seen.append((ctx.now() - STARTED, loop.time()))

    run = play(body)
    run.tell(run.entry("a", finished_at=STARTED + 5 * SECOND))
    run.tell(run.entry("b", finished_at=STARTED + 3 * SECOND))  # another worker's clock

    assert seen == [(timedelta(0), 0.0), (5 * SECOND, 5.0), (5 * SECOND, 5.0)]


def test_asyncio_sleep_is_a_durable_timer(play):
    async def body(ctx):
        await asyncio.sleep(90)
        return ctx.now()

    run = play(body)
    assert [(one.kind, one.until) for one in run.new] == [("timer", STARTED + 90 * SECOND)]

    assert run.fire("timer").value == STARTED + 90 * SECOND


def test_a_sleep_of_nothing_only_lets_others_go_first(play):
    order = []

    async def other():
        order.append("other")

    async def body(ctx):
        task = asyncio.create_task(other())
        await asyncio.sleep(0)
        order.append("body")
        await task

    run = play(body)

    assert order == ["other", "body"]
    assert run.asked == []


def test_sleep_takes_every_way_to_say_how_long(play):
    async def body(ctx):
        await asyncio.gather(
            ctx.sleep("30d"),
            ctx.sleep(90),
            ctx.sleep(timedelta(hours=1)),
            ctx.sleep(days=1, hours=2, name="pause"),
            ctx.sleep_until(STARTED + timedelta(days=7), name="week"),
            ctx.sleep_until(STARTED - timedelta(days=7), name="past"),
        )

    lengths = {one.key: one.until - STARTED for one in play(body).new}

    assert lengths == {
        "sleep": timedelta(days=30),
        "sleep#2": 90 * SECOND,
        "sleep#3": timedelta(hours=1),
        "pause": timedelta(hours=26),
        "week": timedelta(days=7),
        "past": timedelta(days=-7),
    }


# ---- side by side --------------------------------------------------------------------


def test_gather_asks_for_everything_and_keeps_the_order_of_the_results(play):
    async def body(ctx):
        return await asyncio.gather(*(ctx.step("load", work, n) for n in range(3)))

    run = play(body)
    assert run.asked == ["load", "load#2", "load#3"]
    for key in ("load#3", "load", "load#2"):
        run.answer(key, key)

    assert run.value == ["load", "load#2", "load#3"]


def test_gather_hands_on_the_first_failure_and_lets_the_others_go_on(play):
    async def body(ctx):
        try:
            await asyncio.gather(ctx.step("a", work), ctx.step("b", work))
        except StepFailed as error:
            await ctx.step("after", work, error.key)

    run = play(body).fail("b", ValueError("x"))

    assert run.pending == ["a", "after"]


def test_gather_can_return_failures(play):
    async def body(ctx):
        found = await asyncio.gather(
            ctx.step("a", work), ctx.step("b", work), return_exceptions=True
        )
        return [type(one).__name__ for one in found]

    assert play(body).fail("a", ValueError("x")).answer("b", 5).value == ["ValueError", "int"]


def test_a_task_group_waits_for_all(play):
    async def body(ctx):
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(ctx.step("load", work, n)) for n in range(3)]
        return [task.result() for task in tasks]

    run = play(body).answer("load#2", 2).answer("load", 1)
    assert run.body.end is None

    assert run.answer("load#3", 3).value == [1, 2, 3]


def test_a_task_group_gives_up_its_tasks_when_one_fails(play):
    async def body(ctx):
        try:
            async with asyncio.TaskGroup() as group:
                for name in ("a", "b", "c"):
                    group.create_task(ctx.step(name, work))
        except* ConnectionError as errors:
            found = [error.key for error in errors.exceptions]
        return found

    run = play(body).fail("b", ConnectionError("x"))

    assert run.pending == []
    assert [one.is_abandoned for one in run.body.asked.values()] == [True, False, True]
    assert run.value == ["b"]


def test_an_error_in_a_branch_is_raised_in_the_body(play):
    async def branch(ctx):
        await ctx.step("a", work)
        raise LookupError("in a branch")

    async def body(ctx):
        await asyncio.gather(branch(ctx), ctx.step("b", work))

    assert isinstance(play(body).answer("a").error, LookupError)


def test_the_first_of_several(play):
    async def body(ctx):
        tasks = [asyncio.create_task(ctx.step(name, work)) for name in ("a", "b", "c")]
        done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        return [task.result() for task in done]

    run = play(body).answer("b", "first")

    assert run.value == ["first"]
    assert run.pending == []


def test_results_as_they_come(play):
    async def body(ctx):
        found = []
        for one in asyncio.as_completed([ctx.step("load", work, n) for n in range(3)]):
            found.append(await one)
        return found

    run = play(body)
    for key in ("load#2", "load#3", "load"):
        run.answer(key, key)

    assert run.value == ["load#2", "load#3", "load"]


def test_a_timeout_of_a_block(play):
    async def body(ctx):
        try:
            async with asyncio.timeout(60):
                return await ctx.step("slow", work)
        except TimeoutError:
            return "late"

    assert play(body).fire("timer").value == "late"
    run = play(body).answer("slow", "in time")
    assert run.value == "in time"
    assert run.pending == []


def test_wait_for(play):
    async def body(ctx):
        try:
            return await asyncio.wait_for(ctx.step("slow", work), timeout=60)
        except TimeoutError:
            return "late"

    run = play(body).fire("timer")
    assert run.value == "late"
    assert run.body.asked["slow"].is_abandoned
    assert play(body).answer("slow", "in time").value == "in time"


def test_an_outcome_that_nobody_waits_for_any_more_changes_nothing(play):
    async def body(ctx):
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(ctx.step("slow", work), timeout=60)
        return await ctx.step("next", work)

    run = play(body).fire("timer").answer("slow", "late").answer("next", "done")

    assert run.value == "done"
    assert run.replay().value == "done"


def test_shield_lets_a_step_survive_a_timeout(play):
    async def body(ctx):
        task = asyncio.create_task(ctx.step("slow", work))
        try:
            return await asyncio.wait_for(asyncio.shield(task), timeout=60)
        except TimeoutError:
            return ("late", await task)

    run = play(body).fire("timer")
    assert run.pending == ["slow"]

    assert run.answer("slow", 5).value == ("late", 5)


def test_a_lock_lets_one_branch_in_at_a_time(play):
    async def branch(ctx, lock, n):
        async with lock:
            return await ctx.step("work", work, n)

    async def body(ctx):
        lock = asyncio.Lock()
        return await asyncio.gather(*(branch(ctx, lock, n) for n in range(3)))

    run = play(body)
    for key in ("work", "work#2", "work#3"):
        assert run.pending == [key]
        run.answer(key, key)

    assert run.value == ["work", "work#2", "work#3"]


def test_a_semaphore_bounds_what_goes_on_at_once(play):
    async def branch(ctx, semaphore, n):
        async with semaphore:
            return await ctx.step("work", work, n)

    async def body(ctx):
        semaphore = asyncio.Semaphore(2)
        return await asyncio.gather(*(branch(ctx, semaphore, n) for n in range(4)))

    run = play(body)
    assert run.pending == ["work", "work#2"]
    run.answer("work#2")

    assert run.pending == ["work", "work#3"]


def test_a_queue_with_workers(play):
    async def worker(ctx, queue, found):
        while True:
            n = await queue.get()
            found.append(await ctx.step("work", work, n))
            queue.task_done()

    async def body(ctx):
        queue, found = asyncio.Queue(), []
        workers = [asyncio.create_task(worker(ctx, queue, found)) for _ in range(2)]
        for n in range(5):
            queue.put_nowait(n)
        await queue.join()
        for one in workers:
            one.cancel()
        return found

    run = play(body)
    while run.pending:
        assert len(run.pending) <= 2
        key = run.pending[-1]
        run.answer(key, run.body.asked[key].args[0])

    assert sorted(run.value) == [0, 1, 2, 3, 4]
    assert run.replay().value == run.value


def test_an_event_and_a_condition(play):
    async def waiter(ctx, event, condition):
        await event.wait()
        async with condition:
            await condition.wait()
        return await ctx.step("after", work)

    async def body(ctx):
        event, condition = asyncio.Event(), asyncio.Condition()
        task = asyncio.create_task(waiter(ctx, event, condition))
        await ctx.step("first", work)
        event.set()
        await ctx.step("second", work)
        async with condition:
            condition.notify_all()
        return await task

    assert play(body).answer_all({"first": 1, "second": 2, "after": 3}).value == 3


def test_a_task_that_is_left_behind_asks_for_what_it_asks_for(play):
    async def body(ctx):
        asyncio.create_task(ctx.step("aside", work))  # noqa: RUF006
        return await ctx.step("main", work)

    run = play(body)
    assert run.pending == ["main", "aside"]
    run.answer("main", 1)
    assert run.value == 1
    run.answer("aside")

    assert run.value == 1


def test_an_error_that_nobody_asks_for_ends_nothing(play):
    async def failing(ctx):
        raise LookupError("nobody listens")

    async def body(ctx):
        asyncio.create_task(failing(ctx))  # noqa: RUF006
        return await ctx.step("main", work)

    assert play(body).answer("main", 1).value == 1


def test_the_context_variables_of_a_branch_are_its_own(play):
    who = contextvars.ContextVar("who", default="nobody")

    async def branch(ctx, name):
        who.set(name)
        await ctx.step(name, work)
        return who.get()

    async def body(ctx):
        return [*await asyncio.gather(branch(ctx, "a"), branch(ctx, "b")), who.get()]

    assert play(body).answer("b").answer("a").value == ["a", "b", "nobody"]


def test_a_body_does_not_see_the_context_variables_of_whoever_drives_it(play):
    """The driver's thread executes quick steps too, and drives many bodies."""
    who = contextvars.ContextVar("who", default="nobody")

    async def body(ctx):
        before = who.get()
        await ctx.step("a", work)
        return [before, who.get()]

    who.set("the driver")
    run = play(body)
    who.set("a step")

    assert run.answer("a").value == ["nobody", "nobody"]


# ---- asynchronous generators ---------------------------------------------------------


def test_an_asynchronous_generator(play):
    log: list[str] = []

    async def body(ctx):
        return [page async for page in pages(ctx, log)]

    outcomes = {"page": 1, "page#2": 2, "page#3": 3, "close": None, "report": None}
    assert play(body).answer_all(outcomes).value == [1, 2, 3]


def test_a_generator_that_is_left_early_cleans_up(play):
    log: list[str] = []

    async def body(ctx):
        async for page in pages(ctx, log):
            if page:
                break
        return await ctx.step("main", work)

    run = play(body).answer("page", 1)
    assert sorted(run.pending) == ["close", "main"]
    run.answer("close")
    assert sorted(run.pending) == ["main", "report"]
    run.answer("report").answer("main", 5)

    assert (run.value, log) == (5, ["closed"])


def test_a_generator_that_is_closed_by_hand(play):
    log: list[str] = []

    async def body(ctx):
        async with contextlib.aclosing(pages(ctx, log)) as found:
            async for _ in found:
                break
        return await ctx.step("main", work)

    run = play(body).answer("page", 1)
    assert run.pending == ["close"]

    assert run.answer("close").answer("report").answer("main", 5).value == 5


# ---- cancelling ----------------------------------------------------------------------


def test_a_cancel_is_raised_where_the_body_waits(play):
    async def body(ctx):
        try:
            await ctx.step("work", work)
        except asyncio.CancelledError as error:
            return error.args

    run = play(body).cancel("by Alice")

    assert run.value == ("by Alice",)
    assert run.body.is_cancelled


def test_a_cancel_that_nobody_catches_ends_the_body(play):
    async def body(ctx):
        await ctx.step("work", work)

    assert isinstance(play(body).cancel().error, asyncio.CancelledError)


def test_cleanup_steps_run_after_a_cancel(play):
    async def body(ctx):
        try:
            await ctx.step("work", work)
        finally:
            await ctx.step("undo", work)
            await ctx.step("tell", work)

    run = play(body).cancel()
    assert run.pending == ["undo"]
    run.answer("undo")
    assert run.pending == ["tell"]

    assert isinstance(run.answer("tell").error, asyncio.CancelledError)
    assert isinstance(run.replay().error, asyncio.CancelledError)


def test_a_cancel_reaches_every_branch_of_a_task_group(play):
    async def branch(ctx, name):
        try:
            await ctx.step(name, work)
        finally:
            await ctx.step(f"undo-{name}", work)

    async def body(ctx):
        async with asyncio.TaskGroup() as group:
            for name in ("a", "b"):
                group.create_task(branch(ctx, name))

    run = play(body).cancel()
    assert sorted(run.pending) == ["undo-a", "undo-b"]

    assert isinstance(run.answer("undo-b").answer("undo-a").error, asyncio.CancelledError)


def test_a_cancel_during_a_timeout_is_no_timeout(play):
    async def body(ctx):
        try:
            async with asyncio.timeout(60):
                await ctx.step("work", work)
        except TimeoutError:
            return "a timeout"

    assert isinstance(play(body).cancel().error, asyncio.CancelledError)


def test_a_body_may_refuse_to_be_cancelled_and_go_on(play):
    async def body(ctx):
        try:
            await ctx.step("work", work)
        except asyncio.CancelledError:
            asyncio.current_task().uncancel()
        async with asyncio.timeout(60):
            return await ctx.step("save", work)

    assert play(body).cancel().answer("save", 1).value == 1


def test_an_outcome_of_what_was_cancelled_is_accepted(play):
    async def body(ctx):
        try:
            await ctx.step("work", work)
        finally:
            await ctx.step("undo", work)

    run = play(body).cancel().answer("work", "done all the same").answer("undo")

    assert isinstance(run.error, asyncio.CancelledError)
    assert isinstance(run.replay().error, asyncio.CancelledError)


def test_a_cancel_after_the_end_changes_nothing(play):
    async def body(ctx):
        asyncio.create_task(ctx.step("aside", work))  # noqa: RUF006
        return 1

    run = play(body)
    run.cancel()

    assert run.value == 1


# ---- keys ----------------------------------------------------------------------------


def keys_of(play: Callable[..., Play], *names: str) -> list[str]:
    async def body(ctx):
        await asyncio.gather(*(ctx.step(name, work) for name in names))

    return play(body).asked


def test_a_name_that_comes_again_gets_a_number(play):
    assert keys_of(play, "a", "b", "a", "a", "b") == ["a", "b", "a#2", "a#3", "b#2"]


@pytest.mark.parametrize(
    ("names", "keys"),
    [
        (["a#2", "a", "a"], ["a#2", "a", "a#3"]),
        (["a", "a", "a#2"], ["a", "a#2", "a#2#2"]),
        (["a#3", "a", "a", "a", "a"], ["a#3", "a", "a#2", "a#4", "a#5"]),
        (["a#2", "a#2", "a", "a", "a"], ["a#2", "a#2#2", "a", "a#3", "a#4"]),
        (["a#2#2", "a#2", "a#2"], ["a#2#2", "a#2", "a#2#3"]),
        (["#2", "#2"], ["#2", "#2#2"]),
    ],
    ids=" ".join,
)
def test_a_key_that_is_taken_is_skipped(play, names, keys):
    assert keys_of(play, *names) == keys


@settings(max_examples=40)
@given(st.lists(st.sampled_from(["a", "a#2", "a#3", "a#2#2", "b"]), max_size=12))
def test_keys_never_collide(names):
    async def body(ctx):
        await asyncio.gather(*(ctx.step(name, work) for name in names))

    run = Play(body).begin()

    assert len(set(run.asked)) == len(run.asked) == len(names)
    assert run.asked == run.replay().asked
    run.close()


def test_everything_shares_one_name_space(play):
    async def body(ctx):
        await asyncio.gather(
            ctx.step("timer", work),
            asyncio.sleep(5),
            ctx.sleep(5, name="timer"),
            ctx.wait_for_event("timer"),
            ctx.wait("timer", kind="human_task"),
        )

    run = play(body)

    assert len(run.asked) == 5
    assert set(run.asked) == {"timer", "timer#2", "timer#3", "timer#4", "timer#5"}
    assert [one.kind for one in run.new] == ["step", "timer", "sleep", "event", "human_task"]


def test_the_order_of_creation_decides_in_branches(play):
    async def branch(ctx, n):
        await ctx.step("first", work, n)
        await ctx.step("second", work, n)

    async def body(ctx):
        async with asyncio.TaskGroup() as group:
            for n in range(3):
                group.create_task(branch(ctx, n))

    run = play(body)
    args = {key: command.args for key, command in run.body.asked.items()}

    assert args == {"first": (0,), "first#2": (1,), "first#3": (2,)}


# ---- when the code has changed -------------------------------------------------------


async def charge_then_ship(ctx: Any) -> None:
    await ctx.step("charge", work)
    await ctx.step("ship", work)


async def ship_then_charge(ctx: Any) -> None:
    await ctx.step("ship", work)
    await ctx.step("charge", work)


async def sleep_charge(ctx: Any) -> None:
    await ctx.sleep(5, name="charge")


async def nothing(ctx: Any) -> None: ...


async def check_then_charge(ctx: Any) -> None:
    await ctx.step("check", work)
    await ctx.step("charge", work)


@pytest.mark.parametrize(
    ("edited", "got"),
    [
        (ship_then_charge, "step 'ship'"),
        (check_then_charge, "step 'check'"),
        (sleep_charge, "sleep 'charge'"),
        (nothing, "the body has ended"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_an_edit_before_a_recorded_step_is_found(play, edited, got):
    recorded = play(charge_then_ship).answer("charge").journal

    with pytest.raises(NonDeterminism) as found:
        play(edited).tell(recorded[0])

    assert (found.value.expected, found.value.got) == ("step 'charge'", got)
    assert found.value.position == 1


def test_an_edit_after_what_is_recorded_is_welcome(play):
    recorded = play(ship_then_charge).answer("ship").journal

    async def longer(ctx):
        await ctx.step("ship", work)
        await ctx.step("insure", work)

    assert play(longer).tell(recorded[0]).pending == ["insure"]


def test_an_outcome_that_comes_twice_is_found(play):
    run = play(charge_then_ship).answer("charge")

    with pytest.raises(NonDeterminism, match=r"step 'charge'.*step 'ship'"):
        run.tell(run.journal[0])


def test_a_result_that_today_s_code_cannot_read_is_found(play):
    run = play(charge_then_ship)
    gone = '{"$":"dataclass","c":"nowhere:Charge","v":{}}'

    with pytest.raises(UndecodableValue, match="nowhere:Charge"):
        run.tell(run.entry("charge", value=gone))


# ---- there is no real loop -----------------------------------------------------------

REFUSED: dict[str, Callable[[asyncio.AbstractEventLoop], Any]] = {
    "run_in_executor": lambda loop: loop.run_in_executor(None, work),
    "to_thread": lambda loop: asyncio.to_thread(work),
    "open_connection": lambda loop: asyncio.open_connection("localhost", 1),
    "open_unix_connection": lambda loop: asyncio.open_unix_connection("/nowhere"),
    "start_server": lambda loop: asyncio.start_server(work, "localhost"),
    "subprocess_exec": lambda loop: asyncio.create_subprocess_exec("true"),
    "subprocess_shell": lambda loop: asyncio.create_subprocess_shell("true"),
    "getaddrinfo": lambda loop: loop.getaddrinfo("localhost", 1),
    "call_soon_threadsafe": lambda loop: loop.call_soon_threadsafe(work),
    "add_reader": lambda loop: loop.add_reader(0, work),
    "add_signal_handler": lambda loop: loop.add_signal_handler(2, work),
    "sock_recv": lambda loop: loop.sock_recv(None, 1),
    "sock_recvfrom": lambda loop: loop.sock_recvfrom(None, 1),
    "sock_recvfrom_into": lambda loop: loop.sock_recvfrom_into(None, bytearray(), 1),
    "sock_sendto": lambda loop: loop.sock_sendto(None, b"", "x"),
    "connect_accepted_socket": lambda loop: loop.connect_accepted_socket(None, None),
    "set_task_factory": lambda loop: loop.set_task_factory(None),
    "set_exception_handler": lambda loop: loop.set_exception_handler(None),
    "shutdown_default_executor": lambda loop: loop.shutdown_default_executor(),
    "shutdown_asyncgens": lambda loop: loop.shutdown_asyncgens(),
    "run_until_complete": lambda loop: loop.run_until_complete(None),
    "run_forever": lambda loop: loop.run_forever(),
    "stop": lambda loop: loop.stop(),
    "close": lambda loop: loop.close(),
}


@pytest.mark.parametrize("call", REFUSED.values(), ids=REFUSED)
def test_what_needs_a_real_loop_is_refused_and_says_what_to_do(play, call):
    async def body(ctx):
        found = call(asyncio.get_running_loop())
        if asyncio.iscoroutine(found):
            await found

    error = play(body).error

    assert isinstance(error, RuntimeError)
    assert "do this in a step" in str(error)


def test_a_socket_of_asyncio_is_refused(play):
    one, other = socket.socketpair()

    async def body(ctx):
        await asyncio.open_connection(sock=one)

    with one, other:
        assert "do this in a step" in str(play(body).error)


def test_a_loop_within_the_loop_is_refused(play):
    async def body(ctx):
        coroutine = ctx.step("a", work)
        try:
            asyncio.run(coroutine)
        finally:
            coroutine.close()

    assert isinstance(play(body).error, RuntimeError)


def test_the_loop_gives_the_thread_back(play):
    async def other():
        async def body(ctx):
            assert asyncio.get_running_loop() is not mine
            await ctx.step("a", work)

        mine = asyncio.get_running_loop()
        run = play(body)
        assert asyncio.get_running_loop() is mine
        run.answer("a")
        assert asyncio.get_running_loop() is mine

    asyncio.run(other())
    assert asyncio._get_running_loop() is None


# ---- somebody else's context ---------------------------------------------------------


def test_a_context_is_of_no_use_in_another_run(play):
    async def waiting(ctx):
        await ctx.step("mine", work)

    one = play(waiting, run=1)

    async def body(ctx):
        await one.ctx.step("stray", work)

    assert isinstance(play(body, run=2).error, (RuntimeError, NestedStep))
    assert one.asked == ["mine"]
    assert one.body.take_new() == []


def test_a_context_is_of_no_use_in_another_thread(play):
    """A step may start one, and it does not know that it is in a step."""

    async def body(ctx):
        await ctx.step("mine", work)

    run = play(body)
    raised: list[BaseException] = []

    def stray():
        coroutine = run.ctx.step("stray", work)
        try:
            coroutine.send(None)
        except BaseException as error:
            raised.append(error)
        coroutine.close()

    thread = threading.Thread(target=stray)
    thread.start()
    thread.join()

    assert run.asked == ["mine"]
    assert isinstance(raised[0], (RuntimeError, NestedStep))


def test_bodies_in_many_threads_do_not_meet():
    def drive(number: int) -> None:
        async def body(ctx):
            await asyncio.sleep(0)
            return [await ctx.step("a", work, number) for _ in range(20)]

        run = Play(body, run=number).begin()
        while run.pending:
            run.answer(run.pending[0], number)
        results.append(run.value == [number] * 20)

    results: list[bool] = []
    threads = [threading.Thread(target=drive, args=(number,)) for number in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert results == [True] * 8
