"""A few customers for `make demo`. Starting them again changes nothing."""

from __future__ import annotations

from examples.onboarding.workflows import (
    Customer,
    Subscription,
    enrich_customer,
    onboard_customer,
    subscription_lifecycle,
)

TEAMS = ("compliance-team",)

CUSTOMERS = (
    Customer(name="Ines Albrecht", email="ines@hafenrost.example", company="Hafenrost GmbH"),
    Customer(name="Tomás Vidal", email="tomas@solmar.example", country="ES", company="Solmar SL"),
    Customer(name="Noor de Wit", email="noor@grachtenhuis.example", country="NL"),
    Customer(
        name="Bruno Keller", email="bruno@almwerk.example", country="CH", company="Almwerk AG"
    ),
)


def seed() -> None:
    """Start what is not there yet."""
    for customer in CUSTOMERS:
        onboard_customer.start(customer, initiator="website")
    enrich_customer.start(CUSTOMERS[0], idempotency_key="demo-enrich", initiator="crm")
    for number in ("S-1001", "S-1002"):
        subscription = Subscription(number=number, email=f"{number.lower()}@customers.example")
        subscription_lifecycle.start(subscription, initiator="billing")
