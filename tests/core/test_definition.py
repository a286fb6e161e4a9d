"""Workflows as they are registered: what is refused at import, and what a start validates."""

from __future__ import annotations

import functools
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Required, TypedDict

import pytest
import typing_extensions
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

import orchestrator
from orchestrator.core.definition import Definition, Registry
from orchestrator.core.errors import InvalidInput, UnknownWorkflow
from orchestrator.core.schemas import adapter
from tests.core.shapes import (
    Address,
    Camel,
    Company,
    Handle,
    Invoice,
    Money,
    Order,
    Pair,
    Point,
    Slotted,
)

if TYPE_CHECKING:
    from decimal import Decimal


async def plain(ctx: Any) -> None: ...


def define(fn: Any = plain, **options: Any) -> Definition:
    return Definition(**{"name": "w", "version": "1", "fn": fn, **options})


def taking(hint: Any, *default: Any) -> Definition:
    """A workflow whose input has this type."""

    async def body(ctx: Any, value: Any) -> Any: ...

    body.__annotations__ = {"value": hint, "return": hint}
    body.__defaults__ = default
    return define(body)


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    """A registry of this test's own."""
    made = Registry()
    monkeypatch.setattr(sys.modules["orchestrator.workflow"], "registry", made)
    return made


# ---- bodies --------------------------------------------------------------------------


def sync(ctx: Any) -> None: ...


async def generator(ctx: Any) -> Any:
    yield 1


@functools.wraps(plain)
def wrapped(*args: Any) -> Any:
    return plain(*args)


@pytest.mark.parametrize("fn", [sync, generator, wrapped, lambda ctx: None])
def test_a_body_is_an_async_def(fn):
    with pytest.raises(TypeError, match=r"is an `async def`; write `async def "):
        define(fn)


async def no_parameters() -> None: ...
async def three(ctx: Any, a: Any, b: Any) -> None: ...
async def three_with_default(ctx: Any, a: Any, b: Any = 1) -> None: ...
async def starred(ctx: Any, *values: Any) -> None: ...
async def keywords(ctx: Any, **values: Any) -> None: ...
async def keyword_only(ctx: Any, *, value: Any) -> None: ...


@pytest.mark.parametrize(
    "fn",
    [no_parameters, three, three_with_default, starred, keywords, keyword_only],
    ids=lambda fn: fn.__name__,
)
def test_a_body_takes_ctx_or_ctx_and_one_input(fn):
    with pytest.raises(TypeError, match="takes `ctx`, or `ctx` and one input"):
        define(fn)


def test_the_refusal_names_the_function():
    with pytest.raises(TypeError, match=r"tests\.core\.test_definition\.three"):
        define(three)


async def positional(ctx: Any, value: int, /) -> None: ...


class Service:
    async def body(self, ctx: Any, value: int) -> None: ...


@pytest.mark.parametrize("fn", [positional, Service().body], ids=["positional only", "a method"])
def test_other_ways_to_take_one_input(fn):
    assert define(fn).validate_input("5") == 5


# ---- names ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a", "A-1", "orders/ship:v2.1_x", "1", "x" * 200])
def test_names(name):
    assert define(name=name, version=name).name == name


@pytest.mark.parametrize(
    "name", ["", " ", "a b", "-a", ".", "@a", "a\n", "ä", "a#2", "x" * 201, "a\x00", 5, None, b"a"]
)
@pytest.mark.parametrize("option", ["name", "version"])
def test_names_that_are_refused(option, name):
    with pytest.raises(ValueError, match=option):
        define(**{option: name})


# ---- inputs --------------------------------------------------------------------------


def test_a_workflow_without_an_input():
    assert define().validate_input(None) is None
    with pytest.raises(InvalidInput, match="w takes no input"):
        define().validate_input(5)


@pytest.mark.parametrize(
    ("hint", "given", "expected"),
    [
        (int, 5, 5),
        (int, "5", 5),
        (str, "x", "x"),
        (None, None, None),
        (int | None, None, None),
        (list[int], ["1", 2], [1, 2]),
        (dict[str, Money], {"a": {"amount": 1}}, {"a": Money(amount=1)}),
        (tuple[int, str], [1, "x"], (1, "x")),
        (Money, {"amount": "1.5"}, Money(amount="1.5")),
        (Invoice, {"number": 1, "total": {"amount": 1}}, Invoice(number=1, total=Money(amount=1))),
        (Camel, {"firstName": "Ada"}, Camel(firstName="Ada")),
        (Address, {"street": "Main St"}, Address("Main St")),
        (Address, Address("Main St"), Address("Main St")),
        (Company, {"street": "Main St", "vat": 7}, Company("Main St", vat=7)),
        (Slotted, {"a": 1}, Slotted(1)),
        (Pair[int], {"left": 1, "right": 2}, Pair(1, 2)),
        (Point, [1, 2], Point(1, 2.0)),
        (Annotated[int, Field(gt=0)], 5, 5),
        (Any, {1: [2]}, {1: [2]}),
    ],
    ids=lambda value: str(value)[:40],
)
def test_an_input_of_the_declared_type(hint, given, expected):
    found = taking(hint).validate_input(given)

    assert found == expected
    assert type(found) is type(expected)


class ExtendedOrder(typing_extensions.TypedDict, total=False):
    id: typing_extensions.Required[int]
    lines: list[str]


@pytest.mark.parametrize("hint", [ExtendedOrder, Order])
def test_a_typed_dict(hint):
    definition = taking(hint)

    assert definition.validate_input({"id": "5"}) == {"id": 5}
    with pytest.raises(InvalidInput, match="id"):
        definition.validate_input({"id": "x"})


def test_keys_that_a_typed_dict_requires():
    with pytest.raises(InvalidInput, match="id: Field required"):
        taking(ExtendedOrder).validate_input({"lines": []})


def test_no_annotation_takes_anything():
    async def body(ctx, value): ...

    handle = Handle()

    assert define(body).validate_input(handle) is handle


def test_a_class_that_pydantic_does_not_know_takes_its_instances():
    handle = Handle()

    assert taking(Handle).validate_input(handle) is handle
    with pytest.raises(InvalidInput, match="instance of Handle"):
        taking(Handle).validate_input(5)


@dataclass
class WithHandle:
    handle: Handle


class WithHandles(BaseModel):
    model_config = {"arbitrary_types_allowed": True}

    handles: list[Handle]


@pytest.mark.parametrize("value", [WithHandle(Handle()), WithHandles(handles=[Handle()])], ids=type)
def test_a_class_with_a_field_that_pydantic_does_not_know(value):
    assert taking(type(value)).validate_input(value) == value
    with pytest.raises(InvalidInput):
        taking(type(value)).validate_input(5)


def test_a_default():
    assert taking(int, 5).validate_input(None) == 5
    assert taking(int, 5).validate_input(6) == 6
    assert taking(int | None, None).validate_input(None) is None
    with pytest.raises(InvalidInput):
        taking(int, "five").validate_input(None)


def test_an_input_that_is_missing():
    with pytest.raises(InvalidInput, match="input of w: value"):
        taking(int).validate_input(None)


def test_every_wrong_field_is_named():
    with pytest.raises(InvalidInput) as refusal:
        taking(Invoice).validate_input({"total": {"amount": "x"}, "lines": [{}]})

    assert [error["loc"] for error in refusal.value.errors] == [
        ["number"],
        ["total", "amount"],
        ["lines", 0, "amount"],
    ]
    assert {"loc", "msg", "type"} == set(refusal.value.errors[0])
    assert "lines.0.amount: Field required" in str(refusal.value)
    assert isinstance(refusal.value, ValueError)


def test_an_annotation_that_is_only_there_for_the_type_checker():
    async def takes(ctx: Any, value: Decimal) -> None: ...
    async def returns(ctx: Any) -> Decimal: ...

    for body in (takes, returns):
        with pytest.raises((NameError, TypeError, InvalidInput), match="Decimal"):
            define(body).validate_input(None)  # before a run is started, not when it ends


# ---- outputs -------------------------------------------------------------------------


def test_an_output_of_the_declared_type():
    assert taking(Money).validate_output({"amount": 1}) == Money(amount=1)
    with pytest.raises(InvalidInput, match="output of w: amount"):
        taking(Money).validate_output({})


def test_an_output_where_none_was_declared():
    async def returns_none(ctx: Any) -> None: ...
    async def says_nothing(ctx): ...

    assert define(says_nothing).validate_output(5) == 5
    assert define(returns_none).validate_output(None) is None
    with pytest.raises(InvalidInput):
        define(returns_none).validate_output(5)


# ---- schemas instead of annotations --------------------------------------------------


async def takes_any(ctx, value): ...


def in_stock(value: Any) -> None:
    if value["amount"] > 5:
        raise LookupError("not that many")


def test_a_schema_may_be_a_model():
    definition = define(takes_any, input_schema=Money, output_schema=Money)

    assert definition.validate_input({"amount": 1}) == Money(amount=1)
    assert definition.validate_output({"amount": 1}) == Money(amount=1)
    with pytest.raises(InvalidInput, match="amount"):
        definition.validate_input({})


def test_a_schema_may_be_a_type_adapter():
    definition = define(takes_any, input_schema=TypeAdapter(list[int]))

    assert definition.validate_input(["1"]) == [1]


def test_a_schema_may_be_a_callable_that_raises():
    definition = define(takes_any, input_schema=in_stock, output_schema=in_stock)

    assert definition.validate_input({"amount": 5}) == {"amount": 5}
    for validate in (definition.validate_input, definition.validate_output):
        with pytest.raises(InvalidInput, match="not that many") as refusal:
            validate({"amount": 6})
        assert isinstance(refusal.value.__cause__, LookupError)
        assert refusal.value.errors[0]["msg"] == "not that many"


def test_a_schema_may_return_what_it_made_of_the_value():
    assert define(takes_any, input_schema=lambda value: value * 2).validate_input(5) == 10


def test_a_schema_that_says_yes_does_not_replace_the_value():
    definition = define(takes_any, input_schema=lambda value: value["amount"] < 5)

    assert definition.validate_input({"amount": 1}) == {"amount": 1}


# ---- idempotency keys ----------------------------------------------------------------


def key(template: str, value: Any) -> str | None:
    return define(takes_any, idempotency_key=template).key_for(value)


@pytest.mark.parametrize(
    ("template", "value", "expected"),
    [
        ("order-{order_id}", {"order_id": 5}, "order-5"),
        ("order-{order_id}", {"order_id": 5, 1: 2}, "order-5"),
        ("{a}", Slotted(5), "5"),
        ("{street}", Address("Main St"), "Main St"),
        ("{number}-{total.currency}", Invoice(number=5, total=Money(amount=1)), "5-EUR"),
        ("{x}-{y}", Point(1, 2.0), "1-2.0"),
        ("{0}", "c-42", "c-42"),
        ("{input}", 42, "42"),
        ("{input[0]}", [7], "7"),
        ("{id:05d}", {"id": 5}, "00005"),
        ("{{literal}}", None, "{literal}"),
        ("all", None, "all"),
    ],
)
def test_a_template_makes_a_key_of_an_input(template, value, expected):
    assert key(template, value) == expected


@pytest.mark.parametrize(
    ("template", "value", "why"),
    [
        ("o-{nope}", {"order_id": 5}, "the input has nothing for 'nope' in idempotency_key='o-"),
        ("o-{nope}", 5, "the input has nothing for 'nope' in idempotency_key='o-"),
        ("{a.nope}", {"a": 5}, "'int' object has no attribute 'nope', in idempotency_key='{a."),
    ],
)
def test_an_input_that_a_template_does_not_fit_is_refused_in_a_sentence(template, value, why):
    with pytest.raises(InvalidInput, match=re.escape(why)):
        key(template, value)


def test_without_a_template_there_is_no_key():
    assert define(takes_any).key_for({"order_id": 5}) is None


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{order_id}", {}),
        ("{order_id}", Address("x")),
        ("{input.nothing}", 5),
        ("{1}", 5),
        ("{id:d}", {"id": "x"}),
    ],
)
def test_an_input_that_has_nothing_for_the_template(template, value):
    with pytest.raises(InvalidInput, match="idempotency_key"):
        key(template, value)


@pytest.mark.parametrize("template", ["{", "order-{order_id", "}", "{x!z}"])
def test_a_template_that_cannot_work_is_refused_at_import(template):
    with pytest.raises(ValueError, match="idempotency_key"):
        define(takes_any, idempotency_key=template)


# ---- versions ------------------------------------------------------------------------


def registered(*definitions: Definition) -> Registry:
    registry = Registry()
    for definition in definitions:
        registry.add(definition)
    return registry


@pytest.mark.parametrize(
    "versions",
    [
        ["1", "2", "10"],
        ["1.9", "1.10", "2.0"],
        ["v1", "v2", "v10"],
        ["1", "1.0", "1.0.1"],
        ["1.0-alpha", "1.0-rc1", "1.0-RC2", "1.0-rc10", "1.0", "v1.0.1", "1.1b2", "1.1"],
        ["2024-02-01", "2024-10-01", "2025-01-01"],
        ["a", "b"],
    ],
)
def test_the_highest_version_is_found_in_natural_order(versions):
    for order in (versions, versions[::-1]):
        registry = registered(*(define(version=version) for version in order))

        assert registry.get("w").version == versions[-1]


def test_the_default_version_wins():
    registry = registered(
        define(version="1"), define(version="2", is_default=True), define(version="3")
    )

    assert registry.get("w").version == "2"
    assert registry.get("w", "3").version == "3"


def test_the_highest_of_several_defaults_wins():
    registry = registered(
        *(define(version=version, is_default=version != "3") for version in ("1", "2", "3"))
    )

    assert registry.get("w").version == "2"


def test_one_function_may_serve_several_versions():
    registry = registered(define(version="1"), define(version="2"))

    assert [one.fn for one in registry] == [plain, plain]
    assert registry.knows("w", "2")
    assert not registry.knows("w", "3")
    assert not registry.knows("x", "1")


def test_what_is_not_registered():
    registry = registered(define(name="known", version="1"))

    with pytest.raises(UnknownWorkflow, match=r"'other'. Known: known"):
        registry.get("other")
    with pytest.raises(UnknownWorkflow, match=r"no version '2'. Known: 1"):
        registry.get("known", "2")


def test_two_functions_cannot_share_a_name_and_a_version():
    registry = registered(define(plain))

    with pytest.raises(ValueError, match=r"registered twice: .*\.plain and .*\.positional"):
        registry.add(define(positional))


def test_a_module_that_is_imported_again_registers_its_functions_again():
    def reloaded() -> Any:
        async def body(ctx): ...

        return body

    registry = registered(define(first := reloaded()), define(again := reloaded()))

    assert first is not again
    assert registry.get("w").fn is again


# ---- the decorator -------------------------------------------------------------------


@pytest.fixture
def onboard(registry: Registry) -> Any:
    @orchestrator.workflow(name="onboard", version="1.2", tags={"team": "a"})
    async def onboard(ctx: orchestrator.Context[int], number: int) -> str:
        """Say hello."""
        return str(number)

    return onboard


def test_the_decorator_registers_and_makes_a_handle(registry, onboard):
    definition = registry.get("onboard")

    assert isinstance(onboard, orchestrator.Workflow)
    assert onboard.definition is definition
    assert (onboard.name, onboard.version) == ("onboard", "1.2")
    assert (onboard.__name__, onboard.__doc__) == ("onboard", "Say hello.")
    assert definition.tags == {"team": "a"}
    assert repr(onboard) == "<Workflow onboard 1.2>"


def test_the_decorator_refuses_what_cannot_work(registry):
    with pytest.raises(TypeError, match="async def sync"):
        orchestrator.workflow(name="w")(sync)
    with pytest.raises(ValueError, match="workflow name"):
        orchestrator.workflow(name="a b")(plain)
    assert list(registry) == []


def test_the_options_that_were_given_are_not_shared(registry):
    tags = {"team": "a"}
    found = orchestrator.workflow(name="w", tags=tags)(plain)
    tags["team"] = "b"

    assert found.definition.tags == {"team": "a"}


def test_the_version_is_1_unless_it_is_given(registry):
    assert orchestrator.workflow(name="w")(plain).version == "1"


def test_importing_needs_no_configured_django():
    code = "import orchestrator, sys; sys.exit('django' in sys.modules or 'celery' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


class Base(TypedDict):
    number: int


class Basket(Base, total=False):
    note: str
    price: Required[int]


@pytest.mark.parametrize(
    ("hint", "value", "seen"),
    [
        (Basket, {"number": "1", "price": 2}, {"number": 1, "price": 2}),
        (list[Basket], [{"number": 1, "price": "2"}], [{"number": 1, "price": 2}]),
        (Basket | None, None, None),
        (dict[str, Basket | int], {"a": 5}, {"a": 5}),
    ],
)
def test_a_typed_dict_may_come_from_typing(hint, value, seen):
    assert adapter(hint).validate_python(value) == seen


@pytest.mark.parametrize("value", [{"number": 1}, {"price": 1}, {"number": "x", "price": 1}])
def test_the_totality_of_a_typed_dict_is_kept(value):
    with pytest.raises(ValidationError):
        adapter(Basket).validate_python(value)
