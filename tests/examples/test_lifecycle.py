"""An order goes its way, is refused what it may not, and comes back to people."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core import mail

from examples.lifecycle.demo import STORIES, seed
from examples.lifecycle.workflows import OrderContext, order_lifecycle
from humantasks import inbox
from humantasks.models import HumanTask
from orchestrator import InvalidInput

ORDER = OrderContext(order_id="o-1", email="ana@example.org", total=Decimal(30))


@pytest.fixture
def order(runs):
    return order_lifecycle.start(ORDER, initiator="shop")


def pay(machine, amount=30):
    return machine.send("PAYMENT_RECEIVED", {"amount": amount}, actor="bank")


def ship(machine):
    pay(machine)
    machine.send("SHIPPED", {"tracking": "TRACK-1"})


def test_an_order_is_paid_shipped_and_delivered(order):
    assert pay(order).to == "processing"
    assert order.send("SHIPPED", {"tracking": "TRACK-1"}).to == "shipped"
    assert order.send("DELIVERED").to == "completed"

    assert order.refresh().result() == Decimal(30)
    assert order.context.paid_at is not None
    [message] = mail.outbox
    assert message.body == "Your order o-1 is on its way: TRACK-1"


def test_a_part_of_the_sum_is_refused_with_what_is_missing(order):
    told = pay(order, 20)

    assert (told.accepted, told.refused_because) == (False, "10 is still missing")
    assert order.refresh().state == "pending"


def test_what_is_not_expected_is_refused_and_kept(order):
    order.send("SHIPPED", {"tracking": "TRACK-1"})

    [kept] = order.history
    assert kept.refused_because == (
        "pending does not take SHIPPED; it takes PAYMENT_RECEIVED, CANCEL"
    )
    with pytest.raises(InvalidInput, match="tracking"):
        order.send("SHIPPED", {"number": 1})


def test_an_order_that_nobody_pays_is_cancelled(order, runs):
    runs.advance("30d")

    assert order.refresh().state == "cancelled"
    assert order.result() == 0


def test_a_backorder_waits_two_weeks_and_no_longer(order, runs):
    pay(order)
    order.send("OUT_OF_STOCK")
    runs.advance("13d")
    order.send("RESTOCKED")
    order.send("OUT_OF_STOCK")
    runs.advance("13d")
    assert order.refresh().state == "backorder"

    runs.advance("1d")

    assert order.refresh().state == "cancelled"
    assert [message.subject for message in mail.outbox] == ["Your order", "Your order"]


def test_the_warehouse_is_told_until_it_listens(order, runs):
    runs.fail(step="notify_warehouse", times=5, error=ConnectionError("refused"))
    pay(order)
    runs.advance("5m")

    assert order.refresh().status == "waiting"
    assert [one.attempts for one in order.steps if one.key == "notify_warehouse"] == [6]


APPROVED = {"outcome": "approve", "data": {"amount": "25.00", "note": ""}}
REJECTED = {"outcome": "reject", "comment": "It was worn."}


@pytest.mark.parametrize(
    ("answer", "state", "kept"),
    [(APPROVED, "cancelled", Decimal(5)), (REJECTED, "completed", Decimal(30))],
)
def test_what_comes_back_is_looked_at_by_a_person(order, ruth, answer, state, kept):
    ship(order)
    order.send("RETURN_REQUESTED")
    assert order.refresh().state == "returning.on-its-way"
    order.send("RETURNED")
    assert [one.kind for one in order.refresh().waiting_on] == ["human_task"]
    task = HumanTask.objects.get(run_id=order.id)

    inbox.claim(task, user=ruth)
    inbox.complete(task, user=ruth, **answer)

    assert order.refresh().state == state
    assert order.result() == kept
    assert order.history[-1].event == "inspect_goods done"


def test_the_orders_of_the_demo_come_to_rest_where_they_should(runs):
    seed()
    runs.drain()

    machines = {one.context.order_id: one for one in order_lifecycle.find()}
    assert {key: one.state for key, one in machines.items()} == {
        "L-9001": "pending",
        "L-9002": "pending",
        "L-9003": "processing",
        "L-9004": "backorder",
        "L-9005": "shipped",
        "L-9006": "returning.inspection",
        "L-9007": "completed",
        "L-9008": "cancelled",
    }
    assert machines.keys() == STORIES.keys()
    assert [one.accepted for one in machines["L-9002"].history] == [False, False]
    assert machines["L-9004"].waiting_on[1].until - machines["L-9004"].created_at > timedelta(13)
