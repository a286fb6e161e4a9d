"""A workflow knows what it takes, and its runs what they return."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import assert_type
from uuid import UUID

from orchestrator import Context, Delivery, Run, Workflow, get_run, workflow


@dataclass
class Order:
    number: int


@dataclass
class Shipped:
    parcel: str


@workflow(name="ship", version="2", idempotency_key="order-{number}", tags={"team": "a"})
async def ship(ctx: Context[Order], order: Order) -> Shipped:
    assert_type(ctx.input, Order)
    assert_type(ctx.run_id, UUID)
    assert_type(ctx.now(), datetime)
    assert_type(ctx.steps["a"].duration, timedelta | None)
    return Shipped(str(order.number))


@workflow(name="tick")
async def tick(ctx: Context[None]) -> int:
    return ctx.attempt


@workflow(name="greet")
async def greet(ctx: Context[str], who: str = "you") -> None:
    await ctx.sleep(days=1, hours=2)


assert_type(ship, Workflow[Order, Shipped])
assert_type(tick, Workflow[None, int])
assert_type(greet, Workflow[str, None])

run = ship.start(Order(1), idempotency_key="c-42", delay="5s", at=datetime(2030, 1, 1, tzinfo=UTC))
assert_type(run, Run[Shipped])
assert_type(run.result(timeout=60), Shipped)
assert_type(run.output, Shipped | None)
assert_type(run.refresh().result(), Shipped)
assert_type(run.retry().result(), Shipped)
assert_type(run.send_event("paid", {"amount": 1}), Delivery)
assert_type(tick.start().result(), int)
assert_type(greet.start("Ada"), Run[None])
assert_type(greet.start(), Run[None])
print(get_run(run.id).result().anything)  # what a run of unknown type returns is not known

ship.start("an order")  # E: incompatible type "str"; expected "Order
ship.start({"number": 1})  # E: incompatible type "dict[str, int]"; expected "Order
ship.start(Order(1), "c-42")  # E: Too many positional arguments
ship.start(Order(1), delay=Order(1))  # E: incompatible type "Order"
ship.start(Order(1), nothing=1)  # E: Unexpected keyword argument
tick.start(5)  # E: incompatible type "int"; expected "None"
greet.start(5)  # E: incompatible type "int"; expected "str
number: int = ship.start(Order(1)).result()  # E: Incompatible types in assignment
print(run.result().weight)  # E: "Shipped" has no attribute "weight"
print(run.output.parcel)  # E: Item "None"
