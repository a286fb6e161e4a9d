"""What the body sees first is what every replay sees."""

from __future__ import annotations

from datetime import datetime

import pytest

from orchestrator import Context, EventTimeout, StepFailed, workflow
from tests.conformance.world import ONCE, CardDeclined, Colour, Line, Order, Point


class Text(str):
    """Comes back as a plain str."""


def test_the_body_gets_what_was_recorded_and_not_what_the_function_held(runs):
    held = ["a"]

    @workflow(name="w")
    async def w(ctx: Context) -> bool:
        return await ctx.step("load", lambda: held) is held

    assert runs.start(w).result() is False


def test_what_a_function_changes_later_does_not_reach_the_body(runs):
    held = ["a"]

    @workflow(name="w")
    async def w(ctx: Context) -> list[str]:
        loaded = await ctx.step("load", lambda: held)
        await ctx.step("change", lambda: held.append("b"))
        return loaded

    assert runs.start(w).result() == ["a"]


def test_what_a_step_does_to_its_arguments_does_not_reach_the_body(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> list[str]:
        items = ["a"]
        await ctx.step("sort out", items.__class__.clear, items)
        return items

    assert runs.start(w).result() == ["a"]


def test_what_the_body_does_to_a_result_does_not_change_the_record(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> list[str]:
        items = await ctx.step("load", lambda: ["a"])
        items.append("b")
        await ctx.sleep("1h")
        return items

    run = runs.start(w)
    runs.advance("1h")

    assert run.refresh().result() == ["a", "b"]
    assert run.steps[0].result == ["a"]


def test_what_the_body_does_to_its_input_is_done_once_in_each_pass(runs):
    @workflow(name="w")
    async def w(ctx: Context, items: list[str]) -> list[str]:
        items.append("b")
        await ctx.sleep("1h")
        return items

    run = runs.start(w, ["a"])
    runs.advance("1h")

    assert run.refresh().result() == ["a", "b"]
    assert run.input == ["a"]


@pytest.mark.parametrize(
    "value",
    [
        {1: "int key", "t": (1, 2)},
        Text("text"),
        Point(1, 2),
        Colour.RED,
        Order(number=1),
        Line("a", "1.5", {"new"}),
    ],
)
def test_a_result_has_one_type_at_first_and_on_replay(runs, value):
    seen = []

    @workflow(name="w")
    async def w(ctx: Context) -> None:
        loaded = await ctx.step("load", lambda: value)
        seen.append((type(loaded), loaded))
        await ctx.sleep("1h")

    runs.start(w)
    runs.advance("1h")

    assert seen[0] == seen[1]


def test_an_event_s_payload_is_one_value_too(runs):
    seen = []

    @workflow(name="w")
    async def w(ctx: Context) -> None:
        seen.append(await ctx.wait_for_event("paid"))
        await ctx.sleep("1h")

    run = runs.start(w)
    payload = {"at": datetime(2026, 1, 1), "parts": (1, 2)}
    runs.send_event(run, "paid", payload)
    payload["parts"] = "changed by its sender"
    runs.advance("1h")

    assert seen == [{"at": datetime(2026, 1, 1), "parts": (1, 2)}] * len(seen)


def test_a_failure_is_the_same_error_at_first_and_on_replay(runs):
    def charge() -> None:
        raise CardDeclined("expired", 402)

    seen = []

    @workflow(name="w")
    async def w(ctx: Context) -> None:
        try:
            await ctx.step("charge", charge, retry=ONCE)
        except CardDeclined as error:
            seen.append(
                (type(error).__name__, error.args, str(error), isinstance(error, StepFailed))
            )
        await ctx.sleep("1h")

    runs.start(w)
    runs.advance("1h")

    assert seen == [("CardDeclined", ("expired", 402), "('expired', 402)", True)] * 2


def test_a_timeout_is_an_outcome_that_is_recorded(runs):
    seen = []

    @workflow(name="w")
    async def w(ctx: Context) -> None:
        try:
            await ctx.wait_for_event("paid", timeout="1h")
        except EventTimeout:
            seen.append("timed out")
        await ctx.wait_for_event("later")

    run = runs.start(w)
    runs.advance("1h")
    runs.send_event(run, "paid", "too late")
    runs.send_event(run, "later")

    assert run.status == "completed"
    assert seen == ["timed out"] * len(seen)


def test_a_default_is_one_value_too(runs):
    default = ["none came"]

    @workflow(name="w")
    async def w(ctx: Context) -> bool:
        return await ctx.wait_for_event("paid", timeout="1h", default=default) is default

    run = runs.start(w)
    runs.advance("1h")

    assert run.refresh().result() is False
