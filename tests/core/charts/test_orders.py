"""What is left, done and entered, and in which order: what SCXML expects, where it applies."""

from __future__ import annotations

from orchestrator.core.charts.specs import state, transition
from tests.core.charts.tabletop import Table, say


def spoken(name: str, **fields):
    """A state that says when it is entered and left."""
    return state(on_enter=say(f"+{name}"), on_exit=say(f"-{name}"), **fields)


def test_states_are_left_then_the_transition_is_taken_then_states_are_entered():
    table = Table(
        {"a": spoken("a", on={"GO": transition("b", action=say("go"))}), "b": spoken("b")}
    )

    assert table.said == ["+a"]
    assert table.send("GO").said == ["-a", "go", "+b"]
    assert table.state == "b"


def test_outer_states_are_entered_first_and_left_last():
    table = Table(
        {
            "a": spoken(
                "a",
                initial="b",
                states={"b": spoken("b", initial="c", states={"c": spoken("c")})},
                on={"OUT": "z"},
            ),
            "z": spoken("z"),
        }
    )

    assert table.said == ["+a", "+b", "+c"]
    assert table.state == "a.b.c"
    assert table.send("OUT").said == ["-c", "-b", "-a", "+z"]


def test_regions_are_entered_in_the_order_of_the_document_and_left_in_reverse():
    table = Table(
        {
            "p": spoken(
                "p",
                type="parallel",
                states={
                    "l": spoken("l", initial="l1", states={"l1": spoken("l1")}),
                    "r": spoken("r", initial="r1", states={"r1": spoken("r1")}),
                },
                on={"OUT": "z"},
            ),
            "z": spoken("z"),
        }
    )

    assert table.said == ["+p", "+l", "+l1", "+r", "+r1"]
    assert table.state == "p.l.l1 + p.r.r1"
    assert table.send("OUT").said == ["-r1", "-r", "-l1", "-l", "-p", "+z"]


def test_several_actions_of_one_place_are_executed_in_their_order():
    table = Table(
        {
            "a": state(
                on_exit=[say("1"), say("2")],
                on={"GO": transition("b", action=[say("3"), say("4")])},
            ),
            "b": state(on_enter=[say("5"), say("6")]),
        }
    )

    assert table.send("GO").said == ["1", "2", "3", "4", "5", "6"]


def test_a_transition_to_its_own_state_leaves_it_and_enters_it_again():
    table = Table({"a": spoken("a", on={"AGAIN": transition("a", action=say("again"))})})
    table.said  # noqa: B018 - forget the start

    assert table.send("AGAIN").said == ["-a", "again", "+a"]


def test_a_transition_without_a_target_leaves_and_enters_nothing():
    table = Table(
        {
            "a": spoken(
                "a",
                initial="b",
                states={"b": spoken("b")},
                on={"NOTE": transition(action=say("noted"))},
            )
        }
    )
    table.said  # noqa: B018

    assert table.send("NOTE").said == ["noted"]
    assert table.last["from"] == table.last["to"] == "a.b"


INNER = {"b": spoken("b"), "c": spoken("c")}


def test_a_transition_to_a_state_inside_leaves_its_source_unless_it_is_internal():
    table = Table(
        {
            "a": spoken(
                "a",
                initial="b",
                states=INNER,
                on={"OUTER": transition("c"), "INNER": transition("c", internal=True)},
            )
        }
    )
    table.said  # noqa: B018

    assert table.send("OUTER").said == ["-b", "-a", "+a", "+c"]
    assert table.send("INNER").said == ["-c", "+c"]
    assert table.state == "a.c"


def test_between_siblings_only_what_differs_is_left_and_entered():
    table = Table(
        {"a": spoken("a", initial="b", states={"b": spoken("b", on={"GO": "c"}), "c": spoken("c")})}
    )
    table.said  # noqa: B018

    assert table.send("GO").said == ["-b", "+c"]


def test_a_target_deep_inside_enters_what_is_around_it_and_not_its_default():
    table = Table(
        {
            "z": state(on={"GO": "a.c.e"}),
            "a": spoken(
                "a",
                initial="b",
                states={
                    "b": spoken("b"),
                    "c": spoken(
                        "c",
                        on={"X": "b"},
                        initial="d",
                        states={"d": spoken("d"), "e": spoken("e", on={"X": "d"})},
                    ),
                },
            ),
        }
    )

    assert table.send("GO").said == ["+a", "+c", "+e"]


def test_several_initial_states_are_entered_in_their_regions():
    table = Table(
        {
            "p": state(
                type="parallel",
                states={
                    "l": state(
                        initial="l1", states={"l1": state(), "l2": spoken("l2", on={"X": "l1"})}
                    ),
                    "r": state(
                        initial="r1", states={"r1": state(), "r2": spoken("r2", on={"X": "r1"})}
                    ),
                },
            )
        },
        initial=["p.l.l2", "p.r.r2"],
    )

    assert table.said == ["+l2", "+r2"]


def test_a_target_in_one_region_enters_the_others_by_default():
    table = Table(
        {
            "z": state(on={"GO": "p.r.r2"}),
            "p": spoken(
                "p",
                type="parallel",
                states={
                    "l": spoken("l", initial="l1", states={"l1": spoken("l1")}),
                    "r": spoken(
                        "r",
                        initial="r1",
                        states={"r1": spoken("r1", on={"X": "r2"}), "r2": spoken("r2")},
                    ),
                },
            ),
        }
    )

    assert table.send("GO").said == ["+p", "+l", "+l1", "+r", "+r2"]


def test_transitions_of_all_regions_are_taken_together_in_the_order_of_the_document():
    table = Table(
        {
            "p": state(
                type="parallel",
                states={
                    name: state(
                        initial="x",
                        states={
                            "x": spoken(
                                f"{name}x",
                                on={"GO": transition("y", action=say(f"go {name}"))},
                            ),
                            "y": spoken(f"{name}y"),
                        },
                    )
                    for name in ("l", "r")
                },
            )
        }
    )
    table.said  # noqa: B018

    said = table.send("GO").said

    assert said == ["-rx", "-lx", "go l", "go r", "+ly", "+ry"]
    assert table.state == "p.l.y + p.r.y"


def test_what_follows_by_itself_is_done_before_the_next_event():
    table = Table(
        {
            "a": spoken("a", on={"GO": "b"}),
            "b": spoken("b", always=transition("c", action=say("at once"))),
            "c": spoken("c"),
        }
    )

    assert table.send("GO").said == ["+a", "-a", "+b", "-b", "at once", "+c"]
    assert [one.detail["event"] for one in table.records] == ["GO", "always"]


def test_a_transition_without_an_event_comes_before_the_news_that_a_state_is_done():
    table = Table(
        {
            "a": state(
                initial="b",
                states={
                    "b": state(on={"GO": transition("end", action=say("go"))}),
                    "end": state(type="final"),
                },
                always=transition("first", guard=lambda ctx: "go" in ctx.get("said", [])),
                on_done="second",
            ),
            "first": state(on={"X": "second"}),
            "second": state(),
        }
    )

    assert table.send("GO").state == "first"


def ended(table):
    return [(one.detail["event"], one.detail["to"], one.status) for one in table.records]


def test_an_end_that_nothing_follows_from_is_noted_with_what_its_guards_have_said():
    def part(**fields):
        return state(
            initial="x",
            states={
                "x": state(on={"GO": transition("y", action=say("go"))}),
                "y": state(type="final"),
            },
            **fields,
        )

    table = Table(
        {
            "p": state(
                type="parallel",
                states={
                    # Of the first end nothing follows, of the second something does.
                    "l": part(on_done=transition("gone", guard=lambda ctx: False)),
                    "r": part(on_done=transition(action=say("r is done"))),
                },
                on={"OFF": "gone"},
            ),
            "gone": state(),
        }
    )
    table.is_held = True
    table.send("GO").crash()
    table.is_held = False
    table.work()

    assert ended(table.crash()) == [
        ("GO", "p.l.y + p.r.y", "completed"),
        ("done", "p.l.y + p.r.y", "refused"),
        ("done", "p.l.y + p.r.y", "completed"),
    ]
    assert table.records[1].detail["because"] == "not so: False"
