"""Values: what round-trips through the whole engine, and what is refused."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from orchestrator import (
    Context,
    InvalidInput,
    NotSerializable,
    PayloadTooLarge,
    StepFailed,
    workflow,
)
from tests.conformance.world import Colour, Level, Line, Order, Point

VALUES = [
    None,
    True,
    0,
    -(2**200),
    0.1,
    1e300,
    "",
    "text with \n \u2028 and 😀",
    [],
    {},
    [1, [2, [None]]],
    {"a": {"b": [1.5]}},
    {1: "int", "1": "text", (2, 3): "tuple", None: "none"},
    {"$": "a key that the engine uses itself"},
    (),
    (1, ("a",)),
    {1, 2},
    frozenset({"a"}),
    b"\x00\xff",
    bytearray(b"ab"),
    datetime(2026, 3, 29, 2, 30, tzinfo=UTC),
    datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"), fold=1),
    datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=5, minutes=45))),
    datetime(2026, 1, 1, 12),
    date(2026, 2, 28),
    time(23, 59, 59, 999999),
    timedelta(days=-1, microseconds=1),
    Decimal("1.10"),
    Decimal("-1E+400"),
    UUID(int=7),
    Colour.RED,
    Level.LOW,
    Point(1, (2,)),
    Line("a", Decimal("9.99"), {"new"}),
    Order(number=1),
    {"order": Order(number=2, customer="c"), "lines": [Line("b", Decimal(0))]},
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_comes_back_as_it_was_from_everywhere(runs, value):
    @workflow(name="w")
    async def w(ctx: Context, given: Any) -> Any:
        result = await ctx.step("same", lambda: value)
        payload = await ctx.wait_for_event("same")
        assert [given, result] == [payload] * 2
        return payload

    run = runs.start(w, value)
    runs.send_event(run, "same", value)

    for found in (run.result(), run.input, run.steps[0].result, run.events[0].payload):
        assert found == value
        assert type(found) is type(value)
        assert repr(found) == repr(value)


class Socket:
    """Nothing that could be stored."""


@dataclass
class Page:
    items: list[Any]


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (Socket(), "result"),
        ({"a": [1, {2: threading.Lock()}]}, "result.a[1][2]"),
        (Page([0, 1, 2, Order.model_construct(number=Socket())]), "result.items[3].number"),
        ([float("nan")], "result[0]"),
        ({"x": float("-inf")}, "result.x"),
        ("nul \x00", "result"),
        (["\ud800"], "result[0]"),
        ({"\x00": 1}, "result"),
        (Decimal("NaN"), "result"),
        ((x for x in "ab"), "result"),
        (lambda: 1, "result"),
        (object, "result"),
        (SimpleNamespace(a=1), "result"),
    ],
)
def test_what_cannot_be_stored_fails_the_step_and_names_the_place(runs, value, path):
    @workflow(name="w")
    async def w(ctx: Context) -> str:
        try:
            await ctx.step("load", lambda: value)
        except NotSerializable as error:
            return str(error)
        return "stored"

    assert path in runs.start(w).result()


def test_a_value_that_holds_itself_is_refused(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        circle: list[Any] = []
        circle.append(circle)
        await ctx.step("load", lambda: circle)

    assert runs.start(w).error["type"].endswith("NotSerializable")


def test_a_result_that_cannot_be_stored_repeats_no_effect(runs, effect):
    def charge() -> object:
        effect("charged")
        return Socket()

    @workflow(name="w")
    async def w(ctx: Context) -> None:
        try:
            await ctx.step("charge", charge)
        except StepFailed:
            await ctx.sleep("1h")

    run = runs.start(w)
    runs.advance("1h")

    assert run.refresh().status == "completed"
    assert effect.calls == ["charged"]


def test_an_instance_of_a_class_that_nobody_can_import_is_refused(runs):
    @dataclass
    class Local:
        a: int

    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step("load", lambda: Local(1))

    run = runs.start(w)

    assert run.status == "failed"
    assert "cannot be imported" in run.error["message"]


@pytest.fixture
def small(settings):
    settings.ORCHESTRATOR_MAX_PAYLOAD = 1_000


@pytest.mark.usefixtures("small")
class TestTooLarge:
    """`ORCHESTRATOR_MAX_PAYLOAD` bounds everything that is stored."""

    def test_a_result_fails_its_step_once(self, runs, effect):
        @workflow(name="w")
        async def w(ctx: Context) -> str:
            try:
                await ctx.step("load", lambda: effect("x" * 2_000))
            except PayloadTooLarge as error:
                return str(error)
            return "stored"

        assert "ORCHESTRATOR_MAX_PAYLOAD" in runs.start(w).result()
        assert len(effect.calls) == 1

    def test_an_input_starts_no_run(self, runs):
        @workflow(name="w")
        async def w(ctx: Context, text: str) -> None: ...

        with pytest.raises(PayloadTooLarge):
            w.start("x" * 2_000)

    def test_a_payload_is_refused_at_its_sender(self, runs):
        @workflow(name="w")
        async def w(ctx: Context) -> None:
            await ctx.wait_for_event("go")

        run = runs.start(w)

        with pytest.raises(PayloadTooLarge):
            run.send_event("go", "x" * 2_000)
        assert run.events == []

    def test_an_output_fails_its_run(self, runs):
        @workflow(name="w")
        async def w(ctx: Context) -> str:
            return "x" * 2_000

        run = runs.start(w)

        assert run.status == "failed"
        assert "output" in run.error["message"]

    def test_the_limit_counts_bytes(self, runs):
        @workflow(name="w")
        async def w(ctx: Context, text: str) -> None: ...

        assert runs.start(w, "x" * 900).status == "completed"
        with pytest.raises(PayloadTooLarge):
            w.start("€" * 900)


@pytest.mark.parametrize("value", [Socket(), float("nan"), "\x00"])
def test_an_input_that_cannot_be_stored_starts_no_run(runs, value):
    @workflow(name="w")
    async def w(ctx: Context, value: Any) -> None: ...

    with pytest.raises((NotSerializable, InvalidInput)):
        w.start(value)


@pytest.mark.parametrize("value", [Socket(), float("inf"), "\ud800"])
def test_a_payload_that_cannot_be_stored_is_refused_at_its_sender(runs, value):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.wait_for_event("go")

    run = runs.start(w)

    with pytest.raises(NotSerializable, match="payload"):
        run.send_event("go", value)
    assert run.refresh().status == "waiting"


def test_an_output_that_cannot_be_stored_fails_the_run(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> Any:
        return {"open": Socket()}

    run = runs.start(w)

    assert run.status == "failed"
    assert "output.open" in run.error["message"]
