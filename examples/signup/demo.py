"""A few people for `make demo`."""

from __future__ import annotations

from decimal import Decimal

from examples.signup.workflows import Fee, NewUser, membership_fee, morning_digest, onboard_user


def seed() -> None:
    """Start what is not there yet."""
    for name in ("mara", "ivo"):
        onboard_user.start(NewUser(email=f"{name}@members.example"), initiator="website")
    membership_fee.start(Fee(member="M-204", amount=Decimal("48.00")), initiator="treasurer")
    morning_digest.start(delay="2h", idempotency_key="demo-digest", initiator="calendar")
