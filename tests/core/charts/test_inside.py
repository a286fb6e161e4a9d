"""States inside states: history, parallel regions, ends and what they give."""

from __future__ import annotations

import pytest

from orchestrator.core.charts.specs import state, transition
from tests.core.charts.tabletop import Table, say


def player(*, deep: bool):
    """A player whose state is remembered when it is switched off."""
    return Table(
        {
            "off": state(on={"ON": "playing.memory"}),
            "playing": state(
                initial="stopped",
                on={"OFF": "off"},
                states={
                    "stopped": state(on={"PLAY": "running"}),
                    "running": state(
                        initial="slow",
                        states={"slow": state(on={"FASTER": "fast"}), "fast": state()},
                    ),
                    "memory": state(type="history", deep=deep),
                },
            ),
        }
    )


def test_history_leads_where_its_parent_starts_when_there_is_none():
    assert player(deep=False).send("ON").state == "playing.stopped"


def test_history_leads_to_its_own_target_the_first_time():
    table = Table(
        {
            "off": state(on={"ON": "on.memory"}),
            "on": state(
                initial="x",
                states={
                    "x": state(on={"GO": "y"}),
                    "y": state(on={"X": "x"}),
                    "memory": state(type="history", target="y"),
                },
            ),
        }
    )

    assert table.send("ON").state == "on.y"


@pytest.mark.parametrize(
    ("deep", "expected"), [(False, "playing.running.slow"), (True, "playing.running.fast")]
)
def test_shallow_history_knows_the_child_and_deep_history_all_that_was_active(deep, expected):
    table = player(deep=deep)
    for event in ("ON", "PLAY", "FASTER", "OFF"):
        table.send(event)
    table.crash()

    assert table.send("ON").state == expected


def test_deep_history_brings_back_every_region():
    def region():
        return state(initial="x", states={"x": state(on={"GO": "y"}), "y": state()})

    table = Table(
        {
            "out": state(on={"BACK": "in.memory"}),
            "in": state(
                initial="p",
                on={"OUT": "out"},
                states={
                    "p": state(type="parallel", states={"l": region(), "r": region()}),
                    "memory": state(type="history", deep=True),
                },
            ),
        }
    )
    for event in ("BACK", "GO", "OUT", "BACK"):
        table.send(event)

    assert table.state == "in.p.l.y + in.p.r.y"


def split(**memory):
    """A parallel state with a history of its own."""

    def region():
        return state(initial="x", states={"x": state(on={"GO": "y"}), "y": state()})

    return Table(
        {
            "out": state(on={"BACK": "in.memory"}),
            "in": state(
                type="parallel",
                on={"OUT": "out"},
                states={
                    "l": region(),
                    "r": region(),
                    "memory": state(type="history", **memory),
                },
            ),
        }
    )


@pytest.mark.parametrize(
    ("memory", "first", "later"),
    [
        ({"deep": True}, "in.l.x + in.r.x", "in.l.y + in.r.y"),
        # What a shallow one remembers are the regions, and all of them are entered anyway.
        ({}, "in.l.x + in.r.x", "in.l.x + in.r.x"),
        ({"deep": True, "target": ["l.y", "r.x"]}, "in.l.y + in.r.x", "in.l.y + in.r.y"),
        ({"deep": True, "target": "r.y"}, "in.l.x + in.r.y", "in.l.y + in.r.y"),
    ],
)
def test_a_parallel_state_may_have_a_history(memory, first, later):
    table = split(**memory)
    assert table.send("BACK").state == first

    for event in ("GO", "OUT"):
        table.send(event)
    table.crash()

    assert table.send("BACK").state == later
    assert table.send("OUT").state == "out"


def test_history_is_no_state_that_a_machine_is_in():
    table = player(deep=False).send("ON")

    assert "playing.memory" not in [node.id for node in table.chart.known(table.state)]
    assert table.state == "playing.stopped"


# ---- ends ----------------------------------------------------------------------------


def test_a_machine_ends_in_a_final_state_with_its_output():
    table = Table(
        {"a": state(on={"GO": "end"}), "end": state(type="final", output=lambda ctx: ctx["n"])},
        context={"n": 3},
    )

    assert table.send("GO").output == 3


def test_an_output_may_be_a_value_and_may_see_the_event():
    table = Table(
        {
            "a": state(on={"GO": "end", "STOP": "stop"}),
            "end": state(type="final", output=lambda ctx, event: event.amount),
            "stop": state(type="final", output="stopped"),
        }
    )

    assert table.send("GO", {"amount": 7}).output == 7


def test_an_end_inside_a_state_is_told_to_that_state_with_its_output():
    table = Table(
        {
            "a": state(
                initial="b",
                on_done=transition("z", guard=lambda ctx, event: event.payload == "well"),
                states={
                    "b": state(on={"GO": "end"}),
                    "end": state(type="final", output="well", on_enter=say("end")),
                },
            ),
            "z": state(on_enter=say("z")),
        }
    )

    assert table.send("GO").said == ["end", "z"]
    assert table.state == "z"


def both_ways():
    def region(name):
        return state(
            initial="x",
            states={"x": state(on={name: "end"}), "end": state(type="final", output=name)},
        )

    return Table(
        {
            "p": state(
                type="parallel",
                states={"l": region("L"), "r": region("R")},
                on_done=transition("z", action=note),
            ),
            "z": state(),
        }
    )


def note(ctx, event):
    ctx["got"] = event.payload


def test_a_parallel_state_is_done_when_each_of_its_regions_is():
    table = both_ways()

    table.send("R").crash()
    assert table.state == "p.l.x + p.r.end"
    table.send("L")

    assert table.state == "z"
    assert table.context["got"] == {"l": "L", "r": "R"}


def test_regions_in_a_region_are_done_from_the_inside_out():
    def ends():
        return state(initial="x", states={"x": state(on={"GO": "e"}), "e": state(type="final")})

    table = Table(
        {
            "p": state(
                type="parallel",
                states={
                    "l": ends(),
                    "r": state(type="parallel", states={"a": ends(), "b": ends()}),
                },
                on_done="z",
            ),
            "z": state(),
        }
    )

    assert table.send("GO").state == "z"


def test_a_state_that_nobody_asked_to_be_told_of_stays_in_its_end():
    table = Table(
        {
            "a": state(
                initial="b",
                states={"b": state(on={"GO": "end"}), "end": state(type="final")},
                on={"NEXT": "z"},
            ),
            "z": state(),
        }
    )

    assert table.send("GO").state == "a.end"
    assert table.send("NEXT").state == "z"


# ---- targets -------------------------------------------------------------------------


def test_a_target_is_looked_for_inside_then_beside_then_further_out():
    table = Table(
        {
            "a": state(
                initial="b",
                on={"IN": "c"},
                states={
                    "b": state(on={"BESIDE": "c", "OUT": "z", "FAR": "d.c"}),
                    "c": state(on={"BACK": "b"}),
                },
            ),
            "c": state(),
            "d": state(initial="c", states={"c": state(on={"OUTER": "a.c", "UP": "d"})}),
            "z": state(on={"TOP": "c"}),
        }
    )

    assert table.send("IN").state == "a.c"
    table.send("BACK")
    assert table.send("FAR").state == "d.c"
    assert table.send("OUTER").state == "a.c"
    table.send("BACK")
    assert table.send("OUT").state == "z"
    assert table.send("TOP").state == "c"


def test_one_transition_may_enter_several_regions():
    def region():
        return state(initial="x", states={"x": state(), "y": state(on={"X": "x"})})

    table = Table(
        {
            "a": state(on={"GO": transition(["p.l.y", "p.r.y"])}),
            "p": state(type="parallel", states={"l": region(), "r": region()}),
        }
    )

    assert table.send("GO").state == "p.l.y + p.r.y"
