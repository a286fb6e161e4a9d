"""Which transition an event leads to, and what is refused."""

from __future__ import annotations

from pydantic import BaseModel

from orchestrator.core.charts.specs import state, transition
from orchestrator.core.errors import GuardFailed, Refused
from tests.core.charts.tabletop import Table, say


def said_no(ctx):
    return False


def regions(**regions):
    return state(type="parallel", states=regions)


def test_the_first_transition_counts_whose_guard_lets_it():
    def large(ctx, event):
        return event.amount > 10

    table = Table(
        {
            "a": state(on={"PAY": [transition("b", guard=large), transition("c")]}),
            "b": state(),
            "c": state(),
        }
    )

    assert table.send("PAY", {"amount": 3}).state == "c"
    [guard] = table.last["guards"]
    assert guard == {"guard": "large", "to": "b", "passed": False, "because": "not so: large"}


def test_an_inner_state_is_asked_before_the_one_around_it():
    table = Table(
        {
            "a": state(
                initial="b",
                states={"b": state(on={"GO": "x"}), "c": state(), "x": state(on={"GO": "c"})},
                on={"GO": "y"},
            ),
            "y": state(),
        }
    )

    assert table.send("GO").state == "a.x"
    assert table.send("GO").state == "a.c"
    assert table.send("GO").state == "y"


def test_an_outer_state_takes_what_the_guards_of_the_inner_one_do_not():
    table = Table(
        {
            "a": state(
                initial="b",
                states={"b": state(on={"GO": transition("c", guard=said_no)}), "c": state()},
                on={"GO": "y"},
            ),
            "y": state(),
        }
    )

    assert table.send("GO").state == "y"


def test_any_event_comes_after_those_that_are_named_wherever_it_is_written():
    table = Table(
        {
            "a": state(on={"*": "other", "GO": "b"}),
            "b": state(on={"GO": transition("a", guard=said_no), "*": "other"}),
            "other": state(),
        }
    )

    assert table.send("GO").state == "b"
    assert table.send("GO").state == "other"


def test_any_event_is_none_of_those_that_happen_inside():
    table = Table(
        {
            "a": state(
                initial="b",
                states={"b": state(on={"GO": "end"}), "end": state(type="final")},
                on={"*": "other"},
            ),
            "other": state(),
        }
    )

    assert table.send("GO").state == "a.end"
    assert table.send("ELSE").state == "other"


def test_a_transition_of_a_state_around_several_active_ones_is_taken_once():
    table = Table(
        {
            "p": state(
                type="parallel",
                states={
                    "l": state(initial="x", states={"x": state()}),
                    "r": state(initial="x", states={"x": state()}),
                },
                on={"GO": transition(action=say("once"))},
            )
        }
    )

    assert table.send("GO").said == ["once"]


def test_of_two_that_conflict_the_first_in_the_document_wins():
    table = Table(
        {
            "p": regions(
                l=state(initial="x", states={"x": state(on={"GO": "out"})}),
                r=state(initial="x", states={"x": state(on={"GO": "other"})}),
            ),
            "out": state(),
            "other": state(),
        }
    )

    assert table.send("GO").state == "out"


def test_of_two_that_conflict_the_inner_one_wins():
    table = Table(
        {
            "p": state(
                type="parallel",
                on={"GO": "out"},
                states={
                    "l": state(initial="x", states={"x": state()}),
                    "r": state(initial="x", states={"x": state(on={"GO": "y"}), "y": state()}),
                },
            ),
            "out": state(),
        }
    )

    # Region l has no transition of its own, so it is the outer one's that it enables.
    assert table.send("GO").state == "p.l.x + p.r.y"


def test_a_transition_within_a_region_and_one_without_a_target_do_not_conflict():
    table = Table(
        {
            "p": regions(
                l=state(initial="x", states={"x": state(on={"GO": transition(action=say("l"))})}),
                r=state(initial="x", states={"x": state(on={"GO": "y"}), "y": state()}),
            )
        }
    )

    table.send("GO")

    assert table.said == ["l"]
    assert table.state == "p.l.x + p.r.y"


# ---- refusals ------------------------------------------------------------------------


def test_an_event_that_no_state_takes_is_refused_and_says_which_are_taken():
    table = Table({"a": state(on={"GO": "b", "STOP": "b"}), "b": state()})

    table.send("SHIPPED")

    assert table.state == "a"
    assert table.last["status"] == "refused"
    assert table.last["because"] == "a does not take SHIPPED; it takes GO, STOP"


def test_a_guard_says_no_in_its_own_words():
    def enough(ctx, event):
        if event.amount < 100:
            raise Refused(f"{event.amount} is less than 100")
        return True

    table = Table({"a": state(on={"PAY": transition("b", guard=enough)}), "b": state()})

    assert table.send("PAY", {"amount": 80}).last["because"] == "80 is less than 100"
    assert table.send("PAY", {"amount": 100}).state == "b"


def test_a_guard_that_raises_refuses_the_event_with_its_error():
    table = Table(
        {
            "a": state(
                on={
                    "PAY": [
                        transition("b", guard=lambda ctx, event: event.amount > 3),
                        transition("c"),
                    ]
                }
            ),
            "b": state(),
            "c": state(),
        }
    )

    table.send("PAY", {"sum": 80})

    assert table.state == "a"
    assert table.last["because"] == (
        "its guard (event.amount > 3) raised AttributeError: "
        "PAY has no 'amount'; its payload has sum"
    )


def test_a_guard_that_raises_where_there_is_no_event_to_refuse_fails_the_run():
    table = Table(
        {"a": state(on={"GO": "b"}), "b": state(always=transition("a", guard=lambda ctx: 1 / 0))}
    )

    table.send("GO")

    assert isinstance(table.error, GuardFailed)
    assert "division by zero" in str(table.error)


def test_what_a_guard_changes_is_lost():
    def greedy(ctx, event):
        ctx["said"] = ["mine"]
        event.payload["amount"] = 5
        return False

    table = Table(
        {
            "a": state(
                on={
                    "PAY": [
                        transition("b", guard=greedy),
                        transition("c", guard=lambda ctx, event: event.amount == 1),
                    ]
                }
            ),
            "b": state(),
            "c": state(),
        }
    )

    assert table.send("PAY", {"amount": 1}).state == "c"
    assert table.context == {}


def test_a_guard_is_asked_once_however_often_the_body_is_replayed():
    asked = []

    def noted(ctx):
        asked.append(1)
        return True

    table = Table(
        {
            "a": state(on={"GO": transition("b", guard=noted, action=say("go"))}),
            "b": state(on_enter=say("b")),
        }
    )
    table.is_held = True
    table.send("GO")
    table.crash()
    table.is_held = False
    table.work()

    assert table.state == "b"
    assert asked == [1]


class Payment(BaseModel):
    amount: int


def test_a_payload_that_does_not_fit_what_was_declared_is_refused():
    table = Table(
        {
            "a": state(on={"PAY": transition("b", guard=lambda ctx, event: event.amount > 1)}),
            "b": state(),
        },
        schemas={"PAY": Payment},
    )

    assert "amount" in table.send("PAY", {"amount": "x"}).last["because"]
    assert table.send("PAY", {"amount": "3"}).state == "b"


def test_an_event_says_who_sent_it_and_when():
    seen = []

    def note(ctx, event):
        seen.append((event.name, event.actor, event.at))
        return True

    table = Table({"a": state(on={"GO": transition("b", guard=note)}), "b": state()})
    at = table.body.now
    table.send("GO", actor="ann")

    assert seen == [("GO", "ann", at)]
