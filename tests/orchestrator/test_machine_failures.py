"""What senders and histories tell when a machine's run fails in the middle of a transition."""

from __future__ import annotations

import io

import pytest
from django.core.management import call_command

from orchestrator import Retry, action, state, state_machine, transition
from tests.orchestrator.lifecycle import OrderContext, register

ONCE = Retry(max_attempts=1)


def machine_of(**states):
    made = state_machine(
        name="failing", initial="a", context={}, states={"a": state(on={"GO": "b"}), **states}
    )
    return made.start()


def boom(ctx):
    raise ValueError("boom")


def falling(where):
    """A machine whose run fails after GO, each in another place of what follows."""
    end = state(type="final")
    match where:
        case "an exit":
            return state_machine(
                name="failing",
                initial="a",
                states={
                    "a": state(on={"GO": "b"}, on_exit=action(boom, retry=ONCE)),
                    "b": state(on={"STAY": "b"}),
                },
            ).start()
        case "an entry":
            return machine_of(b=state(on_enter=action(boom, retry=ONCE)))
        case "the entry of an end":
            return machine_of(b=state(type="final", on_enter=action(boom, retry=ONCE)))
        case "a guard":
            return machine_of(b=state(always=transition("c", guard=lambda ctx: 1 / 0)), c=end)
        case "an output":
            return machine_of(b=state(type="final", output=lambda ctx: ctx["nope"]))
    raise AssertionError(where)


@pytest.mark.parametrize(
    ("where", "because"),
    [
        ("an exit", "ValueError: boom (in boom)"),
        ("an entry", "ValueError: boom (in boom)"),
        ("the entry of an end", "ValueError: boom (in boom)"),
        (
            "a guard",
            "GuardFailed: its guard (1 / 0) raised ZeroDivisionError: division by zero",
        ),
        ("an output", "KeyError: 'nope'"),
    ],
)
def test_a_sender_is_told_that_the_run_has_failed_of_it(runs, where, because):
    machine = falling(where)

    told = machine.send("GO")

    assert (told.accepted, told.outcome, told.is_done) == (True, "failed", False)
    assert (told.from_, told.to, told.failed_because) == ("a", "b", because)
    assert machine.refresh().status == "failed"
    assert machine.history == [told]
    assert machine.verdict(told) == told


def test_what_follows_by_itself_has_failed_as_well(runs):
    machine = machine_of(
        b=state(always="c"), c=state(on_enter=action(boom, retry=ONCE), on={"BACK": "b"})
    )

    told = machine.send("GO")

    assert (told.outcome, told.to) == ("failed", "b")
    rows = [(one.event, one.from_, one.to, one.outcome) for one in machine.history]
    assert rows == [("GO", "a", "b", "failed"), ("always", "b", "c", "failed")]


def test_a_transition_that_is_retried_is_under_way_again_and_then_done(runs, effect):
    machine = register(tell=effect).start(OrderContext())
    runs.fail(step="notify_warehouse", times=3, error=ConnectionError("no line"))
    machine.send("PAYMENT_RECEIVED", {"amount": 30})
    runs.advance("1h")
    told = machine.refresh().history[0]
    assert (told.outcome, told.failed_because) == (
        "failed",
        "ConnectionError: no line (in notify_warehouse)",
    )

    runs.close()
    machine.retry()
    assert machine.refresh().history[0].outcome == "running"
    runs.open()
    runs.drain()

    assert machine.verdict(told).outcome == machine.refresh().history[0].outcome == "done"
    assert machine.history[0].failed_because == ""


def test_a_transition_in_which_the_run_was_cancelled_says_so(runs):
    machine = machine_of(b=state(on_enter=boom))
    told = machine.send("GO")
    assert told.outcome == "running"

    machine.cancel()
    runs.drain()

    assert (machine.verdict(told).outcome, machine.verdict(told).is_done) == ("cancelled", False)


def test_the_name_of_the_error_outlives_what_it_said(runs):
    made = state_machine(
        name="failing",
        initial="a",
        payload_retention="1d",
        states={"a": state(on={"GO": "b"}), "b": state(on_enter=action(boom, retry=ONCE))},
    )
    machine = made.start()
    machine.send("GO")
    runs.advance("2d")

    call_command("prune", stdout=io.StringIO())

    assert machine.refresh().history[0].failed_because == "ValueError"


def test_an_end_whose_entry_failed_is_reached_by_a_retry(runs, effect):
    def tell(ctx):
        effect("told")
        if len(effect.calls) == 1:
            raise ValueError("not yet")

    machine = machine_of(b=state(type="final", on_enter=action(tell, retry=ONCE), output="over"))
    assert machine.send("GO").outcome == "failed"
    assert (machine.refresh().state, machine.status) == ("b", "failed")

    machine.retry()
    runs.drain()

    assert machine.refresh().result() == "over"
    assert machine.history[0].outcome == "done"


# ---- histories are chains --------------------------------------------------------------


def test_each_transition_of_a_history_leads_to_where_the_next_begins(runs):
    def leaf(event):
        return state(initial="i", states={"i": state(on={event: "j"}), "j": state(type="final")})

    machine = state_machine(
        name="chain",
        initial="p",
        states={
            "p": state(type="parallel", states={"l": leaf("L"), "r": leaf("R")}, on_done="between"),
            "between": state(always="rest"),
            "rest": state(on={"AGAIN": "p"}),
        },
    ).start()
    for event in ("ODD", "L", "R", "AGAIN", "R"):
        told = machine.send(event)

    history = machine.refresh().history
    place = "p.l.i + p.r.i"
    for one in history:
        assert one.from_ == place
        place = one.to
    assert place == machine.state == told.to
    assert [one.event for one in history] == [*("ODD", "L", "R", "done", "always", "AGAIN", "R")]


def test_a_sender_is_told_where_the_machine_has_come_to_rest(runs):
    machine = machine_of(b=state(always="c"), c=state(on={"BACK": "b"}))

    told = machine.send("GO")

    assert (told.to, machine.refresh().state) == ("c", "c")
    assert [one.to for one in machine.history] == ["b", "c"]


# ---- machines whose state is gone ------------------------------------------------------


def test_of_a_machine_whose_state_is_gone_nothing_can_be_expected(runs):
    machine = machine_of(b=state(on={"BACK": "b"}))
    machine.send("GO")
    machine.refresh()
    machine._chart = state_machine(
        name="other", initial="a", states={"a": state(on={"GO": "c"}), "c": state()}
    ).chart

    asked = machine.preview("BACK")

    assert "in 'b', which is no state any more" in machine.trouble
    assert (asked.accepted, asked.refused_because) == (False, machine.trouble)
    assert (machine.can("BACK"), machine.takes) == (False, [])
    machine.cancel()
    runs.drain()
    assert machine.refresh().trouble == ""


def test_a_preview_says_what_each_guard_has_said(runs):
    machine = machine_of(
        b=state(on={"ON": [transition("a", guard=lambda ctx, event: event.n > 3), transition("b")]})
    )
    machine.send("GO")

    asked = machine.refresh().preview("ON", {"n": 1})

    assert (asked.accepted, asked.to) == (True, "b")
    assert [(one["guard"], one["passed"]) for one in asked.guards] == [("event.n > 3", False)]
