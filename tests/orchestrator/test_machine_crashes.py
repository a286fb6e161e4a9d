"""Machines whose workers die, whose actions fail, and whose code changes."""

from __future__ import annotations

import contextlib
import io
import json

import pytest
from django.core.management import CommandError, call_command

from orchestrator import (
    ActionRefused,
    Context,
    NonDeterminism,
    action,
    failpoints,
    get_run,
    histories,
    invoke,
    state,
    state_machine,
    transition,
    waits,
    workflow,
)
from orchestrator.core.definition import registry
from orchestrator.models import Entry
from orchestrator.testing import replay_check
from tests.orchestrator.lifecycle import OrderContext, register

PAID = ("PAYMENT_RECEIVED", {"amount": 30})


@pytest.fixture
def order(runs, effect):
    return register(tell=effect)


AROUND_STEPS = ("before_body", "after_body")
AT_THE_END = ("before_finish", "after_finish")


@pytest.mark.parametrize(
    ("failpoint", "step"),
    [
        *((name, None) for name in failpoints.NAMES if name not in AT_THE_END),
        *((name, step) for name in AROUND_STEPS for step in ("mark_paid", "notify_warehouse")),
    ],
)
def test_a_machine_goes_on_in_the_middle_of_a_transition(runs, order, effect, failpoint, step):
    machine = order.start(OrderContext())
    runs.crash_at(failpoint, step=step)

    told = machine.send(*PAID, wait=False)
    runs.drain()
    runs.drain()

    assert machine.refresh().state == "processing"
    assert machine.verdict(told).to == "processing"
    assert machine.context.told == 1
    steps = [one.key for one in machine.steps if one.kind == "step"]
    assert steps == ["mark_paid", "notify_warehouse"]
    assert len(machine.history) == 1
    # An effect that was recorded is not repeated; one that was not is.
    assert len(effect.calls) <= 2


def test_a_death_at_every_point_in_turn(runs, order, settings):
    settings.ORCHESTRATOR_MAX_CRASHES = 100
    machine = order.start(OrderContext())
    for failpoint in failpoints.NAMES:
        runs.crash_at(failpoint)

    for event in (PAID, ("SHIPPED",), ("DELIVERED",)):
        machine.send(*event, wait=False)
        for _ in failpoints.NAMES:
            runs.drain()

    assert machine.refresh().result() == "o-1"
    assert [one.event for one in machine.history] == ["PAYMENT_RECEIVED", "SHIPPED", "DELIVERED"]


# ---- actions that fail ---------------------------------------------------------------


def test_an_action_is_retried_and_shows_where_the_machine_is_meanwhile(runs, order):
    runs.fail(step="notify_warehouse", times=2, error=ConnectionError("no line"))
    machine = order.start(OrderContext())

    told = machine.send(*PAID)

    assert (told.accepted, told.is_done, told.to) == (True, False, "processing")
    assert (machine.refresh().state, machine.status) == ("processing", "awaiting_retry")
    assert machine.context.paid is None  # that of the last rest
    runs.advance("1m")
    assert machine.refresh().context.told == 1
    assert machine.verdict(told).is_done


def test_a_machine_whose_action_failed_goes_on_from_there_when_it_is_retried(runs, order, effect):
    runs.fail(step="notify_warehouse", times=3, error=ConnectionError("no line"))
    machine = order.start(OrderContext())
    machine.send(*PAID)
    runs.advance("1h")
    assert machine.refresh().status == "failed"
    assert machine.error["key"] == "notify_warehouse"

    machine.retry()

    assert (machine.refresh().status, machine.state) == ("waiting", "processing")
    assert effect.calls == ["o-1"]
    assert machine.send("SHIPPED")


def test_a_state_may_take_the_failure_of_an_action(runs):
    def pack(ctx):
        raise OSError("jammed")

    machine = state_machine(
        name="packing",
        initial="packing",
        states={
            "packing": state(on_enter=pack, on_error="by-hand"),
            "by-hand": state(on={"PACKED": "done"}),
            "done": state(type="final"),
        },
    ).start()
    runs.advance("1h")

    assert machine.refresh().state == "by-hand"
    assert machine.send("PACKED")


def test_an_atomic_action_writes_with_its_record(runs, person):
    def give_access(ctx):
        person("zoe")

    machine = state_machine(
        name="joining",
        initial="outside",
        states={
            "outside": state(on={"JOIN": "inside"}),
            "inside": state(on_enter=action(give_access, atomic=True)),
        },
    ).start()
    runs.crash_at("after_body", step="give_access")

    machine.send("JOIN", wait=False)
    runs.drain()

    # Had the first attempt's row stayed, the second would have failed.
    assert machine.refresh().state == "inside"


def test_what_was_done_before_a_transition_cannot_be_done_again(runs, order):
    machine = order.start(OrderContext())
    machine.send(*PAID)
    machine.send("OUT_OF_STOCK")
    runs.fail(step="notify_warehouse#2", times=3, error=ConnectionError("no line"))
    machine.send("RESTOCKED")
    runs.advance("1h")

    with pytest.raises(ActionRefused, match="has taken transitions since 'mark_paid'"):
        machine.retry_from("mark_paid")
    with pytest.raises(ActionRefused, match="a state machine cannot be forked"):
        machine.fork("mark_paid")
    machine.retry_from("notify_warehouse#2")

    assert machine.refresh().context.told == 2


@pytest.mark.parametrize("again", ["retry", "retry_from"])
def test_what_a_state_invokes_is_done_again_from_the_step_that_failed(runs, effect, again):
    def weigh():
        effect("weighed")

    def measure():
        effect("measured")

    async def look(ctx, context):
        await ctx.step("weigh", weigh)
        await ctx.step("measure", measure)

    machine = state_machine(
        name="looking",
        initial="idle",
        states={
            "idle": state(on={"GO": "looking"}),
            "looking": state(invoke=invoke(look, on_done="done"), on={"NOTE": transition()}),
            "done": state(),
        },
    ).start()
    runs.fail(step="weigh", times=3, error=ConnectionError("no line"))
    machine.send("GO")
    runs.advance("1h")
    assert machine.refresh().status == "failed"

    machine.retry() if again == "retry" else machine.retry_from("weigh")
    runs.drain()

    assert machine.refresh().state == "done"
    assert effect.calls == ["weighed", "measured"]


# ---- code that changes ---------------------------------------------------------------


def redefine(**states):
    registry._by_name.pop("order-life")
    return state_machine(name="order-life", initial="pending", context=OrderContext, states=states)


def doctor() -> dict[str, dict[str, object]]:
    out = io.StringIO()
    with contextlib.suppress(CommandError):
        call_command("doctor", json=True, stdout=out)
    return {one["name"]: one for one in json.loads(out.getvalue())}


def test_a_machine_in_a_state_that_is_gone_is_blocked_until_it_is_back(runs, order):
    machine = order.start(OrderContext())
    machine.send(*PAID)
    assert doctor()["states of machines"]["is_good"]

    redefine(pending=state(on={"PAYMENT_RECEIVED": "shipped"}), shipped=state(type="final"))

    finding = doctor()["states of machines"]
    assert not finding["is_good"]
    assert finding["detail"] == ("order-life 1: 1 in 'processing', which is no state any more")
    machine.send("SHIPPED", wait=False)
    assert machine.refresh().status == "blocked"
    assert machine.error["type"] == "UnknownState"
    assert "in 'processing', which is no state any more" in machine.error["message"]

    redefine(
        pending=state(on={"PAYMENT_RECEIVED": "processing"}),
        processing=state(on={"SHIPPED": "shipped"}),
        shipped=state(type="final"),
    )
    machine.resume()
    assert machine.refresh().status == "completed"


def test_a_machine_learns_of_a_changed_delay_when_it_wakes(runs, order):
    machine = order.start(OrderContext())
    machine.send(*PAID)
    soon = {"shipped": state(type="final")}
    redefine(
        pending=state(on={"PAYMENT_RECEIVED": "processing"}),
        processing=state(after={"7d": "shipped"}),
        **soon,
    )
    machine.send("LOOK")
    redefine(
        pending=state(on={"PAYMENT_RECEIVED": "processing"}),
        processing=state(after={"2d": "shipped"}),
        **soon,
    )
    runs.advance("3d")
    assert machine.refresh().state == "processing"

    machine.send("LOOK")

    assert machine.refresh().status == "completed"


def test_a_context_that_todays_class_refuses_blocks_the_machine(runs, order, monkeypatch):
    machine = order.start(OrderContext())
    machine.send("SHIPPED")
    monkeypatch.delattr("tests.orchestrator.lifecycle.OrderContext")

    machine.send(*PAID, wait=False)

    assert machine.refresh().status == "blocked"
    assert "OrderContext" in machine.error["message"]


def test_a_machine_keeps_its_version(runs, effect):
    old = register(tell=effect, version="1")
    machine = old.start(OrderContext())
    register(tell=effect, version="2")

    machine.send(*PAID)

    assert machine.refresh().version == "1"
    assert old.start(OrderContext()).version == "2"
    assert [one.version for one in old.find()] == ["2", "1"]


# ---- what goes on beside -------------------------------------------------------------


def test_what_a_state_invokes_survives_deaths_and_other_events(runs):
    @workflow(name="check")
    async def check(ctx: Context, context: dict) -> str:
        return await ctx.wait_for_event("answer")

    machine = state_machine(
        name="checking",
        initial="checking",
        context={},
        states={
            "checking": state(
                invoke=invoke(check, on_done=transition("done")), on={"NOTE": transition()}
            ),
            "done": state(type="final"),
        },
    ).start()
    for failpoint in ("after_claim", "after_record", "before_park", "after_park"):
        runs.crash_at(failpoint, run=machine)
        machine.send("NOTE", wait=False)
        runs.drain()

    child = Entry.objects.get(run_id=machine.id, kind="child")
    [child_run] = [get_run(one.id) for one in child.run.children.all()]
    runs.send_event(child_run, "answer", "fine")

    assert machine.refresh().status == "completed"
    assert len([one for one in machine.history if one.event == "NOTE"]) == 4


async def ask(ctx, context):
    return await ctx.wait("card", kind="card")


async def ask_again(ctx, context):
    return await ctx.wait("second", kind="second")


def test_what_a_left_state_invoked_is_closed_though_that_could_not_be_recorded_at_first(runs):
    closed, faults = [], [OSError("no paper")]

    def open_second(opening):
        if faults:
            raise faults.pop()

    waits.register(waits.WaitKind("card", lambda opening: None, closed.append))
    waits.register(waits.WaitKind("second", open_second, lambda closing: None))
    machine = state_machine(
        name="asking",
        initial="asking",
        states={
            "asking": state(invoke=invoke(ask), on={"STOP": "stopped"}),
            "stopped": state(invoke=invoke(ask_again)),
        },
    ).start()
    machine.send("STOP", wait=False)
    assert (machine.refresh().status, closed) == ("blocked", [])

    machine.resume()

    assert machine.refresh().state == "stopped"
    assert [one.keys for one in closed] == [["card"]]
    assert [one.name for one in machine.waiting_on if one.kind != "event"] == ["second"]


def test_a_recorded_machine_is_replayed_against_todays_code(runs, order):
    machine = order.start(OrderContext())
    for event in (("SHIPPED",), PAID, ("OUT_OF_STOCK",), ("RESTOCKED",), ("OUT_OF_STOCK",)):
        machine.send(*event)
    runs.advance("3d")
    history = histories.export(machine.refresh()._row)

    replayed = replay_check(history)

    assert (replayed.status, replayed.then) == ("waiting", "waits")
    redefine(pending=state(on={"PAYMENT_RECEIVED": "shipped"}), shipped=state(type="final"))
    with pytest.raises(NonDeterminism):
        replay_check(history)
