"""The life of an order as a state machine, for the tests of machines."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from pydantic import BaseModel

from orchestrator import Event, StateMachine, state, state_machine, transition


class OrderContext(BaseModel):
    order_id: str = "o-1"
    total: Decimal = Decimal(30)
    paid: Decimal | None = None
    told: int = 0


def is_enough(ctx: OrderContext, event: Event) -> bool:
    return bool(event.amount >= ctx.total)


def mark_paid(ctx: OrderContext, event: Event) -> None:
    ctx.paid = event.amount


def register(*, tell: Any, **options: Any) -> StateMachine[OrderContext]:
    """The chart; `tell` is executed when the order is being processed."""

    def notify_warehouse(ctx: OrderContext) -> None:
        tell(ctx.order_id)
        ctx.told += 1

    return state_machine(
        name="order-lifecycle",
        initial="pending",
        context=OrderContext,
        states={
            "pending": state(
                on={
                    "PAYMENT_RECEIVED": transition("processing", guard=is_enough, action=mark_paid),
                    "CANCEL": transition("cancelled"),
                }
            ),
            "processing": state(
                on_enter=notify_warehouse,
                on={"SHIPPED": transition("shipped"), "OUT_OF_STOCK": transition("backorder")},
            ),
            "backorder": state(
                after={"14d": transition("cancelled")}, on={"RESTOCKED": transition("processing")}
            ),
            "shipped": state(
                on={"DELIVERED": transition("completed"), "RETURN_REQUESTED": "returning"}
            ),
            "returning": state(on={"RETURNED": transition("cancelled")}),
            "completed": state(type="final", output=lambda ctx: ctx.order_id),
            "cancelled": state(type="final"),
        },
        **options,
    )
