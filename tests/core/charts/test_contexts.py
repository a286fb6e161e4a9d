"""What actions make of a context must fit its type."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta
from decimal import Decimal
from typing import TypedDict

import pytest
from pydantic import BaseModel, ConfigDict, Field, field_validator

from orchestrator.core.charts.contexts import ContextType
from orchestrator.core.charts.specs import state, transition
from tests.core.charts.tabletop import Table


class Line(BaseModel):
    amount: Decimal = Decimal(0)


class Order(BaseModel):
    pieces: int = Field(default=1, ge=0)
    paid: Decimal = Decimal(0)
    due: date = date(2020, 1, 1)
    lines: list[Line] = []
    first: Line = Line()

    @field_validator("due")
    @classmethod
    def lies_ahead(cls, due: date) -> date:
        if due < date.today():
            raise ValueError("the date is over")
        return due


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)

    pieces: int = 1


@dataclasses.dataclass
class Parcel:
    pieces: int = 1
    paid: Decimal = Decimal(0)


class Member(TypedDict):
    age: int


def fitted(before, change):
    context = before.model_copy(deep=True)
    return ContextType(type(before)).fitted(change(context) or context, before)


@pytest.mark.parametrize(
    ("change", "because"),
    [
        (lambda order: setattr(order, "pieces", "many"), "pieces: Input should be a valid integer"),
        (lambda order: setattr(order, "pieces", -1), "pieces: Input should be greater than"),
        (
            lambda order: setattr(order, "due", date(2020, 1, 2)),
            "due: Value error, the date is over",
        ),
        (lambda order: setattr(order, "lines", [3]), "lines.0: "),
        (lambda order: setattr(order.lines[0], "amount", "x"), "amount: Input should be a valid"),
        (lambda order: setattr(order.first, "amount", None), "amount: "),
    ],
)
def test_what_was_changed_in_a_model_must_fit(change, because):
    with pytest.raises(ValueError, match=because):
        fitted(Order(lines=[Line()]), change)


def test_what_was_changed_is_made_what_the_type_says():
    def pay(order):
        order.paid, order.pieces = 30, "3"
        order.first.amount = 5

    order = fitted(Order(), pay)

    assert (order.paid, order.pieces, order.first.amount) == (Decimal(30), 3, Decimal(5))
    assert [type(one) for one in (order.paid, order.first.amount)] == [Decimal, Decimal]


def test_what_was_not_changed_is_not_judged_again():
    # Its date was right when it was made.
    assert fitted(Order(), lambda order: setattr(order, "pieces", 2)).pieces == 2


def test_a_model_that_cannot_be_changed_is_judged_when_it_is_replaced():
    with pytest.raises(ValueError, match="pieces"):
        fitted(Frozen(), lambda one: one.model_copy(update={"pieces": "many"}))
    assert fitted(Frozen(), lambda one: one.model_copy(update={"pieces": 2})).pieces == 2


def test_a_dataclass_and_a_dictionary_must_fit_too():
    parcel, member = ContextType(Parcel), ContextType(Member)

    with pytest.raises(ValueError, match="pieces: "):
        parcel.fitted(Parcel(pieces="many"), Parcel())  # type: ignore[arg-type]
    assert parcel.fitted(Parcel(paid=3), Parcel()).paid == Decimal(3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="age: Field required"):
        member.fitted({}, {"age": 3})
    assert member.fitted({"age": "4", "more": 1}, {"age": 3}) == {"age": 4, "more": 1}
    assert ContextType(dict).fitted({"any": object}, {}) == {"any": object}


def test_what_does_not_fit_is_the_error_of_the_action_and_is_not_kept():
    def spoil(order):
        order.pieces = "many"

    told = []

    def note(ctx, event):
        told.append((event.type, event.message))

    table = Table(
        {
            "a": state(on={"GO": transition("b", action=spoil)}),
            "b": state(on_error=transition("c", action=note)),
            "c": state(),
        },
        context=Parcel(),
    )

    table.send("GO")

    assert (table.state, table.context) == ("c", Parcel())
    [(kind, message)] = told
    assert kind == "NonRetryable"
    assert message.startswith("action 'spoil' has made a context that is no Parcel: pieces: ")


def test_time_that_goes_by_makes_no_context_wrong():
    order = Order.model_construct(due=date.today() - timedelta(days=1))

    assert fitted(order, lambda one: setattr(one, "pieces", 5)).pieces == 5
