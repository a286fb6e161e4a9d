"""Stories through the front doors: start, wait, send, and what the run shows meanwhile."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from orchestrator import Context, EventTimeout, Run, get_run, send_event, workflow
from orchestrator.models import Run as Row


def test_steps_run_once_and_in_order(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context, order: int) -> list[object]:
        return [await ctx.step("a", effect, order), await ctx.step("b", effect, order + 1)]

    run = runs.start(w, 1)

    assert run.status == "completed"
    assert run.result() == [1, 2]
    assert effect.calls == [1, 2]
    assert [(step.key, step.status, step.attempts) for step in run.steps] == [
        ("a", "completed", 1),
        ("b", "completed", 1),
    ]


def test_a_step_that_was_recorded_is_not_executed_again_after_a_wait(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> object:
        first = await ctx.step("charge", effect, "once")
        await ctx.sleep("1d")
        return first

    run = runs.start(w)
    runs.advance("1d")

    assert run.refresh().result() == "once"
    assert effect.calls == ["once"]


def test_a_repeated_name_gets_a_numbered_key(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        for number in range(3):
            await ctx.step("item", effect, number)

    run = runs.start(w)

    assert [step.key for step in run.steps] == ["item", "item#2", "item#3"]


def test_sync_and_async_steps_run_side_by_side(runs, effect):
    async def later(value: int) -> int:
        await asyncio.sleep(0)
        return value

    @workflow(name="w")
    async def w(ctx: Context) -> list[object]:
        return await asyncio.gather(
            ctx.step("sync", effect, 1),
            ctx.step("async", later, 2),
            ctx.step("lambda", lambda: later(3)),
        )

    assert runs.start(w).result() == [1, 2, 3]


def test_a_sleep_holds_nothing_but_a_row(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> str:
        await ctx.sleep(days=30)
        return "woke"

    run = runs.start(w)
    [wait] = run.waiting_on

    assert run.status == "waiting"
    assert (wait.kind, wait.name) == ("timer", "sleep")
    assert wait.until - wait.since == timedelta(days=30)
    assert not Row.objects.get(id=run.id).owned

    runs.advance("29d")
    assert run.refresh().status == "waiting"
    runs.advance("1d")
    assert run.refresh().result() == "woke"


def test_an_event_wakes_the_run_that_waits_for_it(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> object:
        return await ctx.wait_for_event("paid", timeout="7d")

    run = runs.start(w)
    assert [(wait.kind, wait.name) for wait in run.waiting_on] == [("event", "paid")]

    delivery = runs.send_event(run, "paid", {"amount": 30})

    assert delivery.delivered
    assert run.result() == {"amount": 30}
    [event] = run.events
    assert (event.name, event.payload, event.consumed_by) == ("paid", {"amount": 30}, "paid")


def test_an_event_that_comes_before_the_wait_is_kept(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> object:
        await ctx.sleep("1h")
        return await ctx.wait_for_event("paid")

    run = runs.start(w)
    runs.send_event(run, "paid", "early")
    runs.advance("1h")

    assert run.refresh().result() == "early"


def test_each_wait_consumes_one_event_in_the_order_of_arrival(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> list[object]:
        return [await ctx.wait_for_event("n") for _ in range(3)]

    run = runs.start(w)
    for number in range(3):
        runs.send_event(run, "n", number)

    assert run.result() == [0, 1, 2]


def test_a_wait_with_a_key_takes_only_events_with_that_key(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> object:
        return await ctx.wait_for_event("paid", key="o-2")

    run = runs.start(w)
    runs.send_event(run, "paid", "wrong", key="o-1")
    assert run.status == "waiting"

    runs.send_event(run, "paid", "right", key="o-2")
    assert run.result() == "right"


def test_an_event_with_a_known_id_is_stored_once(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> object:
        return [
            await ctx.wait_for_event("n"),
            await ctx.wait_for_event("n", timeout="1h", default=0),
        ]

    run = runs.start(w)
    runs.send_event(run, "n", 1, event_id="e-1")
    again = runs.send_event(run, "n", 1, event_id="e-1")
    runs.advance("1h")

    assert (again.delivered, again.reason.split(":")[0]) == (False, "duplicate")
    assert run.refresh().result() == [1, 0]


def test_a_timed_out_wait_continues_with_its_default(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> object:
        return await ctx.wait_for_event("renewed", timeout="7d", default=False)

    run = runs.start(w)
    runs.advance("7d")

    assert run.refresh().result() is False
    assert run.steps[0].status == "timed_out"


def test_a_timed_out_wait_without_a_default_raises_once_and_for_all(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> str:
        try:
            await ctx.wait_for_event("renewed", timeout="1h")
        except EventTimeout:
            await ctx.step("expire", effect, "expired")
            await ctx.sleep("1h")
            return "expired"
        return "renewed"

    run = runs.start(w)
    runs.advance("1h")
    runs.send_event(run, "renewed")
    runs.advance("1h")

    assert run.refresh().result() == "expired"
    assert effect.calls == ["expired"]


def test_the_first_of_two_waits_wins_and_the_other_is_withdrawn(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> object:
        waits = [asyncio.ensure_future(ctx.wait_for_event(name)) for name in ("yes", "no")]
        done, others = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for other in others:
            other.cancel()
        await ctx.sleep("1h")
        return done.pop().result()

    run = runs.start(w)
    runs.send_event(run, "no", "no!")

    assert {step.key: step.status for step in run.steps} == {
        "yes": "cancelled",
        "no": "completed",
        "sleep": "open",
    }
    runs.advance("1h")
    assert run.refresh().result() == "no!"


def test_asyncio_timeout_is_durable(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> str:
        try:
            async with asyncio.timeout(3600):
                await ctx.wait_for_event("never")
        except TimeoutError:
            return "timed out"
        return "came"

    run = runs.start(w)
    assert run.status == "waiting"
    runs.advance("1h")

    assert run.refresh().result() == "timed out"


def test_time_and_chance_are_the_same_on_every_replay(runs):
    seen = []

    @workflow(name="w")
    async def w(ctx: Context) -> None:
        seen.append((ctx.now(), ctx.uuid4(), ctx.random.random()))
        await ctx.sleep("1d")

    runs.start(w)
    runs.advance("1d")

    assert len(seen) == 2
    assert seen[0] == seen[1]


def test_step_metadata_is_there_in_the_body(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> object:
        await ctx.step("process", effect, 1)
        step = ctx.steps["process"]
        return [step.status, step.attempts, step.duration >= timedelta(0)]

    assert runs.start(w).result() == ["completed", 1, True]


def test_an_event_to_a_finished_or_unknown_run_says_so(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> None: ...

    run = runs.start(w)

    assert runs.send_event(run, "late") == type(runs.send_event(run, "late"))(
        False, "the run has completed"
    )
    assert send_event("x", run=uuid4()).reason == "no run has this id"
    assert send_event("x", run="nonsense").reason == "no run has this id"


@pytest.mark.parametrize("name", ["", "@kyc", "x" * 256])
def test_an_event_needs_a_name(runs, name):
    with pytest.raises(ValueError, match="event's name"):
        send_event(name, run=uuid4())


def test_a_run_is_found_by_its_id(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> int:
        return 3

    run = runs.start(w)

    assert isinstance(get_run(str(run.id)), Run)
    assert get_run(run.id).result() == 3
