"""Orders are charged and shipped; money goes back when they cannot be."""

from __future__ import annotations

from decimal import Decimal

import pytest

from examples.orders.workflows import (
    Invoice,
    Item,
    Order,
    OutOfStock,
    pay_supplier,
    process_order,
)
from orchestrator import IdempotencyConflict, RunFailed

LAMP = Item(name="Lamp", price=Decimal("79.90"))
GLOBE = Item(name="Globe", price=Decimal("120.00"), in_stock=False)


def order(*items: Item, number: str = "A-1") -> Order:
    return Order(order_id=number, address="Kanalstr. 3", items=list(items))


def test_an_order_is_charged_and_shipped(runs):
    run = runs.start(process_order, order(LAMP))

    assert run.result().payment.amount == Decimal("79.90")
    assert run.result().tracking == "TRACK-A-1"


def test_what_cannot_be_shipped_is_refunded_and_the_run_fails_with_the_reason(runs):
    run = runs.start(process_order, order(GLOBE))

    assert [step.key for step in run.steps] == ["validate", "charge", "ship", "refund"]
    with pytest.raises(RunFailed, match="not on the shelf: Globe"):
        run.result()
    assert run.steps[2].attempts == 1, f"{OutOfStock.__name__} is not tried again"


def test_the_payment_is_tried_again_until_it_works(runs):
    runs.fail(step="charge", times=4, error=ConnectionError("502"))
    run = runs.start(process_order, order(LAMP))
    runs.advance("2m")

    charge = run.refresh().steps[1]
    assert (charge.status, charge.attempts) == ("completed", 5)
    # Half of 0.5 s + 1 s + 2 s + 4 s at least: that much is left to chance.
    assert charge.duration.total_seconds() >= 3.75


def test_an_order_that_comes_twice_is_one_run(runs):
    first, again = runs.start(process_order, order(LAMP)), process_order.start(order(LAMP))

    assert first.id == again.id
    with pytest.raises(IdempotencyConflict):
        process_order.start(order(LAMP, LAMP))


def test_a_transfer_that_failed_goes_through_when_an_operator_retries_it(runs, settings):
    settings.EXAMPLES_LATENCY = 0.001
    run = runs.start(pay_supplier, Invoice(number="R-1", supplier="Brandt", amount=Decimal(10)))
    runs.advance("1m")
    assert run.refresh().status == "failed"
    run.retry()
    runs.drain()

    assert run.refresh().result() == "paid-R-1"
