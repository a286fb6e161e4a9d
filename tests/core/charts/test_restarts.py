"""A machine goes on after a crash, wherever it came, and under a changed definition."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core.charts.compiling import compiled
from orchestrator.core.charts.specs import invoke, state, transition
from orchestrator.core.errors import NonDeterminism, UnknownState
from tests.core.charts.tabletop import STARTED, Table, say
from tests.core.charts.test_besides import child, kyc


def machine(*, soon="1h", later="2h", checks=True):
    """Something of everything."""
    check = {"invoke": invoke(kyc, on_done="both", on_error="draft")} if checks else {}

    def busy(name, **fields):
        return state(on_enter=say(f"+{name}"), on_exit=say(f"-{name}"), **fields)

    return {
        "idle": busy("idle", on={"GO": transition("work", action=say("go")), "BACK": "back"}),
        "work": busy(
            "work",
            initial="draft",
            states={
                "draft": busy("draft", on={"NEXT": "check"}, after={soon: "check"}),
                "check": busy("check", on={"NEXT": "both"}, **check),
                "both": busy(
                    "both",
                    type="parallel",
                    states={
                        name: state(
                            initial="x",
                            states={
                                "x": busy(f"{name}x", on={name: "y"}, after={later: "y"}),
                                "y": busy(f"{name}y", type="final", output=name),
                            },
                        )
                        for name in ("L", "R")
                    },
                    on_done=transition("done", action=say("both done")),
                ),
                "done": busy("done", always=transition("draft", guard=often)),
                "memory": state(type="history", deep=True),
            },
            on={"STOP": "idle", "NOTE": transition(action=say("note"))},
        ),
        "back": state(always=transition("work.memory")),
    }


def often(ctx):
    return ctx["said"].count("+done") < 3


happenings = st.lists(
    st.sampled_from(
        ["GO", "NEXT", "L", "R", "STOP", "NOTE", "BACK", "ELSE", "answer", "fail", "fire", "crash"]
    ),
    max_size=25,
)


def happen(table: Table, what: str) -> None:
    pending = {one.name: one.key for one in table.body.pending}
    match what:
        case "answer" | "fail":
            if "kyc" in pending:
                table.answer(pending["kyc"], child("completed" if what == "answer" else "failed"))
        case "fire":
            if name := next((name for name in pending if name.startswith("after")), None):
                table.fire(name)
        case "crash":
            table.crash()
        case event:
            table.send(event)


@given(happenings)
@settings(max_examples=60, deadline=None)
def test_a_machine_that_crashes_does_what_one_does_that_does_not(story):
    calm, tried = Table(machine()), Table(machine())

    for what in story:
        happen(calm, "ELSE" if what == "crash" else what)
        happen(tried, "ELSE" if what == "crash" else what)
        if what == "crash":
            tried.crash()

    assert tried.state == calm.state
    assert tried.context == calm.context
    assert [one.detail for one in tried.records] == [one.detail for one in calm.records]
    assert list(tried.journal) == list(calm.journal)


@given(happenings)
@settings(max_examples=60, deadline=None)
def test_every_history_is_a_path(story):
    table = Table(machine())
    place = table.state
    for what in story:
        happen(table, what)

    for record in table.records:
        assert record.detail["from"] == place
        if record.status == "refused":
            assert record.detail["to"] == place
        place = record.detail["to"]
        assert all(edge in table.chart.edges for edge in record.detail["taken"])
    assert place == table.state


@given(happenings, st.integers(0, 200))
@settings(max_examples=40, deadline=None)
def test_a_crash_before_any_step_leads_to_the_same_place(story, place):
    """Steps are held back one by one: the worker dies before step number `place`."""
    calm, tried = Table(machine()), Table(machine())
    for what in story:
        happen(calm, what)

    count = 0

    def crash_in_between(step, execute=tried._execute):
        nonlocal count
        count += 1
        if count == place:
            tried.body.close()
            tried.begin()
            return
        execute(step)

    tried._execute = crash_in_between
    for what in story:
        happen(tried, what)

    assert (tried.state, tried.context) == (calm.state, calm.context)


# ---- under a changed definition ------------------------------------------------------


def changed(table: Table, states, initial="a") -> Table:
    """The table's machine, under another definition."""
    table.body.close()
    table.chart = compiled("table", state(initial=initial, states=states), context_type=dict)
    table.begin()
    table.work()
    return table


def test_a_transition_that_is_new_counts_for_machines_that_are_under_way():
    table = Table({"a": state(on={"GO": "b"}), "b": state()})

    changed(table, {"a": state(on={"GO": "b", "JUMP": "c"}), "b": state(), "c": state()})

    assert table.send("JUMP").state == "c"


def test_a_delay_that_is_gone_is_given_up_and_one_that_is_new_counts_from_the_entry():
    table = Table({"a": state(after={"14d": "b"}), "b": state()})
    table.wait(timedelta(days=3)).send("NOTE")

    changed(table, {"a": state(after={"7d": "b"}), "b": state()})

    assert table.journal["after 14d in a"].status == "cancelled"
    [timer] = [one for one in table.body.pending if one.name == "after 7d in a"]
    assert timer.until == STARTED + timedelta(days=7)
    assert table.fire("after 7d in a").state == "b"


def test_what_is_no_longer_invoked_is_given_up():
    table = Table({"a": state(invoke=invoke(kyc), on={"GO": "b"}), "b": state()}).send("NOTE")

    changed(table, {"a": state(on={"GO": "b"}), "b": state()})

    assert table.journal["kyc"].status == "cancelled"


@pytest.mark.parametrize(
    ("states", "fault"),
    [
        ({"a": state(on={"X": "c"}), "c": state()}, "in 'b', which is no state any more"),
        (
            {
                "a": state(on={"X": "b"}),
                "b": state(initial="c", states={"c": state()}),
            },
            "in 'b', whose states inside have changed",
        ),
    ],
)
def test_a_machine_whose_state_is_gone_is_blocked_and_says_so(states, fault):
    table = Table({"a": state(on={"GO": "b"}), "b": state()}).send("GO")

    with pytest.raises(UnknownState, match=fault):
        changed(table, states)


def test_a_transition_that_has_begun_and_is_gone_blocks_the_machine():
    table = Table({"a": state(on={"GO": transition("b", action=say("x"))}), "b": state()})
    table.is_held = True
    table.send("GO")

    with pytest.raises(NonDeterminism, match=r"a\|on\|GO\|0"):
        changed(table, {"a": state(on={"STAY": "b"}), "b": state()})


def test_what_is_gone_is_given_up_also_when_nothing_has_happened_since():
    waiting = {"after": {"14d": "c", "20d": "c"}, "invoke": invoke(kyc, on_done="c")}
    table = Table({"a": state(on={"GO": "b"}), "b": state(**waiting), "c": state()}).send("GO")
    entered = table.body.now

    changed(
        table.wait(timedelta(days=1)),
        {"a": state(on={"GO": "b"}), "b": state(on={"H": "c"}, after={"7d": "c"}), "c": state()},
    )

    gone = ("after 14d in b", "after 20d in b", "kyc")
    assert {table.journal[key].status for key in gone} == {"cancelled"}
    [timer] = [one for one in table.body.pending if one.name == "after 7d in b"]
    assert timer.until == entered + timedelta(days=7)
    assert table.send("H").crash().state == "c"


VARIANTS = [
    {},
    {"soon": "3h", "later": "30m"},
    {"checks": False},
    {"soon": "5m", "checks": False},
]


@given(
    st.lists(
        st.tuples(happenings.map(lambda story: story[:3]), st.sampled_from(VARIANTS)), max_size=8
    )
)
@settings(max_examples=15, deadline=None)
def test_whatever_changes_beside_a_machine_it_goes_on(story):
    table = Table(machine())
    for events, variant in story:
        changed(table, machine(**variant), initial="idle")
        for what in events:
            happen(table, what)

    wanted = {"soon": "1h", "later": "2h", "checks": True} | (story[-1][1] if story else {})
    asked = [one.name for one in table.body.pending]
    delays = {one.split()[1] for one in asked if one.startswith("after")}
    assert delays <= {wanted["soon"], wanted["later"]}
    assert wanted["checks"] or "kyc" not in asked


def test_a_definition_may_change_twice_while_nothing_happens():
    table = Table({"a": state(after={"14d": "b"}), "b": state()})

    for days in (7, 9, 5):
        changed(table, {"a": state(after={f"{days}d": "b"}), "b": state()})

    waiting = [one.name for one in table.body.pending if one.name != "@events"]
    assert waiting == ["after 5d in a"]
    assert table.fire("after 5d in a").state == "b"


def test_a_delay_goes_on_by_a_changed_length_when_its_state_was_missing_in_between():
    table = Table({"a": state(on={"GO": "b"}), "b": state(after={"10d": "c"}), "c": state()})
    table.send("GO")
    entered = table.body.now
    with pytest.raises(UnknownState):
        changed(table, {"a": state(on={"GO": "z"}), "z": state()})

    changed(table, {"a": state(on={"GO": "b"}), "b": state(after={"1d": "c"}), "c": state()})

    [timer] = [one for one in table.body.pending if one.name == "after 1d in b"]
    assert timer.until == entered + timedelta(days=1)
    assert table.fire("after 1d in b").crash().state == "c"


def test_a_transition_that_has_begun_is_not_finished_as_another():
    table = Table({"a": state(on={"GO": transition("b", action=say("x"))}), "b": state()})
    table.is_held = True
    table.send("GO")

    with pytest.raises(NonDeterminism, match="leads to 'b', and in table now to 'c'"):
        changed(
            table,
            {
                "a": state(on={"GO": [transition("c", guard=often, action=say("x")), "b"]}),
                "b": state(),
                "c": state(),
            },
        )


def test_a_history_of_states_that_are_gone_is_none():
    table = Table(
        {
            "a": state(on={"IN": "in.h"}),
            "in": state(
                initial="x",
                on={"OUT": "a"},
                states={
                    "x": state(on={"GO": "y"}),
                    "y": state(),
                    "h": state(type="history"),
                },
            ),
        }
    )
    for event in ("IN", "GO", "OUT"):
        table.send(event)

    changed(
        table,
        {
            "a": state(on={"IN": "in.h"}),
            "in": state(
                initial="x",
                on={"OUT": "a"},
                states={"x": state(), "h": state(type="history")},
            ),
        },
    )

    assert table.send("IN").state == "in.x"
