"""Delays, what states invoke, and actions that fail."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from types import SimpleNamespace
from uuid import uuid4

import pytest

from orchestrator.core import codec
from orchestrator.core.charts.specs import action, invoke, state, transition
from orchestrator.core.commands import Timer
from orchestrator.core.errors import RestlessMachine, StepFailed
from tests.core.charts.tabletop import STARTED, Table, fail, say

DAY = timedelta(days=1)


def deadline(table, name):
    [timer] = [one for one in table.body.pending if one.name == name]
    assert isinstance(timer, Timer)
    return timer.until


# ---- delays --------------------------------------------------------------------------


def visits():
    return Table(
        {
            "shop": state(on={"OUT": "backorder"}),
            "backorder": state(after={"14d": "cancelled"}, on={"IN": "shop", "NOTE": transition()}),
            "cancelled": state(),
        }
    )


def test_a_delay_belongs_to_one_visit_of_its_state():
    table = visits().send("OUT")
    first = deadline(table, "after 14d in backorder")

    table.wait(DAY).send("IN")
    assert not [one for one in table.pending if "after" in one]
    table.wait(DAY).send("OUT")

    assert first == STARTED + 14 * DAY
    assert deadline(table, "after 14d in backorder") == STARTED + 16 * DAY
    assert table.fire("after 14d in backorder").state == "cancelled"
    assert table.last["event"] == "after 14d"


def test_a_delay_counts_from_the_entry_whatever_happens_in_between():
    table = visits().send("OUT")

    table.wait(DAY).send("NOTE").crash()
    table.wait(DAY).send("ELSE").crash()

    assert deadline(table, "after 14d in backorder") == STARTED + 14 * DAY


def test_a_state_that_is_entered_again_begins_its_delay_again():
    table = Table({"a": state(after={"1d": "b"}, on={"AGAIN": "a"}), "b": state()})

    table.wait(DAY / 2).send("AGAIN")

    assert deadline(table, "after 1d in a") == STARTED + 1.5 * DAY


def test_several_delays_of_a_state_each_have_their_own_transition():
    table = Table(
        {
            "a": state(
                after={
                    "1h": transition(action=say("remind")),
                    "2h": [transition("b", guard=lambda ctx: False), transition("c")],
                }
            ),
            "b": state(),
            "c": state(),
        }
    )

    assert table.fire("after 1h in a").said == ["remind"]
    assert table.fire("after 2h in a").state == "c"


def test_a_delay_whose_guard_says_no_is_noted_and_over():
    table = Table(
        {
            "a": state(after={"1h": transition("b", guard=lambda ctx: False)}, on={"GO": "b"}),
            "b": state(),
        }
    )

    table.fire("after 1h in a")

    assert table.last["status"] == "refused"
    assert table.pending == ["@events"]


def test_a_delay_that_is_over_while_actions_are_executed_waits_for_them():
    table = Table(
        {
            "a": state(after={"1h": "late"}, on={"STAY": transition(action=say("x")), "GO": "b"}),
            "b": state(),
            "late": state(),
        }
    )
    table.is_held = True
    table.send("STAY").fire("after 1h in a")
    assert table.state == "a"

    table.crash()
    table.is_held = False
    table.work()

    assert table.state == "late"


def test_a_delay_that_was_over_before_its_state_was_left_is_forgotten():
    table = Table(
        {
            "a": state(after={"1h": "late"}, on={"GO": "b"}, on_exit=say("x")),
            "b": state(),
            "late": state(),
        }
    )
    table.is_held = True
    table.send("GO").fire("after 1h in a")
    table.is_held = False
    table.work()

    assert table.state == "b"


# ---- invoke --------------------------------------------------------------------------

kyc = SimpleNamespace(name="kyc", definition=None)


def child(status="completed", output=None):
    """How a child's end is told to its parent."""
    error = {"type": "builtins:ValueError", "message": "no"}
    return {
        "run_id": str(uuid4()),
        "status": status,
        "output": codec.encode(output),
        "error": None if status == "completed" else error,
    }


def remember(ctx, event):
    ctx["got"] = event.payload


def checking(**fields):
    return Table(
        {
            "new": state(on={"GO": "checking"}),
            "checking": state(
                invoke=invoke(
                    kyc,
                    input=lambda ctx: ctx["customer"],
                    on_done=[
                        transition("good", guard=lambda ctx, event: event.ok, action=remember),
                        transition("bad"),
                    ],
                    on_error=transition("broken", action=remember),
                ),
                on={"NOTE": transition(action=say("note")), "CANCEL": "bad"},
                **fields,
            ),
            "good": state(),
            "bad": state(),
            "broken": state(),
        },
        context={"customer": 7},
    )


def test_a_workflow_is_started_in_a_state_and_its_output_is_an_event():
    table = checking().send("GO")
    entry = table.journal["kyc"]
    assert (entry.kind, entry.detail) == ("child", {"workflow": "kyc", "input": "7"})

    table.answer("kyc", child(output={"ok": True}))

    assert table.state == "good"
    assert table.context["got"] == {"ok": True}
    assert table.last["event"] == "kyc done"


def test_a_workflow_that_fails_is_an_event_with_its_error():
    table = checking().send("GO").answer("kyc", child("failed"))

    assert table.state == "broken"
    # The child's own error, and not that of waiting for it.
    assert table.context["got"]["type"] == "ValueError"


def test_what_a_state_invokes_is_given_up_when_the_state_is_left():
    table = checking().send("GO").send("CANCEL")

    assert table.journal["kyc"].status == "cancelled"
    assert table.pending == ["@events#3"]


def test_what_a_state_invokes_goes_on_over_other_events_and_crashes():
    table = checking().send("GO").send("NOTE").crash().send("NOTE").crash()

    assert [key for key in table.journal if key.startswith("kyc")] == ["kyc"]
    assert table.answer("kyc", child(output={"ok": False})).state == "bad"


def test_a_second_visit_invokes_again():
    table = Table(
        {
            "a": state(on={"GO": "b"}),
            "b": state(invoke=invoke(kyc, on_done="a"), on={"BACK": "a"}),
        }
    )

    table.send("GO").send("BACK").send("GO")

    assert table.journal["kyc#2"].status == "open"
    assert table.answer("kyc#2", child()).state == "a"


async def talk(ctx, context):
    """Asks for several things: it may be half done at a checkpoint."""
    first = await ctx.wait("first", kind="question")
    second, _ = await asyncio.gather(
        ctx.wait("second", kind="question"), ctx.wait("second", kind="question")
    )
    return [context["n"], first, second]


def test_a_function_that_is_invoked_goes_on_where_it_was():
    def count(ctx):
        ctx["n"] += 1

    table = Table(
        {
            "a": state(
                invoke=invoke(talk, on_done=transition("b", action=remember)),
                on={"NOTE": transition(action=count)},
            ),
            "b": state(),
        },
        context={"n": 1},
    )

    table.send("NOTE").answer("first", "1st").send("NOTE").crash()
    table.answer("second#2", "x").send("NOTE").crash()
    table.answer("second", "2nd")

    # With the context that it began with.
    assert table.context["got"] == [1, "1st", "2nd"]
    assert table.state == "b"


def test_an_invocation_that_nobody_asked_to_be_told_of_ends_in_silence():
    table = Table({"a": state(invoke=invoke(kyc), on={"GO": "b"}), "b": state()})

    table.answer("kyc", child())

    assert table.records == []
    assert table.send("GO").state == "b"


def test_a_failed_invocation_that_no_state_takes_fails_the_run():
    table = Table({"a": state(invoke=invoke(kyc), on={"GO": "b"}), "b": state()})

    table.answer("kyc", child("failed"))

    assert "no" in str(table.error)


# ---- actions that fail ---------------------------------------------------------------


def test_an_action_that_fails_fails_the_run_where_it_was():
    table = Table(
        {
            "a": state(on={"GO": transition("b", action=[say("1"), fail("2"), say("3")])}),
            "b": state(),
        }
    )

    table.send("GO")

    assert isinstance(table.error, StepFailed)
    assert table.records[-1].status == "failed"
    assert [key for key in table.journal if key.startswith(("say", "fail"))] == ["say 1", "fail 2"]


def test_a_state_may_take_the_failure_of_its_entry():
    table = Table(
        {
            "a": state(on={"GO": "b"}),
            "b": state(
                on_enter=[fail("printer"), say("never")],
                on_error=transition("sick", action=remember),
            ),
            "sick": state(),
        }
    )

    table.send("GO")

    assert table.state == "sick"
    assert table.context["got"] == {
        "type": "ValueError",
        "message": "printer",
        "step": "fail printer",
    }
    assert [one.detail["event"] for one in table.records] == ["GO", "error"]


def test_a_failure_whose_guard_says_no_fails_the_run():
    table = Table(
        {
            "a": state(on={"GO": "b"}),
            "b": state(
                on_enter=fail("printer"),
                on_error=transition("sick", guard=lambda ctx, event: event.type == "OSError"),
            ),
            "sick": state(),
        }
    )

    assert "printer" in str(table.send("GO").error)


def test_a_machine_that_never_comes_to_rest_fails():
    table = Table(
        {
            "a": state(on={"GO": "b"}),
            "b": state(always=transition("c", guard=lambda ctx: True)),
            "c": state(always=transition("b", guard=lambda ctx: True)),
        }
    )

    assert isinstance(table.send("GO").error, RestlessMachine)


# ---- what actions may do -------------------------------------------------------------


async def later_(ctx, event):
    await asyncio.sleep(0)
    ctx["got"] = event.amount


def test_an_action_may_be_async_and_see_the_event():
    table = Table({"a": state(on={"GO": transition(action=later_)})})

    assert table.send("GO", {"amount": 5}).context["got"] == 5


@pytest.mark.parametrize(
    ("fn", "expected"),
    [
        (lambda ctx: {**ctx, "n": 2}, {"n": 2}),
        (lambda ctx: ctx.update(n=3), {"n": 3}),
        (lambda ctx: "anything", {"n": 1}),
        (lambda ctx: ctx.pop("n"), {}),
    ],
)
def test_an_action_changes_the_context_or_returns_a_new_one(fn, expected):
    table = Table({"a": state(on={"GO": transition(action=fn)})}, context={"n": 1})

    assert table.send("GO").context == expected


def test_an_action_that_changes_nothing_records_nothing():
    table = Table({"a": state(on={"GO": transition(action=action(lambda ctx: 1, name="look"))})})

    table.send("GO")

    assert table.journal["look"].value == "null"
