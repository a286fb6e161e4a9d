"""What is wrong with a definition is found when it is made, all of it at once."""

from __future__ import annotations

import functools
from types import SimpleNamespace

import pytest
from pydantic import BaseModel

from orchestrator.core.charts.compiling import compiled
from orchestrator.core.charts.contexts import ContextType
from orchestrator.core.charts.functions import called, label
from orchestrator.core.charts.specs import action, invoke, state, transition
from orchestrator.core.errors import InvalidMachine

a_workflow = SimpleNamespace(name="kyc", definition=None)


def yes(ctx):
    return True


async def later(ctx):
    return True


def three(ctx, event, more):
    return True


def named(ctx, *, key):
    return True


def problems(states, initial="a", **options) -> list[str]:
    with pytest.raises(InvalidMachine) as caught:
        compiled("m", state(initial=initial, states=states), context_type=dict, **options)
    return caught.value.problems


def test_all_problems_are_reported_at_once_and_can_be_read():
    with pytest.raises(InvalidMachine) as caught:
        compiled(
            "order",
            state(
                initial="pendin",
                states={
                    "pending": state(on={"PAY": "procesing", "CANCEL": "cancelled"}),
                    "processing": state(on_enter=3, on={"SHIP": transition("done", guard=later)}),
                    "done": state(type="final", on={"BACK": "pending"}),
                    "cancelled": state(type="final"),
                    "lost": state(),
                },
            ),
            context_type=dict,
        )

    assert str(caught.value).splitlines() == [
        "state machine 'order' cannot work:",
        "  * the machine: initial: 'pendin' is no state; did you mean 'pending'?",
        "  * pending: PAY: 'procesing' is no state; did you mean 'processing'?",
        "  * processing: on_enter: 3 is not a function (pass it without calling it)",
        "  * processing: SHIP: guard 'later' is async; a guard is a plain `def`",
        "  * processing: no transition leads to it",
        "  * done: a final state has no transitions (BACK)",
        "  * done: no transition leads to it",
        "  * lost: no transition leads to it",
    ]


INNER = {"x": state(on={"GO": "y"}), "y": state()}


@pytest.mark.parametrize(
    ("states", "problem"),
    [
        # names
        (
            {"a": state(), "b.c": state()},
            "the machine: state 'b.c': a state's name cannot hold '.'",
        ),
        ({"a": state(), " b": state()}, "without spaces around it"),
        ({"a": state(on={"@x": "a"})}, "a: on '@x': names that start with @ are the engine's own"),
        ({"a": state(on={3: "a"})}, "a: on 3: an event's name is a text of 1 to 200 characters"),
        ({"a": {}}, "the machine: 'a' is a dict; write state(…)"),
        ({"a": state(states=[])}, "a: states is a dictionary"),
        ({"a": state(on=["GO"])}, "a: on is a dictionary of names and transition(…)"),
        ({"a": state(on={"GO": 3})}, "a: GO: 3 is no transition; write transition(…)"),
        ({"a": state(type="end")}, "a: type is 'final', 'parallel' or 'history', not 'end'"),
        # where it starts
        ({"a": state(states=INNER)}, "a: initial= is missing: one of x, y"),
        ({"a": state(initial="b", states=INNER), "b": state()}, "a: initial 'b' is not inside it"),
        ({"a": state(initial="a")}, "a: initial is for states with states inside"),
        (
            {"a": state(type="parallel", initial="x", states=INNER)},
            "a: a parallel state starts in all of its regions; it has no initial",
        ),
        ({"a": state(type="parallel")}, "a: a parallel state needs states= for its regions"),
        ({"a": state(target="a")}, "a: target is for history states; write initial"),
        # ends
        (
            {"a": state(type="final", after={"1d": "a"})},
            "a final state has no transitions (after 1d)",
        ),
        ({"a": state(type="final", states=INNER)}, "a: a final state has no states inside"),
        ({"a": state(type="final", on_exit=yes)}, "a: on_exit: the machine ends here"),
        ({"a": state(type="final", invoke=invoke(later))}, "a: a final state invokes nothing"),
        (
            {"a": state(type="parallel", states={"x": state(type="final")})},
            "a.x: a region of a parallel state is a state with states inside",
        ),
        ({"a": state(output=3)}, "a: output= is for final states"),
        ({"a": state(on_done="a")}, "a: on_done is for states with states inside"),
        (
            {"a": state(initial="x", states=INNER, on_done="a")},
            "a: on_done: none of its states is final, so it never comes to its end",
        ),
        # history
        (
            {"a": state(initial="x", states={**INNER, "h": state(type="history", on={"GO": "x"})})},
            "a.h: a history state has no transitions (GO)",
        ),
        (
            {"a": state(initial="x", states={**INNER, "h": state(type="history", on_enter=yes)})},
            "a.h: a history state has no actions",
        ),
        (
            {"a": state(on={"GO": "h"}), "h": state(type="history")},
            "h: a history state stands inside another state; the machine itself is never left",
        ),
        (
            {"a": state(initial="x", states={**INNER, "h": state(type="history")})},
            "a.h: no transition leads to it",
        ),
        (
            {"a": state(type="parallel", states={"h": state(type="history")})},
            "a: a parallel state needs states= for its regions",
        ),
        (
            {
                "a": state(
                    initial="x", states={**INNER, "h": state(type="history", target=["x", "y"])}
                )
            },
            "a.h: target: a machine cannot be in 'a.x' and in 'a.y' at once",
        ),
        (
            {"a": state(initial="x", states={**INNER, "h": state(type="history", target="a")})},
            "a.h: target 'a' is not beside it",
        ),
        ({"a": state(deep=True)}, "a: deep= is for history states"),
        # transitions
        (
            {"a": state(on={"GO": None})},
            "a: on 'GO': there is no transition; to take it and stay, write transition()",
        ),
        ({"a": state(on={"GO": []})}, "a: on 'GO': there is no transition"),
        ({"a": state(after={"1d": []})}, "a: after '1d': there is no transition"),
        ({"a": state(after={"soon": "a"})}, "a: after: not a duration: 'soon'"),
        (
            {"a": state(after={f"{'0' * 20}1d": "a"})},
            "a: after: a delay is written in at most 20 characters",
        ),
        (
            {"a" * 90: state(invoke=invoke(later, name="x" * 90))},
            "a path and the name of what is invoked have at most 160 characters",
        ),
        ({"a": state(always="a")}, "a: always leads round in a circle without a guard"),
        ({"a": state(always=transition(guard=yes))}, "a: always: without a target"),
        (
            {"a": state(on={"GO": ["b", "c"]}), "b": state(), "c": state()},
            "a: GO: nothing comes after the transition that has no guard",
        ),
        (
            {"a": state(on={"GO": transition("b", internal=True)}), "b": state()},
            "a: GO: an internal transition leads to a state inside its own, 'a'",
        ),
        (
            {"a": state(on={"GO": transition(["b", "c"])}), "b": state(), "c": state()},
            "a: GO: a machine cannot be in 'b' and in 'c' at once",
        ),
        # functions
        ({"a": state(on={"GO": transition(guard=True)})}, "a: GO: guard: True is not a function"),
        ({"a": state(on_exit=three)}, "three takes 3 arguments; it is called with (ctx) or"),
        ({"a": state(on_exit=named)}, "named has a parameter that must be named"),
        ({"a": state(on_exit=action(yes, name="@x"))}, "names that start with @"),
        ({"a": state(on_exit=action(yes, name="x#2"))}, "the number of its use stands behind"),
        ({"a": state(on_exit=action(later, atomic=True))}, "'later' is async, and an atomic"),
        # what is invoked
        ({"a": state(invoke=later)}, "is nothing to invoke; write invoke(…)"),
        ({"a": state(invoke=invoke(yes))}, "invoke 'yes': what is invoked is a workflow, or an"),
        (
            {"a": state(invoke=[invoke(later), invoke(later)])},
            "a: invoke 'later': the state invokes two things of this name",
        ),
        ({"a": state(invoke=invoke(later, input=yes))}, "invoke 'later': input= is for workflows"),
        ({"a": state(invoke=invoke(a_workflow, input=3))}, "input= is a function of ctx"),
        ({"a": state(invoke=invoke(later, name="after x"))}, "are those of delays"),
    ],
)
def test_a_problem_is_found_and_says_where_and_what(states, problem):
    found = problems(states)

    assert any(problem in one for one in found), found


def test_a_machine_needs_states_and_a_start():
    assert problems({}) == ["the machine: it has no states"]
    with pytest.raises(InvalidMachine, match="initial= is missing: one of a"):
        compiled("m", state(states={"a": state()}), context_type=dict)


def test_a_circle_without_guards_is_found():
    found = problems({"a": state(on={"GO": "b"}), "b": state(always="c"), "c": state(always="b")})

    assert found == ["b: always leads round in a circle without a guard: 'b' to 'c' to 'b'"]


def test_an_event_with_a_schema_that_no_state_takes_is_a_mistake():
    class Payment(BaseModel):
        amount: int

    found = problems({"a": state(on={"PAID": "a"})}, schemas={"PAYED": Payment})

    assert found == ["events: no state has a transition for 'PAYED'"]


def test_a_state_that_only_others_out_of_reach_lead_to_is_out_of_reach():
    found = problems({"a": state(), "b": state(on={"GO": "c"}), "c": state(on={"GO": "b"})})

    assert found == ["b: no transition leads to it", "c: no transition leads to it"]


def test_what_regions_show_together_must_fit():
    long = {f"{'s' * 60}{n}": state(initial="x", states={"x": state()}) for n in range(5)}

    [problem] = problems({"a": state(type="parallel", states=long)})

    assert "more than 255 characters" in problem


def test_a_target_that_is_somewhere_else_is_hinted_at():
    [problem] = problems(
        {"a": state(on={"GO": "deep"}), "b": state(initial="deep", states={"deep": state()})},
        initial="a",
    )[:1]

    assert problem == "a: GO: 'deep' is no state; did you mean 'b.deep'?"


# ---- names of functions --------------------------------------------------------------

SHORT = lambda ctx: ctx.paid  # noqa: E731
LONG = lambda ctx: ctx.first_name and ctx.last_name and ctx.street and ctx.town_hall  # noqa: E731


def test_a_guard_is_shown_by_its_name_and_a_lambda_by_what_it_says():
    both = [lambda ctx: ctx.a > 1, lambda ctx, event: event.amount >= ctx.total]

    assert label(yes) == "yes"
    assert label(functools.partial(three, more=1)) == "three"
    assert label(SHORT) == "ctx.paid"
    assert [label(one) for one in both] == ["ctx.a > 1", "event.amount >= ctx.total"]
    assert label(LONG) == "ctx.first_name and ctx.last_name and ctx.street and ctx.tow…"


def test_a_lambda_without_source_has_no_name():
    made = eval("lambda ctx: ctx.a")

    assert (label(made), called(made)) == ("a lambda", "")


def test_the_class_of_a_context_is_found():
    assert ContextType(dict[str, int]).cls is dict
    assert ContextType(Exception).cls is Exception
