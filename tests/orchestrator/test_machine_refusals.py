"""Events that come to a machine that has ended: refused to the sender, and in its history."""

from __future__ import annotations

import io

import pytest
from django.core.management import call_command

from orchestrator import (
    Retry,
    action,
    courses,
    get_run,
    histories,
    state,
    state_machine,
    workflow,
)
from orchestrator.models import Event
from orchestrator.store import refusals
from orchestrator.testing import replay_check

ONCE = Retry(max_attempts=1)


@pytest.fixture
def well():
    """As long as it is empty, breaking fails."""
    return []


@pytest.fixture
def machine(runs, well):
    def boom(ctx):
        if not well:
            raise ValueError("boom")

    made = state_machine(
        name="door",
        initial="open",
        context={},
        payload_retention="1d",
        states={
            "open": state(on={"CLOSE": "closed", "BREAK": "broken"}),
            "broken": state(on_enter=action(boom, retry=ONCE), on={"CLOSE": "closed"}),
            "closed": state(type="final"),
        },
    )
    return made.start()


def rows(machine):
    found = machine.refresh().history
    return [(one.event, one.from_, one.to, one.outcome) for one in found]


def test_what_comes_to_a_machine_that_has_ended_is_in_its_history(machine):
    machine.send("CLOSE")

    late = machine.send("CLOSE", {"by": "wind"}, actor="ann")

    assert (late.accepted, late.refused_because) == (False, "the run has completed")
    assert rows(machine) == [
        ("CLOSE", "open", "closed", "done"),
        ("CLOSE", "closed", "closed", "refused"),
    ]
    noted = machine.history[1]
    assert (noted.actor, noted.payload, noted.refused_because) == (
        "ann",
        {"by": "wind"},
        "the run has completed",
    )


def test_it_is_noted_however_it_was_sent(machine, runs):
    machine.send("CLOSE")

    runs.send_event(machine, "KNOCK")
    get_run(machine.id).send_event("RING")

    assert [one[0] for one in rows(machine)] == ["CLOSE", "KNOCK", "RING"]


def test_a_machine_that_failed_never_hears_of_what_it_has_refused(machine, runs):
    machine.send("BREAK")
    refused = machine.send("CLOSE", event_id="c-1")
    assert (refused.accepted, refused.refused_because) == (False, "the run has failed")

    again = machine.send("CLOSE", event_id="c-1")
    machine.retry()
    runs.drain()

    assert (again.accepted, machine.refresh().status) == (False, "failed")
    assert rows(machine) == [
        ("BREAK", "open", "broken", "failed"),
        ("CLOSE", "broken", "broken", "refused"),
    ]


def test_what_was_refused_stays_in_its_place_when_the_machine_goes_on(machine, well):
    machine.send("BREAK")
    for _ in range(3):
        machine.send("CLOSE")
    well.append(True)
    machine.retry()

    machine.send("ODD")
    machine.send("CLOSE")

    assert rows(machine) == [
        ("BREAK", "open", "broken", "done"),
        *[("CLOSE", "broken", "broken", "refused")] * 3,
        ("ODD", "broken", "broken", "refused"),
        ("CLOSE", "broken", "closed", "done"),
    ]


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 6])
def test_a_history_read_by_pages_is_the_whole_history(machine, well, size):
    machine.send("BREAK")
    for number in range(3):
        machine.send(f"REFUSED {number}")
    well.append(True)
    machine.retry()
    machine.send("ODD")
    machine.send("CLOSE")
    whole = machine.refresh().history

    after, forward = 0, []
    while after is not None:
        page, after = courses.some_transitions(machine._row, after=after, size=size)
        assert page
        forward += page
    before, backward = None, []
    while (before, backward) == (None, []) or before is not None:
        page, before = courses.last_transitions(machine._row, before=before, size=size)
        assert page
        backward += page

    assert forward == backward[::-1] == whole


def test_only_so_many_are_noted(machine, monkeypatch):
    monkeypatch.setattr(refusals, "MAX_NOTED", 3)
    machine.send("CLOSE")

    told = [machine.send("CLOSE").refused_because for _ in range(5)]

    assert told == ["the run has completed"] * 5
    assert len(machine.refresh().history) == 4


def test_nothing_is_noted_where_payloads_are_removed(machine, runs):
    machine.send("CLOSE")
    machine.send("KNOCK", {"secret": 1})
    runs.advance("2d")
    call_command("prune", stdout=io.StringIO())

    machine.send("KNOCK", {"secret": 2})

    assert [(one.event, one.payload) for one in machine.refresh().history] == [
        ("CLOSE", None),
        ("KNOCK", None),
    ]


def test_a_history_with_late_events_can_be_replayed(machine):
    machine.send("CLOSE")
    machine.send("CLOSE")

    replayed = replay_check(histories.export(machine.refresh()._row))

    assert (replayed.status, replayed.then) == ("completed", "completed")
    assert machine.events[1].consumed_by == "@refused|1"


def test_a_run_that_is_no_machine_notes_nothing(runs):
    @workflow(name="plain")
    async def plain(ctx) -> None: ...

    run = runs.start(plain)

    assert not run.send_event("KNOCK").delivered
    assert not Event.objects.exists()
