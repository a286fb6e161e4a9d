"""A few orders for `make demo`, one of which cannot be shipped."""

from __future__ import annotations

from decimal import Decimal

from examples.orders.workflows import Invoice, Item, Order, pay_supplier, process_order

LAMP = Item(name="Lamp", price=Decimal("79.90"))
DESK = Item(name="Desk", price=Decimal("349.00"))
GLOBE = Item(name="Globe", price=Decimal("120.00"), in_stock=False)

ORDERS = (
    Order(order_id="A-7001", address="Kanalstr. 3, Hamburg", items=[LAMP]),
    Order(order_id="A-7002", address="Rue du Lac 12, Genève", items=[DESK, LAMP]),
    Order(order_id="A-7003", address="Marktplatz 1, Bremen", items=[GLOBE]),
)


def seed() -> None:
    """Start what is not there yet."""
    for order in ORDERS:
        process_order.start(order, initiator="shop")
    invoice = Invoice(number="R-2231", supplier="Leuchten Brandt", amount=Decimal("1890.00"))
    pay_supplier.start(invoice, initiator="accounting")
