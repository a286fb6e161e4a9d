"""Machines with contexts of other kinds, and machines among other runs."""

from __future__ import annotations

from datetime import timedelta

import pytest

from orchestrator import (
    Context,
    clock,
    get_run,
    invoke,
    state,
    state_machine,
    transition,
    workflow,
)
from orchestrator.models import Run as Row
from tests.orchestrator.lifecycle import OrderContext, register

PAID = ("PAYMENT_RECEIVED", {"amount": 30})


@pytest.fixture
def order(runs, effect):
    return register(tell=effect)


# ---- contexts of other kinds ---------------------------------------------------------


def count(ctx):
    ctx["n"] += 1


def test_a_context_may_be_a_dictionary_with_a_default(runs):
    machine = state_machine(
        name="counter",
        initial="a",
        context={"n": 0},
        states={"a": state(on={"GO": transition(action=count)})},
    )

    first, second = machine.start(), machine.start({"n": 5})
    first.send("GO")
    second.send("GO")

    assert (first.refresh().context, second.refresh().context) == ({"n": 1}, {"n": 6})


def test_a_machine_may_do_without_a_context(runs):
    switch = state_machine(
        name="switch",
        initial="off",
        states={"off": state(on={"FLIP": "on"}), "on": state(on={"FLIP": "off"})},
    )
    machine = switch.start()

    machine.send("FLIP")

    assert (machine.refresh().state, machine.context) == ("on", {})


# ---- with other runs -----------------------------------------------------------------


@pytest.fixture
def checking(runs):
    @workflow(name="check")
    async def check(ctx: Context, context: OrderContext) -> str:
        answer = await ctx.wait_for_event("answer")
        return f"{context.order_id}: {answer}"

    return state_machine(
        name="checking",
        initial="checking",
        context=OrderContext,
        states={
            "checking": state(
                invoke=invoke(check, on_done=transition("done", action=keep)),
                on={"STOP": "stopped", "NOTE": transition()},
            ),
            "done": state(type="final"),
            "stopped": state(),
        },
    )


def keep(ctx, event):
    ctx.order_id = event.payload


def test_a_machine_waits_for_a_workflow_that_its_state_invokes(checking, runs):
    machine = checking.start(OrderContext())
    machine.send("NOTE")
    child = Row.objects.get(parent_id=machine.id)

    runs.send_event(get_run(child.id), "answer", "fine")

    assert machine.refresh().state == "done"
    assert machine.context.order_id == "o-1: fine"


def test_a_workflow_is_cancelled_when_its_state_is_left(checking, runs):
    machine = checking.start(OrderContext())

    machine.send("STOP")
    runs.drain()

    assert machine.refresh().state == "stopped"
    assert Row.objects.get(parent_id=machine.id).status == "cancelled"


def test_cancelling_a_machine_ends_it_where_it_is(checking, runs):
    machine = checking.start(OrderContext())

    machine.cancel("no longer wanted")
    runs.drain()

    assert (machine.refresh().state, machine.status) == ("checking", "cancelled")
    assert not machine.can("STOP")


def test_a_paused_machine_keeps_its_events_and_its_delays(order, runs):
    machine = order.start(OrderContext())
    machine.pause()

    told = machine.send(*PAID)
    assert (told.accepted, told.refused_because) == (None, "not judged yet: the machine is paused")
    machine.resume()

    assert machine.refresh().state == "processing"


def test_the_clock_of_a_machine_is_the_engines(order, runs):
    machine = order.start(OrderContext())
    clock.move(timedelta(days=400))

    told = machine.send(*PAID)

    assert told.at - machine.created_at > timedelta(days=399)
