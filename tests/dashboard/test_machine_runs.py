"""A state machine on the page of its run."""

from __future__ import annotations

import pytest

from tests.orchestrator.lifecycle import OrderContext, register


@pytest.fixture
def order(runs):
    machine = register(tell=print).start(OrderContext())
    machine.send("PAYMENT_RECEIVED", {"amount": 30}, actor="ann")
    machine.send("DELIVERED")
    machine.send("OUT_OF_STOCK")
    return machine.refresh()


@pytest.mark.parametrize("tab", ["", "history", "events", "values", "audit"])
def test_every_tab_of_a_machine_can_be_read(order, operator, tab):
    response = operator.get(f"/ops/runs/{order.id}/", {"tab": tab} if tab else {})

    assert response.status_code == 200
