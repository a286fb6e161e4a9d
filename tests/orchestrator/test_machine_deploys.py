"""Deploys in the middle of a transition: none of its actions is lost."""

from __future__ import annotations

import pytest

from orchestrator import Retry, action, state, state_machine, transition
from orchestrator.core.definition import registry

# Where the actions stand of the transition that is under way.
PLACES = ("on_enter", "on_enter of a final state", "transition", "on_exit", "first on_enter")


@pytest.fixture
def done():
    """The actions that were executed to their end, in order."""
    return []


@pytest.fixture
def deploy(done):
    """Define the machine with these actions in one place: `deploy("on_enter", "x", "y")`."""
    can_end = set()

    def x(context):
        done.append("x")

    def y(context):
        if "y" not in can_end:
            raise ConnectionError
        done.append("y")

    known = {"x": x, "y": action(y, retry=Retry(initial_delay="1h", max_delay="1h"))}

    def define(place, *names, lets_y_end=False):
        if lets_y_end:
            can_end.add("y")
        actions = [known[name] for name in names]
        in_b = {"on_enter": actions} if place.startswith("on_enter") else {}
        states = {
            "a": state(
                on={"GO": transition("b", action=actions if place == "transition" else [])},
                on_exit=actions if place == "on_exit" else [],
                on_enter=actions if place == "first on_enter" else [],
            ),
            "b": state(type="final", **in_b)
            if "final" in place
            else state(after={"30d": "c"}, on={"ON": "c"}, **in_b),
            "c": state(),
        }
        if "final" in place:
            del states["c"]
        registry._by_name.pop("deployed", None)
        return state_machine(name="deployed", initial="a", context={}, states=states)

    return define


@pytest.mark.parametrize("place", PLACES)
def test_an_action_that_is_taken_out_while_it_is_retried_blocks_until_it_is_back(
    runs, deploy, done, place
):
    machine = deploy(place, "x", "y").start()
    if not place.startswith("first"):
        machine.send("GO", wait=False)
    runs.drain()
    assert machine.refresh().waiting_on[0].kind == "retry"
    before = machine.state

    deploy(place, "x")
    runs.advance("1h")

    assert machine.refresh().status == "blocked"
    assert "which the code no longer asks for" in machine.error["message"]
    assert machine.state == before
    assert [one.is_done for one in machine.history if one.event == "GO"] in ([], [False])

    deploy(place, "x", "y", lets_y_end=True)
    machine.resume()
    runs.advance("1h")

    assert done == ["x", "y"]
    assert machine.refresh().status == ("completed" if "final" in place else "waiting")
    assert [one.is_done for one in machine.history if one.event == "GO"] in ([], [True])


def test_what_a_body_says_in_a_replay_that_fails_is_not_kept(runs, deploy):
    machine = deploy("on_enter", "x", "y").start()
    machine.send("GO", wait=False)
    runs.drain()
    machine.refresh()
    before = [(one.event, one.outcome) for one in machine.history]

    deploy("on_enter", "x")
    runs.advance("1h")
    machine.resume()
    runs.drain()
    assert machine.refresh().status == "blocked"

    assert [(one.event, one.outcome) for one in machine.history] == before
