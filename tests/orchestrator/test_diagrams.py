"""Diagrams of what is registered and of what has run."""

from __future__ import annotations

import asyncio
import io
import json
from xml.etree import ElementTree

import pytest
from django.core.management import CommandError, call_command

from orchestrator import ActionRefused, Context, UnknownWorkflow, diagrams, workflow
from orchestrator.models import Run as Row
from tests.core.drawing.test_layout import check
from tests.orchestrator.lifecycle import register

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def order(effect):
    return register(tell=effect)


def command(*args: str) -> str:
    out = io.StringIO()
    call_command("workflows", *args, stdout=out)
    return out.getvalue()


def path_of(run) -> set[tuple[str, str]]:
    """The arrows of a run's diagram, which is looked at for overlaps too."""
    entries = run._row.entries.order_by("position").defer("value", "error")
    picture = diagrams._Path(Row.objects.get(id=run.id), entries).picture()
    check(picture)
    return {(one.source.title or "start", one.target.title) for one in picture.arrows}


# ---- state machines ------------------------------------------------------------------


@pytest.mark.django_db
def test_a_state_machine_is_drawn_by_a_command(order):
    assert command("diagram", "order-lifecycle") == order.to_mermaid()
    assert command("diagram", "order-lifecycle", "--format", "dot") == order.to_dot()
    assert command("diagram", "order-lifecycle", "--format", "svg") == order.to_svg()
    found = json.loads(command("diagram", "order-lifecycle", "--json"))
    assert found == {
        "workflow": "order-lifecycle",
        "format": "mermaid",
        "diagram": order.to_mermaid(),
    }


@pytest.mark.django_db
def test_a_version_can_be_drawn(order, effect):
    second = register(tell=effect, version="2")
    second.chart.nodes["pending"].on_enter = second.chart.nodes["processing"].on_enter

    assert command("diagram", "order-lifecycle", "--of-version", "1") == order.to_mermaid()
    assert command("diagram", "order-lifecycle") == second.to_mermaid() != order.to_mermaid()


def test_what_is_no_state_machine_cannot_be_drawn_before_it_has_run():
    @workflow(name="plain")
    async def plain(ctx: Context) -> None: ...

    with pytest.raises(ActionRefused, match="plain 1 is no state machine"):
        diagrams.of_workflow("plain")
    with pytest.raises(UnknownWorkflow, match="no workflow is called 'gone'"):
        diagrams.of_workflow("gone")
    with pytest.raises(CommandError, match="no workflow is called 'gone'"):
        command("diagram", "gone")


# ---- runs ----------------------------------------------------------------------------


def test_a_run_shows_the_path_that_it_has_taken(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step("validate", effect)
        await asyncio.gather(ctx.step("left", effect), ctx.step("right", effect))
        await ctx.sleep("1h")
        await ctx.step("ship", effect)

    run = runs.start(w)
    waiting = path_of(run)
    runs.advance("1h")

    begun = {
        ("start", "validate"),
        ("validate", "left"),
        ("validate", "right"),
        ("left", "sleep"),
        ("right", "sleep"),
    }
    assert waiting == begun
    assert path_of(run.refresh()) == begun | {("sleep", "ship"), ("ship", "completed")}


def test_branches_go_on_each_from_their_own_outcome(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        async def branch(name: str) -> None:
            await ctx.step(f"{name}1", effect)
            await ctx.step(f"{name}2", effect)

        await asyncio.gather(branch("a"), branch("b"))

    arrows = path_of(runs.start(w).refresh())

    assert {("a2", "completed"), ("b2", "completed")} <= arrows
    assert not {("a2", "b2"), ("b2", "a2")} & arrows


def test_a_failure_a_wait_and_a_retry_are_shown(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        try:
            await ctx.step("charge", effect, "c")
        except ValueError:
            await ctx.step("refund", effect, "r")
        await ctx.wait_for_event("go")

    runs.fail(step="charge", times=3, error=ValueError("no"))
    run = runs.start(w)
    runs.advance("1h")

    drawn = ElementTree.fromstring(diagrams.of_run(run.id))
    boxes = {
        group.find(f"{SVG}text").text: group
        for group in drawn.iter(f"{SVG}g")
        if group.find(f"{SVG}text") is not None
    }
    assert "is-failed" in boxes["charge"].get("class")
    assert [line.text for line in boxes["charge"].iter(f"{SVG}text")][1:] == [
        "3 attempts",
        "failed",
    ]
    assert "is-ok" in boxes["refund"].get("class")
    assert "is-current" in boxes["go"].get("class")


def test_a_run_that_has_not_begun_is_a_start(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> None: ...

    assert path_of(w.start(delay="1d")) == set()


def test_a_long_path_is_cut_off(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        for number in range(70):
            await ctx.step(f"s{number}", effect)

    run = runs.start(w)

    arrows = path_of(run)
    assert ("s59", "… and more") in arrows
    assert len(arrows) == 61
