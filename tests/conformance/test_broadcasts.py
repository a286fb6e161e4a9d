"""Events to no run in particular: they reach all that wait for them, now or soon."""

from __future__ import annotations

import asyncio

import pytest

from orchestrator import Context, send_event, workflow


@pytest.fixture
def listener():
    """A workflow that waits for "released", with a key and after some hours if it is told to."""

    @workflow(name="listener")
    async def listener(ctx: Context, told: dict) -> object:
        await ctx.sleep(hours=told.get("after", 0))
        return await ctx.wait_for_event("released", told.get("key"))

    return listener


def test_an_event_reaches_every_run_that_waits_for_it(runs, listener):
    waiting = [runs.start(listener, {}) for _ in range(3)]

    delivery = send_event("released", "v2")
    runs.drain()

    assert [run.refresh().result() for run in waiting] == ["v2"] * 3
    assert delivery.delivered
    assert set(delivery.run_ids) == {run.id for run in waiting}


def test_an_event_reaches_a_run_that_begins_to_wait_soon(runs, listener, settings):
    settings.ORCHESTRATOR_EVENT_TTL = "2h"
    late = runs.start(listener, {"after": 1})

    delivery = send_event("released", "v2")
    runs.advance("1h")

    assert late.refresh().result() == "v2"
    assert not delivery.delivered
    assert "kept" in delivery.reason


def test_an_event_reaches_a_run_that_is_started_soon(runs, listener):
    send_event("released", "v2")

    assert runs.start(listener, {}).result() == "v2"


def test_an_event_is_not_kept_for_ever(runs, listener, settings):
    settings.ORCHESTRATOR_EVENT_TTL = "1h"
    send_event("released", "v2")
    runs.advance("61m")

    assert runs.start(listener, {}).status == "waiting"


def test_an_event_with_a_key_reaches_those_that_wait_for_this_key(runs, listener):
    mine, yours = runs.start(listener, {"key": "a"}), runs.start(listener, {"key": "b"})

    send_event("released", "v2", key="a")
    runs.drain()

    assert mine.refresh().result() == "v2"
    assert yours.refresh().status == "waiting"


def test_a_wait_without_a_key_hears_events_with_any(runs, listener):
    run = runs.start(listener, {})

    send_event("released", "v2", key="a")
    runs.drain()

    assert run.refresh().result() == "v2"


def test_an_event_with_a_known_id_is_sent_once(runs, listener):
    run = runs.start(listener, {})

    assert send_event("released", 1, event_id="e-1").delivered
    again = send_event("released", 1, event_id="e-1")

    assert (again.delivered, again.run_ids) == (False, ())
    assert "duplicate" in again.reason
    assert run.refresh().result() == 1


def test_a_run_gets_an_event_once_however_often_it_waits(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> list[object]:
        first = await ctx.wait_for_event("released")
        return [first, await ctx.wait_for_event("released", timeout="1h", default="none")]

    run = runs.start(w)
    send_event("released", "v2")
    runs.advance("1h")

    assert run.refresh().result() == ["v2", "none"]


def test_an_event_ends_one_of_several_waits_of_a_run(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await asyncio.gather(*(ctx.wait_for_event("released") for _ in range(2)))

    run = runs.start(w)
    send_event("released", "v2")
    runs.drain()

    assert [step.status for step in run.refresh().steps] == ["completed", "open"]


def test_nobody_listens_is_said_and_nothing_is_lost(runs):
    delivery = send_event("unheard")

    assert (delivery.delivered, delivery.run_ids) == (False, ())
    assert "no run waits" in delivery.reason


def test_a_broadcast_is_no_event_of_runs_that_do_not_ask_for_it(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.wait_for_event("other")

    run = runs.start(w)
    send_event("released")

    assert run.refresh().events == []
