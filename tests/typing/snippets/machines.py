"""The context of a machine is the context of its definition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from orchestrator import Context as RunContext
from orchestrator import (
    Event,
    Machine,
    StateMachine,
    Transition,
    action,
    invoke,
    state,
    state_machine,
    transition,
    workflow,
)


@dataclass
class Order:
    number: str
    paid: bool = False


def mark_paid(order: Order, event: Event) -> None:
    order.paid = event.amount > 0


@workflow(name="check")
async def check(ctx: RunContext[Order], order: Order) -> bool:
    return order.paid


async def look(ctx: RunContext[Any], order: Order) -> str:
    return order.number


orders = state_machine(
    name="orders",
    initial="open",
    context=Order,
    states={
        "open": state(
            on={"PAID": transition("closed", guard=lambda ctx, event: event.amount > 1)},
            after={"1d": "closed"},
            invoke=[invoke(check, on_done="closed"), invoke(look)],
        ),
        "closed": state(type="final", on_enter=action(mark_paid, atomic=True)),
        "wrong": state(type="finale"),  # E: incompatible type
        "also": transition("closed"),  # E: incompatible type
    },
)

definition: StateMachine[Order] = orders
machine: Machine[Order] = orders.start(Order("o-1"))
orders.start("o-1")  # E: incompatible type
orders.start(Order(7))  # E: incompatible type

number: str = machine.refresh().context.number
wrong: int = machine.context.number  # E: Incompatible types in assignment
told: Transition = machine.send("PAID", {"amount": 3})
accepted: bool | None = told.accepted
can: bool = machine.can("PAID")
place: str = orders.get(machine.id).state
several: list[Machine[Order]] = orders.find("open")
steps: list[Transition] = machine.history

counter = state_machine(name="counter", initial="a", context={"n": 0}, states={"a": state()})
n: int = counter.start({"n": 1}).context["n"]
counter.start({"n": "one"})  # E: incompatible type
plain: StateMachine[dict[str, Any]] = state_machine(
    name="plain", initial="a", states={"a": state()}
)
