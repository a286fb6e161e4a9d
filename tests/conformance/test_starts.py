"""Starting runs: inputs, keys, delays, and the caller's transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypedDict

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from pydantic import BaseModel, Field

from orchestrator import (
    Context,
    IdempotencyConflict,
    InvalidInput,
    UnknownRun,
    UnknownWorkflow,
    get_run,
    start_many,
    workflow,
)


class Customer(BaseModel):
    name: str
    age: int = Field(0, ge=0)


@dataclass
class Address:
    street: str
    number: int


class Basket(TypedDict):
    items: list[int]


@pytest.fixture
def greet():
    @workflow(name="greet")
    async def greet(ctx: Context, customer: Customer) -> str:
        return f"hello {customer.name}"

    return greet


def test_a_run_is_started_with_its_input(runs, greet):
    assert runs.start(greet, Customer(name="Ada")).result() == "hello Ada"


def test_an_input_is_made_what_the_body_declares(runs, greet):
    assert runs.start(greet, {"name": "Ada"}).result() == "hello Ada"


@pytest.mark.parametrize(
    ("kind", "given", "seen"),
    [
        (Address, {"street": "Main", "number": "5"}, Address("Main", 5)),
        (Basket, {"items": [1]}, {"items": [1]}),
        (list[int], ["1", 2], [1, 2]),
        (int | None, None, None),
        (datetime, "2026-01-01T00:00:00", datetime(2026, 1, 1)),
    ],
)
def test_an_input_may_be_of_many_types(runs, kind, given, seen):
    async def w(ctx, value):
        return value == seen

    w.__annotations__ = {"value": kind, "return": bool}

    assert runs.start(workflow(name="w")(w), given).result() is True


def test_an_input_that_does_not_fit_is_refused_with_the_path(runs, greet):
    with pytest.raises(InvalidInput) as raised:
        greet.start({"name": "Ada", "age": -1})

    assert "age" in str(raised.value)
    assert raised.value.errors[0]["loc"] == ["age"]


def test_an_input_that_does_not_fit_starts_nothing(runs, greet):
    with pytest.raises(InvalidInput):
        greet.start({}, idempotency_key="k")

    assert greet.start({"name": "Ada"}, idempotency_key="k").input == Customer(name="Ada")


def test_a_body_may_take_no_input(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> str:
        return "none"

    assert runs.start(w).result() == "none"
    with pytest.raises(InvalidInput, match="takes no input"):
        w.start("some")  # type: ignore[arg-type]


def test_a_body_may_have_a_default_for_its_input(runs):
    @workflow(name="w")
    async def w(ctx: Context, number: int = 5) -> int:
        return number

    assert runs.start(w).result() == 5
    assert runs.start(w, 6).result() == 6


def test_an_input_without_a_default_must_be_given(runs, greet):
    with pytest.raises(InvalidInput):
        greet.start()


def test_a_schema_replaces_the_annotation(runs):
    @workflow(name="w", input_schema=Customer)
    async def w(ctx: Context, customer):
        return customer.name

    assert runs.start(w, {"name": "Ada"}).result() == "Ada"
    with pytest.raises(InvalidInput, match="name"):
        w.start({})


def test_a_schema_may_be_any_function_that_raises(runs):
    def even(number: int) -> None:
        if number % 2:
            raise ValueError("not an even number")

    @workflow(name="w", input_schema=even)
    async def w(ctx: Context, number: int) -> int:
        return number

    assert runs.start(w, 2).result() == 2
    with pytest.raises(InvalidInput, match="not an even number"):
        w.start(3)


def test_a_schema_may_be_any_type(runs):
    @workflow(name="w", input_schema=list[int])
    async def w(ctx: Context, numbers):
        return sum(numbers)

    assert runs.start(w, ["1", 2]).result() == 3
    with pytest.raises(InvalidInput, match="integer"):
        w.start(["x"])


def test_an_output_is_made_what_the_body_declares(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> Customer:
        return {"name": "Ada"}  # type: ignore[return-value]

    assert runs.start(w).result() == Customer(name="Ada")


def test_an_output_that_does_not_fit_fails_the_run(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> Customer:
        return {"name": "Ada", "age": "old"}  # type: ignore[return-value]

    run = runs.start(w)

    assert run.status == "failed"
    assert "age" in run.error["message"]


def test_an_output_schema_replaces_the_annotation(runs):
    @workflow(name="w", output_schema=Customer)
    async def w(ctx: Context):
        return {"name": ctx.workflow}

    assert runs.start(w).result() == Customer(name="w")


# ---- when --------------------------------------------------------------------------------


def test_a_delayed_run_starts_when_its_time_has_come(runs, greet):
    run = runs.start(greet, {"name": "Ada"}, delay="5s")
    assert run.status == "scheduled"

    runs.advance("5s")
    assert run.refresh().result() == "hello Ada"


def test_a_run_may_start_at_an_instant(runs, greet):
    now = runs.start(greet, {"name": "Ada"}).created_at
    run = runs.start(greet, {"name": "Ada"}, at=now + timedelta(days=1))
    assert run.status == "scheduled"

    runs.advance("1d")
    assert run.refresh().status == "completed"


@pytest.mark.parametrize(
    "options",
    [
        {"delay": "soon"},
        {"delay": -1},
        {"at": datetime(2030, 1, 1)},
        {"delay": "5s", "at": datetime(2030, 1, 1)},
        {"at": "tomorrow"},
    ],
)
def test_a_start_that_no_clock_has_is_refused(runs, greet, options):
    with pytest.raises((ValueError, TypeError), match=r"duration|time zone|not both|a datetime"):
        greet.start({"name": "Ada"}, **options)


def test_a_run_that_waits_for_its_start_can_be_cancelled(runs, greet):
    run = runs.start(greet, {"name": "Ada"}, delay="1h")

    assert run.cancel()
    runs.advance("1h")

    assert run.refresh().status == "cancelled"
    assert run.steps == []


def test_a_run_is_started_with_the_caller_s_transaction(runs, greet):
    with transaction.atomic():
        User.objects.create(username="ada")
        run = greet.start({"name": "Ada"})

    assert run.refresh().result() == "hello Ada"


def test_a_run_whose_caller_rolls_back_does_not_exist(runs, greet):
    with transaction.atomic():
        run = greet.start({"name": "Ada"})
        transaction.set_rollback(True)

    runs.drain()
    with pytest.raises(UnknownRun):
        get_run(run.id)


# ---- keys --------------------------------------------------------------------------------


def test_the_same_key_finds_the_first_run(runs, greet):
    first = runs.start(greet, {"name": "Ada"}, idempotency_key="c-42")

    assert greet.start({"name": "Ada"}, idempotency_key="c-42") == first


def test_a_key_finds_a_run_that_has_ended_too(runs, greet):
    first = runs.start(greet, {"name": "Ada"}, idempotency_key="c-42")
    runs.advance("1y")

    found = runs.start(greet, {"name": "Ada"}, idempotency_key="c-42")

    assert (found.id, found.status) == (first.id, "completed")


def test_a_key_with_another_input_is_a_conflict(runs, greet):
    first = runs.start(greet, {"name": "Ada"}, idempotency_key="c-42")

    with pytest.raises(IdempotencyConflict, match="c-42") as raised:
        greet.start({"name": "Bob"}, idempotency_key="c-42")
    assert raised.value.run_id == first.id


def test_an_input_is_compared_as_what_it_means(runs, greet):
    first = runs.start(greet, {"name": "Ada", "age": 5}, idempotency_key="c-42")

    assert greet.start({"age": "5", "name": "Ada"}, idempotency_key="c-42") == first


def test_a_key_belongs_to_one_workflow(runs, greet):
    @workflow(name="other")
    async def other(ctx: Context) -> None: ...

    assert greet.start({"name": "Ada"}, idempotency_key="k") != other.start(idempotency_key="k")


def test_a_template_makes_the_key_of_each_run(runs):
    @workflow(name="order", idempotency_key="order-{order_id}")
    async def order(ctx: Context, order: dict) -> None: ...

    first = runs.start(order, {"order_id": 7})

    assert first.idempotency_key == "order-7"
    assert order.start({"order_id": 7}) == first
    assert order.start({"order_id": 8}) != first


def test_a_template_reads_the_fields_of_a_model(runs):
    @workflow(name="w", idempotency_key="c-{name}-{age:03}")
    async def w(ctx: Context, customer: Customer) -> None: ...

    assert runs.start(w, Customer(name="Ada", age=5)).idempotency_key == "c-Ada-005"


def test_a_given_key_wins_over_the_template(runs):
    @workflow(name="order", idempotency_key="order-{order_id}")
    async def order(ctx: Context, order: dict) -> None: ...

    assert runs.start(order, {"order_id": 7}, idempotency_key="mine").idempotency_key == "mine"


def test_a_template_that_the_input_cannot_fill_starts_nothing(runs):
    @workflow(name="order", idempotency_key="order-{order_id}")
    async def order(ctx: Context, order: dict) -> None: ...

    with pytest.raises(InvalidInput, match="order_id"):
        order.start({})


@pytest.mark.parametrize("key", ["", "x" * 256, "a\x00b", "\ud800", 5])
def test_a_key_that_cannot_be_kept_is_refused(runs, greet, key):
    with pytest.raises(ValueError, match="key"):
        greet.start({"name": "Ada"}, idempotency_key=key)


# ---- what else may be said ---------------------------------------------------------------


def test_a_run_remembers_who_asked_for_it(runs, greet):
    dana = User(username="dana")

    assert runs.start(greet, {"name": "Ada"}, initiator=dana).initiator == "dana"
    assert runs.start(greet, {"name": "Ada"}, initiator="a script").initiator == "a script"
    assert runs.start(greet, {"name": "Ada"}, initiator="nul \x00").initiator == "nul \ufffd"


def test_a_run_has_the_tags_of_its_workflow_and_its_own(runs):
    @workflow(name="w", tags={"team": "red", "tier": 1})
    async def w(ctx: Context) -> dict:
        return dict(ctx.tags)

    run = runs.start(w, tags={"tier": 2, "source": "web"})

    assert run.tags == run.result() == {"team": "red", "tier": 2, "source": "web"}


@pytest.mark.parametrize(
    "tags", [{"a": object()}, {"a": "\x00"}, {"a": float("nan")}, {5: 1}, [1], "x", {"a": {1}}]
)
def test_tags_that_are_no_json_are_refused(runs, greet, tags):
    with pytest.raises(TypeError, match="tags"):
        greet.start({"name": "Ada"}, tags=tags)
    with pytest.raises(TypeError, match="tags"):
        workflow(name="w", tags=tags)(lambda: None)  # type: ignore[call-overload]


def test_a_run_has_the_attributes_that_it_was_started_with(runs, greet):
    run = runs.start(greet, {"name": "Ada"}, attributes={"country": "DE", "amount": 5})

    assert run.attributes == {"country": "DE", "amount": 5}


def test_many_runs_are_started_at_once(runs, greet):
    many = start_many(greet, ({"name": name} for name in ("Ada", "Bob")))
    runs.drain()

    assert [run.refresh().result() for run in many] == ["hello Ada", "hello Bob"]


def test_of_many_runs_all_are_started_or_none(runs):
    @workflow(name="w", idempotency_key="n-{}")
    async def w(ctx: Context, number: int) -> int:
        return number

    with pytest.raises(InvalidInput):
        start_many(w, [1, "x"])
    assert runs.start(w, 1).result() == 1

    with pytest.raises(IdempotencyConflict):
        start_many(w, [2, 1])
    assert runs.start(w, 2).result() == 2


def test_many_runs_take_the_options_of_one(runs, greet):
    [run] = start_many(greet, [{"name": "Ada"}], tags={"batch": 1}, initiator="dana", delay="1h")

    assert (run.tags, run.initiator, run.status) == ({"batch": 1}, "dana", "scheduled")


def test_the_input_that_does_not_fit_is_named_by_its_number(runs, greet):
    with pytest.raises(InvalidInput, match=r"number 2: .*name"):
        start_many(greet, [{"name": "Ada"}, {}])


def test_many_runs_may_be_of_an_old_version(runs):
    async def body(ctx: Context) -> str:
        return ctx.version

    for version in ("1", "2"):
        w = workflow(name="w", version=version)(body)

    assert [run.version for run in start_many(w, [None, None], version="1")] == ["1", "1"]


def test_many_runs_have_no_key_in_common(runs, greet):
    with pytest.raises(TypeError, match="template"):
        start_many(greet, [{"name": "Ada"}], idempotency_key="k")


@pytest.mark.parametrize("what", ["greet", None])
def test_many_runs_are_of_a_workflow_and_not_of_its_name(runs, greet, what):
    with pytest.raises(TypeError, match="pass what @workflow has made"):
        start_many(what, [1])


def test_a_version_that_is_not_registered_starts_nothing(runs, greet):
    with pytest.raises(UnknownWorkflow, match="'9'"):
        greet.start({"name": "Ada"}, version="9")
