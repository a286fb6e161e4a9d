"""Machines: charts that live as runs."""

from __future__ import annotations

import io
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.db import transaction as database_transaction
from pydantic import BaseModel

from orchestrator import (
    Context,
    InvalidInput,
    UnknownRun,
    get_run,
    workflow,
)
from orchestrator.models import Run as Row
from tests.orchestrator.lifecycle import OrderContext, register

PAID = ("PAYMENT_RECEIVED", {"amount": 30})


@pytest.fixture
def order(runs, effect):
    return register(tell=effect)


def test_an_order_goes_through_its_life(order, effect):
    machine = order.start(OrderContext(order_id="o-7"), idempotency_key="o-7")
    assert (machine.state, machine.status) == ("pending", "pending")

    told = machine.send(*PAID, actor="ann")

    assert (told.from_, told.to, told.accepted, told.refused_because) == (
        "pending",
        "processing",
        True,
        "",
    )
    assert machine.refresh().state == "processing"
    assert machine.context == OrderContext(order_id="o-7", paid=Decimal(30), told=1)
    assert effect.calls == ["o-7"]
    assert machine.send("SHIPPED")
    assert machine.send("DELIVERED").to == "completed"
    assert machine.refresh().status == "completed"
    assert machine.result() == "o-7"


def test_refused_events_change_nothing_and_are_kept_in_the_history(order):
    machine = order.start(OrderContext())

    too_little = machine.send("PAYMENT_RECEIVED", {"amount": 29}, actor="ann")
    broken = machine.send("PAYMENT_RECEIVED", {"sum": 30})
    unknown = machine.send("SHIPPED")

    assert too_little.accepted is broken.accepted is unknown.accepted is False
    assert too_little.refused_because == "not so: is_enough"
    assert "PAYMENT_RECEIVED has no 'amount'" in broken.refused_because
    assert unknown.refused_because == (
        "pending does not take SHIPPED; it takes PAYMENT_RECEIVED, CANCEL"
    )
    first, second, third = machine.history
    assert (first.event, first.actor, first.payload) == (
        "PAYMENT_RECEIVED",
        "ann",
        {"amount": 29},
    )
    assert first.guards == (
        {
            "guard": "is_enough",
            "to": "processing",
            "passed": False,
            "because": "not so: is_enough",
        },
    )
    assert [one.accepted for one in (first, second, third)] == [False] * 3
    assert first.sent_at <= first.at <= third.at
    assert machine.refresh().state == "pending"


def test_a_backorder_is_cancelled_after_two_weeks_of_one_visit(order, runs):
    machine = order.start(OrderContext())
    machine.send(*PAID)
    machine.send("OUT_OF_STOCK")
    runs.advance("13d")
    machine.send("RESTOCKED")
    machine.send("OUT_OF_STOCK")
    runs.advance("13d")
    assert machine.refresh().state == "backorder"

    runs.advance("1d")

    assert machine.refresh().state == "cancelled"
    assert [(one.event, one.to) for one in machine.history][-2:] == [
        ("OUT_OF_STOCK", "backorder"),
        ("after 14d", "cancelled"),
    ]


def test_a_delay_can_be_skipped_as_any_sleep(order, runs):
    machine = order.start(OrderContext())
    machine.send(*PAID)
    machine.send("OUT_OF_STOCK")

    machine.skip_sleep("after 14d in backorder")

    assert machine.refresh().state == "cancelled"


def test_can_asks_the_guards_and_changes_nothing(order):
    machine = order.start(OrderContext())

    assert machine.can(*PAID)
    assert not machine.can("PAYMENT_RECEIVED", {"amount": 1})
    assert not machine.can("PAYMENT_RECEIVED")
    assert not machine.can("SHIPPED")
    assert machine.preview(*PAID).to == "processing"
    assert machine.takes == ["PAYMENT_RECEIVED", "CANCEL"]
    assert machine.history == []
    assert machine.refresh().events == []


def test_nothing_can_happen_to_a_machine_that_has_ended(order):
    machine = order.start(OrderContext())
    machine.send("CANCEL")

    assert not machine.refresh().can(*PAID)
    assert machine.takes == []
    late = machine.send(*PAID)
    assert (late.accepted, late.refused_because) == (False, "the run has completed")


def test_an_event_that_a_machine_did_not_come_to_before_its_end_is_in_its_history(order, runs):
    machine = order.start(OrderContext())
    runs.close()
    machine.send("CANCEL", wait=False)
    late = machine.send("SHIPPED", actor="bob", wait=False)
    assert late.accepted is None

    runs.open()
    runs.drain()

    verdict = machine.verdict(late)
    assert verdict.accepted is False
    assert verdict.refused_because == "the machine had completed before it came to this event"
    assert [(one.event, one.accepted) for one in machine.refresh().history] == [
        ("CANCEL", True),
        ("SHIPPED", False),
    ]


def test_an_event_sent_twice_under_one_id_is_one_event_with_one_answer(order):
    machine = order.start(OrderContext())

    first = machine.send(*PAID, event_id="p-1")
    second = machine.send(*PAID, event_id="p-1")

    assert second == first
    assert len(machine.history) == 1


def test_in_a_transaction_an_event_is_judged_when_that_has_committed(order):
    machine = order.start(OrderContext())

    with database_transaction.atomic():
        told = machine.send(*PAID)
        assert told.accepted is None
        assert "inside a transaction" in told.refused_because

    assert machine.verdict(told).to == "processing"


def test_an_event_of_a_transaction_that_is_rolled_back_was_never_sent(order):
    machine = order.start(OrderContext())

    with database_transaction.atomic():
        told = machine.send(*PAID)
        database_transaction.set_rollback(True)

    assert machine.verdict(told).accepted is None
    assert machine.refresh().history == []


def test_without_a_worker_send_says_that_nobody_has_judged(order, runs):
    machine = order.start(OrderContext())
    runs.close()

    assert machine.send(*PAID, timeout="10ms").refused_because == (
        "not judged yet: no worker has come to it"
    )
    assert machine.send("CANCEL", wait=False).accepted is None


def test_events_sent_as_to_any_run_count_as_well(order, runs):
    machine = order.start(OrderContext())

    runs.send_event(machine, *PAID)
    get_run(machine.id).send_event("SHIPPED")

    assert machine.refresh().state == "shipped"


def test_a_machine_shows_what_it_waits_for(order):
    machine = order.start(OrderContext())
    machine.send(*PAID)
    machine.send("OUT_OF_STOCK")

    event, timer = machine.refresh().waiting_on

    assert (event.kind, event.name) == ("event", "RESTOCKED")
    assert (timer.kind, timer.name) == ("timer", "after 14d in backorder")


def test_machines_are_found_by_their_state(order, runs, django_assert_num_queries):
    paid, new = (order.start(OrderContext()) for _ in range(2))
    paid.send(*PAID)

    with django_assert_num_queries(1):
        [found] = order.find("processing")
        assert found.state == "processing"
    assert [one.id for one in order.find()] == [new.id, paid.id]
    assert order.find("processing", status="completed") == []
    with pytest.raises(ValueError, match=r"has no state 'procesing'\. It has: pending,"):
        order.find("procesing")


def test_a_machine_is_found_by_its_id_and_no_other_run_is(order):
    @workflow(name="other")
    async def other(ctx: Context) -> None: ...

    machine = order.start(OrderContext())

    assert order.get(str(machine.id)).state == "pending"
    with pytest.raises(UnknownRun, match="is a other, not a order-life"):
        order.get(other.start().id)


def test_state_and_context_are_read_with_one_query(order, django_assert_num_queries):
    machine = order.start(OrderContext())
    machine.send(*PAID)

    with django_assert_num_queries(1):
        machine.refresh()
        assert (machine.state, machine.context.told) == ("processing", 1)


class Payment(BaseModel):
    amount: Decimal


def test_a_payload_is_checked_at_the_sender_and_again_at_the_machine(runs, effect):
    order = register(tell=effect, events={"PAYMENT_RECEIVED": Payment})
    machine = order.start(OrderContext())

    with pytest.raises(InvalidInput, match="amount"):
        machine.send("PAYMENT_RECEIVED", {"amount": "much"})
    assert machine.refresh().events == []
    runs.send_event(machine, "PAYMENT_RECEIVED", {})
    assert "amount" in machine.history[0].refused_because
    assert machine.send("PAYMENT_RECEIVED", {"amount": "30.5"})
    assert machine.refresh().context.paid == Decimal("30.5")


@pytest.mark.parametrize("name", ["", "@x", "x" * 201])
def test_an_event_needs_a_name(order, name):
    machine = order.start(OrderContext())

    with pytest.raises(ValueError, match="an event's name"):
        machine.send(name)


def test_a_wrong_context_is_refused_before_anything_is_written(order):
    with pytest.raises(InvalidInput, match="total"):
        order.start({"total": "much"})

    assert not Row.objects.exists()


def test_the_course_of_a_machine_outlives_its_payloads(runs, effect):
    order = register(tell=effect, payload_retention="1d")
    machine = order.start(OrderContext())
    machine.send("PAYMENT_RECEIVED", {"amount": 3})
    machine.send("CANCEL")
    runs.advance("2d")

    call_command("prune", stdout=io.StringIO())

    first, second = machine.refresh().history
    assert (first.event, first.accepted, first.payload) == ("PAYMENT_RECEIVED", False, None)
    assert (first.refused_because, first.guards) == ("", ())
    assert (second.from_, second.to) == ("pending", "cancelled")
    assert (machine.state, machine.context) == ("cancelled", None)
