"""Orders in every state for `make demo`. Starting them again changes nothing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from examples.lifecycle.workflows import OrderContext, order_lifecycle

TEAMS = ("compliance-team",)

PAID = ("PAYMENT_RECEIVED", {"amount": "120.00"})
SHIPPED = ("SHIPPED", {"tracking": "TRACK-88"})

# Each order, and what happens to it.
STORIES: dict[str, list[tuple[str, Any]]] = {
    "L-9001": [],
    "L-9002": [("PAYMENT_RECEIVED", {"amount": "20.00"}), ("SHIPPED", {"tracking": "TRACK-1"})],
    "L-9003": [PAID],
    "L-9004": [PAID, ("OUT_OF_STOCK", None)],
    "L-9005": [PAID, ("OUT_OF_STOCK", None), ("RESTOCKED", None), SHIPPED],
    "L-9006": [PAID, SHIPPED, ("RETURN_REQUESTED", None), ("RETURNED", None)],
    "L-9007": [PAID, SHIPPED, ("DELIVERED", None)],
    "L-9008": [("CANCEL", None)],
}


def seed() -> None:
    """Start what is not there yet, and send what was not sent."""
    for order_id, story in STORIES.items():
        context = OrderContext(
            order_id=order_id, email=f"{order_id.lower()}@customers.example", total=Decimal(120)
        )
        machine = order_lifecycle.start(context, initiator="shop")
        for number, (event, payload) in enumerate(story):
            key = f"demo-{number}"
            machine.send(event, payload, actor="shop", event_id=key, wait=False)
