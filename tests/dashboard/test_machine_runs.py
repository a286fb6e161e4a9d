"""A state machine on the page of its run."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from orchestrator import (
    Context,
    Event,
    Refused,
    Retry,
    action,
    invoke,
    state,
    state_machine,
    transition,
    workflow,
)
from orchestrator.core.definition import registry
from orchestrator.machine import Machine
from orchestrator.models import Entry
from orchestrator.models import Run as Row
from orchestrator.run import Run
from orchestrator.testing.runs import Runs
from tests.orchestrator.lifecycle import OrderContext, register

Order = Machine[OrderContext]


@pytest.fixture
def order(runs: Runs) -> Order:
    machine = register(tell=print).start(OrderContext())
    machine.send("PAYMENT_RECEIVED", {"amount": 30}, actor="ann")
    machine.send("DELIVERED", actor="bob")
    machine.send("OUT_OF_STOCK")
    return machine.refresh()


def page(client: Client, run: Run[Any], query: str = "") -> str:
    response = client.get(f"/ops/runs/{run.id}/{query}")
    assert response.status_code == 200
    return response.content.decode()


def words(html: str) -> str:
    """What is read on a page."""
    return " ".join(re.sub(r"<svg.*?</svg>|<[^>]*>", " ", html, flags=re.S).split())


@pytest.mark.parametrize("tab", ["", "timeline", "history", "events", "values", "audit"])
def test_every_tab_of_a_machine_can_be_read(order: Order, operator: Client, tab: str) -> None:
    assert page(operator, order, f"?tab={tab}" if tab else "")


def test_the_diagram_shows_where_the_machine_is(order: Order, operator: Client) -> None:
    html = page(operator, order)

    [current] = re.findall(r'<g class="[^"]*is-current[^"]*">(.*?)</g>', html, re.S)
    assert "backorder" in current
    assert "is in backorder" in html


def test_what_it_takes_now_says_where_it_would_lead(order: Order, operator: Client) -> None:
    assert "RESTOCKED processing" in words(page(operator, order))


def test_an_event_that_a_guard_would_refuse_says_why(runs: Runs, operator: Client) -> None:
    def is_enough(ctx: dict[str, Any], event: Event) -> bool:
        if not ctx["coins"]:
            raise Refused("the purse is empty")
        return True

    purse = state_machine(
        name="purse",
        initial="closed",
        context={"coins": 0},
        states={
            "closed": state(on={"PAY": transition("open", guard=is_enough)}),
            "open": state(type="final"),
        },
    )
    machine = runs.start(purse)

    text = words(page(operator, machine))

    assert "PAY would be refused: the purse is empty" in text
    assert machine.refresh().state == "closed"


def test_an_event_with_a_type_says_that_it_depends_on_it(runs: Runs, operator: Client) -> None:
    door = state_machine(
        name="door",
        initial="closed",
        events={"KNOCK": OrderContext},
        states={"closed": state(on={"KNOCK": "open"}), "open": state(type="final")},
    )

    text = words(page(operator, runs.start(door)))

    assert "KNOCK depends on the OrderContext that it carries" in text


def test_what_it_has_done_is_there_with_what_was_refused(order: Order, operator: Client) -> None:
    text = words(page(operator, order))

    assert "PAYMENT_RECEIVED from ann pending processing Accepted is_enough said yes" in text
    assert re.search("DELIVERED from bob processing . Refused", text)
    assert text.index("OUT_OF_STOCK") < text.index("DELIVERED from bob"), "the last first"


def test_a_transition_of_which_the_run_has_failed_says_so(
    runs: Runs, operator: Client, viewer: Client
) -> None:
    def jam(ctx: dict[str, Any]) -> None:
        raise OSError("paper jam")

    once = action(jam, retry=Retry(max_attempts=1))
    printer = state_machine(
        name="printer",
        initial="idle",
        states={"idle": state(on={"PRINT": "busy"}), "busy": state(on_enter=once)},
    )
    machine = runs.start(printer)
    runs.send_event(machine, "PRINT")

    assert "PRINT idle busy Failed OSError: paper jam (in jam)" in words(page(operator, machine))
    assert "PRINT idle busy Failed why is hidden" in words(page(viewer, machine))


def test_what_came_to_a_machine_that_has_ended_is_there(order: Order, operator: Client) -> None:
    order.send("RESTOCKED")
    order.send("SHIPPED")
    order.send("DELIVERED")
    asked = len(order.refresh().steps)
    order.send("RING", actor="eve")

    assert re.search("RING from eve completed . Refused", words(page(operator, order)))
    assert "the machine had ended" in words(page(operator, order, "?tab=events"))
    # The run's time has ended before it came, and the run has not asked for it.
    assert "RING refused" not in words(page(operator, order, "?tab=timeline"))
    assert len(order.refresh().steps) == asked


def test_what_guards_said_is_for_those_who_see_values(order: Order, viewer: Client) -> None:
    text = words(page(viewer, order))

    assert "is_enough said yes" not in text
    assert "why is hidden" in text


def test_a_long_course_has_pages(
    order: Order, operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.queries.run.PAGE", 2)
    first = page(operator, order)
    [following] = re.findall(r'rel="next" href="([^"]*)"', first)

    second = page(operator, order, following)

    assert "from ann" not in first
    assert "from ann" in second


def test_a_state_that_is_gone_from_the_code_is_said(order: Order, operator: Client) -> None:
    Row.objects.filter(id=order.id).update(state="nowhere", checkpoint=None)

    html = page(operator, order)

    assert "does not fit this machine" in html
    assert "nowhere" in html


def test_a_machine_whose_code_is_not_here_shows_what_it_has_done(
    order: Order, operator: Client
) -> None:
    del registry._by_name["order-life"]

    text = words(page(operator, order))

    assert "does not have the code of the machine" in text
    assert "PAYMENT_RECEIVED" in text


def test_a_chart_that_nobody_could_read_is_folded(runs: Runs, operator: Client) -> None:
    many = {f"s{number}": state(on={"GO": f"s{number + 1}"}) for number in range(45)}
    chart = state_machine(name="many", initial="s0", states={**many, "s45": state(type="final")})

    assert "<summary>Show the diagram</summary>" in page(operator, runs.start(chart))


def test_rows_of_the_timeline_say_what_happened(order: Order, operator: Client) -> None:
    text = words(page(operator, order, "?tab=timeline"))

    assert "PAYMENT_RECEIVED → processing" in text
    assert "DELIVERED refused" in text
    assert "Waits for RESTOCKED" in text
    assert "@event" not in text


def test_a_transition_has_its_states_in_the_panel(order: Order, operator: Client) -> None:
    key = Entry.objects.filter(run_id=order.id, name="PAYMENT_RECEIVED").get().key

    text = words(page(operator, order, f"?tab=timeline&step={key}"))

    assert "From pending To processing" in text


def test_a_machine_that_minds_no_event_waits_for_what_it_minds(
    runs: Runs, operator: Client
) -> None:
    async def look(ctx: Context, context: dict[str, Any]) -> None:
        await ctx.wait_for_event("looked")

    chart = state_machine(
        name="looking",
        initial="looking",
        states={
            "looking": state(invoke=invoke(look, on_done="done")),
            "done": state(type="final"),
        },
    )
    machine = runs.start(chart)

    assert [one.name for one in machine.waiting_on] == ["looked"]


def test_a_plain_run_shows_its_path_and_no_machine(runs: Runs, operator: Client) -> None:
    @workflow(name="plain")
    async def plain(ctx: Context) -> None:
        await ctx.step("first", int)
        await ctx.wait_for_event("<b>bold</b>")

    run = runs.start(plain)
    html = page(operator, run, "?tab=path")

    assert "first leads to &lt;b&gt;bold&lt;/b&gt;" in html
    assert "<b>bold" not in html
    assert "State machine" not in html
