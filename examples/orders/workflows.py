"""Charge, ship, and refund when the order cannot be shipped."""

from __future__ import annotations

from decimal import Decimal

from pydantic import BaseModel, Field

from examples.services import call, under_repair
from orchestrator import Context, NonRetryable, Retry, StepFailed, current_step, workflow


class Item(BaseModel):
    name: str
    price: Decimal = Field(gt=0)
    in_stock: bool = True


class Order(BaseModel):
    order_id: str
    address: str
    items: list[Item] = Field(min_length=1)


class Payment(BaseModel):
    transaction_id: str
    amount: Decimal


class Shipped(BaseModel):
    payment: Payment
    tracking: str


class OutOfStock(NonRetryable):
    """Trying again would not put it on the shelf."""


def validate_order(order: Order) -> Decimal:
    call(0.1)
    return sum((item.price for item in order.items), Decimal(0))


def charge_payment(order_id: str, amount: Decimal) -> Payment:
    # The payment service knows this key: a repeated attempt does not charge twice.
    key = current_step().idempotency_key
    call(0.7, fails=0.3, error="payment service: 502 Bad Gateway")
    return Payment(transaction_id=f"tx-{key[-12:]}", amount=amount)


def create_shipment(order: Order) -> str:
    call(0.5)
    if missing := [item.name for item in order.items if not item.in_stock]:
        raise OutOfStock(f"not on the shelf: {', '.join(missing)}")
    return f"TRACK-{order.order_id}"


def refund_payment(transaction_id: str) -> str:
    call(0.4)
    return f"refund of {transaction_id}"


@workflow(name="process-order", idempotency_key="order-{order_id}")
async def process_order(ctx: Context[Order], order: Order) -> Shipped:
    """Charge and ship; if it cannot be shipped, give the money back and fail."""
    total = await ctx.step("validate", validate_order, order)
    payment = await ctx.step(
        "charge",
        charge_payment,
        order.order_id,
        total,
        retry=Retry(max_attempts=6, backoff="exponential", initial_delay="500ms", max_delay="30s"),
    )
    try:
        tracking = await ctx.step("ship", create_shipment, order, timeout="30s")
    except StepFailed:
        await ctx.step("refund", refund_payment, payment.transaction_id)
        raise
    return Shipped(payment=payment, tracking=tracking)


class Invoice(BaseModel):
    number: str
    supplier: str
    amount: Decimal = Field(gt=0)


def transfer(invoice: Invoice) -> str:
    call(0.3)
    # Whoever retries the run later finds the bank open again.
    under_repair(2, "bank: 503 closed for maintenance")
    return f"paid-{invoice.number}"


@workflow(name="pay-supplier", idempotency_key="invoice-{number}")
async def pay_supplier(ctx: Context[Invoice], invoice: Invoice) -> str:
    """One transfer. When the bank stays closed the run fails, and waits for an operator's retry."""
    patience = Retry(max_attempts=2, initial_delay="1s")
    return await ctx.step("transfer", transfer, invoice, retry=patience)
