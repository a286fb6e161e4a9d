"""An order that waits for events, for time and for people, and always is in one known state."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.core.mail import send_mail
from django.utils import timezone
from pydantic import BaseModel, Field

from examples.services import call
from humantasks import HumanTaskResult, human_task
from orchestrator import (
    Context,
    Event,
    Refused,
    Retry,
    action,
    invoke,
    state,
    state_machine,
    transition,
)


class OrderContext(BaseModel):
    """What is known of an order while it lives."""

    order_id: str
    email: str
    total: Decimal = Field(gt=0)
    paid: Decimal = Decimal(0)
    paid_at: datetime | None = None
    tracking: str = ""
    refund: Decimal = Decimal(0)


class Payment(BaseModel):
    amount: Decimal


class Parcel(BaseModel):
    tracking: str


class Refund(BaseModel):
    """What is filled in when goods have come back."""

    amount: Decimal = Field(ge=0, title="Refund")
    note: str = Field("", title="Note for the customer", max_length=500)


# --- Guards: may the transition be taken? ------------------------------------------------


def is_paid_in_full(order: OrderContext, event: Event) -> bool:
    if order.paid + event.amount < order.total:
        raise Refused(f"{order.total - order.paid - event.amount} is still missing")
    return True


def is_accepted(order: OrderContext, event: Event) -> bool:
    return bool(event.approved)


# --- Actions: each is a recorded step, and may change the order ---------------------------


def mark_paid(order: OrderContext, event: Event) -> None:
    order.paid += event.amount
    order.paid_at = timezone.now()


def notify_warehouse(order: OrderContext) -> None:
    call(0.5, fails=0.2, error="warehouse: connection refused")


def note_tracking(order: OrderContext, event: Event) -> None:
    order.tracking = event.tracking


def send_shipping_notification(order: OrderContext) -> None:
    text = f"Your order {order.order_id} is on its way: {order.tracking}"
    send_mail("Your order", text, None, [order.email])


def send_apology(order: OrderContext) -> None:
    send_mail("Your order", f"We are out of stock: {order.order_id} waits.", None, [order.email])


def pay_back(order: OrderContext, event: Event) -> None:
    call(0.4)
    order.refund = event.data.amount


async def inspect_goods(ctx: Context, order: OrderContext) -> HumanTaskResult[Refund]:
    """What came back is looked at by a person."""
    return await human_task(
        ctx,
        "inspection",
        title=f"Goods of order {order.order_id} have come back",
        assign_to="compliance-team",
        data=order,
        form=Refund,
        due="2d",
    )


# --- The chart ---------------------------------------------------------------------------

order_lifecycle = state_machine(
    name="order-lifecycle",
    initial="pending",
    context=OrderContext,
    events={"PAYMENT_RECEIVED": Payment, "SHIPPED": Parcel},
    idempotency_key="order-{order_id}",
    states={
        "pending": state(
            on={
                "PAYMENT_RECEIVED": transition(
                    "processing", guard=is_paid_in_full, action=mark_paid
                ),
                "CANCEL": "cancelled",
            },
            after={"30d": "cancelled"},
        ),
        "processing": state(
            on_enter=action(notify_warehouse, retry=Retry(max_attempts=6)),
            on={
                "SHIPPED": transition("shipped", action=note_tracking),
                "OUT_OF_STOCK": "backorder",
            },
        ),
        "backorder": state(
            on_enter=send_apology,
            on={"RESTOCKED": "processing"},
            after={"14d": "cancelled"},
        ),
        "shipped": state(
            on_enter=send_shipping_notification,
            on={"DELIVERED": "completed", "RETURN_REQUESTED": "returning"},
        ),
        "returning": state(
            initial="on-its-way",
            states={
                "on-its-way": state(on={"RETURNED": "inspection"}, after={"30d": "completed"}),
                "inspection": state(
                    invoke=invoke(
                        inspect_goods,
                        on_done=[
                            transition("cancelled", guard=is_accepted, action=pay_back),
                            transition("completed"),
                        ],
                    )
                ),
            },
        ),
        "completed": state(type="final", output=lambda order: order.total - order.refund),
        "cancelled": state(type="final", output=lambda order: order.paid - order.refund),
    },
)
