"""Which state takes an error: the place where it arose decides, and then what is around it."""

from __future__ import annotations

import pytest

from orchestrator.core.charts.specs import invoke, state, transition
from orchestrator.core.errors import StepFailed
from tests.core.charts.tabletop import Table, fail
from tests.core.charts.test_besides import child, kyc


def blame(ctx, event):
    ctx["because"] = event.message


def taken(target):
    return transition(target, action=blame)


def region(*, failing=False, leaf=None, own=None, invoked=None):
    """A region in which GO leads from i to j, with an `on_error` in its leaves or of its own."""
    broken = fail("jam") if failing else None
    return state(
        initial="i",
        states={
            "i": state(on={"GO" if broken or invoked else "NEVER": "j", "BREAK": "e"}),
            "j": state(on_enter=broken, invoke=invoked, on_error=leaf),
            "e": state(),
        },
        on_error=own,
    )


def healthy(*, leaf=None, own=None):
    """A region that nothing happens to."""
    return state(
        initial="i",
        states={"i": state(on={"BREAK": "e"}, on_error=leaf), "e": state()},
        on_error=own,
    )


def both(left, right, **options):
    return Table(
        {
            "p": state(
                type="parallel",
                states={"left": left, "right": right},
                on={"OFF": "off"},
                **options,
            ),
            "off": state(),
        }
    )


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ({"leaf": taken("e")}, {"leaf": taken("e")}),
        ({"leaf": taken("e")}, {"own": taken("right.e")}),
        ({"own": taken("left.e")}, {"leaf": taken("e")}),
        ({"own": taken("left.e")}, {"own": taken("right.e")}),
    ],
)
def test_the_region_in_which_an_action_fails_takes_its_error(left, right):
    table = both(healthy(**left), region(failing=True, **right))

    table.send("GO")

    assert table.state == "p.left.i + p.right.e"
    assert table.context["because"] == "jam"


def test_a_healthy_region_never_takes_the_error_of_another():
    table = both(healthy(leaf=taken("e"), own=taken("left.e")), region(failing=True))

    table.send("GO")

    assert isinstance(table.error, StepFailed)
    assert table.state == "p.left.i + p.right.j"


def test_what_is_around_the_regions_takes_what_the_region_does_not():
    table = both(healthy(leaf=taken("e")), region(failing=True), on_error=taken("off"))

    assert table.send("GO").state == "off"


def test_the_innermost_state_of_the_region_comes_first():
    table = both(
        healthy(),
        region(failing=True, leaf=taken("e"), own=taken("right.i")),
        on_error=taken("off"),
    )

    assert table.send("GO").state == "p.left.i + p.right.e"


def test_what_a_region_invokes_fails_in_that_region():
    table = both(
        healthy(leaf=taken("e")),
        region(invoked=invoke(kyc), leaf=taken("e")),
    )

    table.send("GO").answer("kyc", child("failed"))

    assert table.state == "p.left.i + p.right.e"


def test_what_fails_in_a_region_that_is_left_is_taken_where_the_machine_goes():
    def careless(**fields):
        return state(initial="i", states={"i": state()}, **fields)

    table = Table(
        {
            "p": state(
                type="parallel",
                states={"left": careless(), "right": careless(on_exit=fail("stuck"))},
                on={"OFF": "off"},
                on_error=taken("lost"),
            ),
            "off": state(on_error=taken("safe")),
            "safe": state(),
            "lost": state(),
        }
    )

    assert table.send("OFF").state == "safe"


def test_regions_do_not_take_what_fails_while_the_state_around_them_is_entered():
    table = Table(
        {
            "a": state(on={"GO": "p"}),
            "p": state(
                type="parallel",
                on_enter=fail("dark"),
                states={"left": healthy(leaf=taken("e")), "right": healthy(own=taken("right.e"))},
                on_error=taken("off"),
            ),
            "off": state(),
        }
    )

    assert table.send("GO").state == "off"


def test_a_region_takes_what_fails_on_a_transition_within_it():
    table = both(
        healthy(leaf=taken("e")),
        state(
            initial="i",
            states={
                "i": state(on={"GO": transition("j", action=fail("slip"))}),
                "j": state(on_error=taken("e")),
                "e": state(),
            },
        ),
    )

    assert table.send("GO").state == "p.left.i + p.right.e"
