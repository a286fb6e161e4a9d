"""What a transition costs in statements, and that a long history does not make it dearer."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orchestrator import state, state_machine, transition
from orchestrator.engine import worker
from orchestrator.models import Entry
from orchestrator.store import ticks
from tests.orchestrator.lifecycle import OrderContext, register

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

PAID = ("PAYMENT_RECEIVED", {"amount": 30})


@pytest.fixture
def count(django_assert_num_queries):
    def drain(number: int) -> None:
        with django_assert_num_queries(number):
            worker.drain(inline=True)

    return drain


@pytest.fixture
def switch():
    return state_machine(
        name="switch",
        initial="off",
        context={"flips": 0},
        states={
            "off": state(on={"FLIP": transition("on", action=flip)}),
            "on": state(on={"FLIP": "off"}, after={"1h": "off"}),
        },
    )


def flip(ctx):
    ctx["flips"] += 1


def test_a_machine_starts_in_one_statement(switch, django_assert_num_queries):
    with django_assert_num_queries(1):
        switch.start()


def test_an_event_is_sent_in_one_statement(switch, django_assert_num_queries):
    machine = switch.start()

    # The event with the machine's wake.
    with django_assert_num_queries(1):
        machine.send("FLIP", wait=False)


def test_a_look_for_the_verdict_is_two_statements_and_finding_it_one_more(
    switch, django_assert_num_queries
):
    machine = switch.start()
    worker.drain(inline=True)
    told = machine.send("FLIP", wait=False)

    with django_assert_num_queries(2):
        assert machine.verdict(told).accepted is None
    worker.drain(inline=True)
    with django_assert_num_queries(3):
        assert machine.verdict(told).accepted


def test_a_transition_without_actions_is_recorded_in_one_statement(count):
    machine = register(tell=print).start(OrderContext())
    worker.drain(inline=True)
    machine.send("CANCEL", wait=False)

    # claim 1, journal 1, mail 1; the event, the transition, where the machine is and its
    # end 1; nothing more to claim 1.
    count(5)


def test_each_action_is_one_statement_more(switch, count):
    machine = switch.start()
    worker.drain(inline=True)
    machine.send("FLIP", wait=False)

    # As above 5, and the action's result 1.
    count(6)


def test_many_machines_share_their_statements(switch, count):
    machines = [switch.start() for _ in range(20)]
    worker.drain(inline=True)
    for machine in machines:
        machine.send("FLIP", wait=False)

    count(6)


def test_a_late_transition_reads_no_more_than_an_early_one(switch, monkeypatch):
    machine = switch.start()
    loaded = []
    load = ticks.load_journals

    def load_and_count(claims):
        found = load(claims)
        loaded.extend(len(one.outcomes) + len(one.open) + len(one.marks) for one in found.values())
        return found

    monkeypatch.setattr(ticks, "load_journals", load_and_count)
    for _ in range(20):
        for _ in range(5):
            machine.send("FLIP", wait=False)
        worker.drain(inline=True)

    assert Entry.objects.filter(run_id=machine.id).count() > 200
    assert len(machine.history) == 100
    assert loaded[-1] <= max(loaded[:2])


def test_the_entries_of_a_long_run_are_found_by_an_index(switch):
    machine = switch.start()
    worker.drain(inline=True)
    rows = [
        Entry(
            run_id=machine.id,
            key=f"old {number}",
            kind="step",
            name="old",
            position=number,
            cause=0,
            seq=number,
            status="completed",
        )
        for number in range(10, 3_000)
    ]
    Entry.objects.bulk_create(rows)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE orchestrator_run SET checkpoint = replace(checkpoint, %s, %s)", PLACE
        )
        cursor.execute("ANALYZE orchestrator_entry")
    machine.send("FLIP", wait=False)

    with CaptureQueriesContext(connection) as asked:
        worker.drain(inline=True)

    [statement] = [one["sql"] for one in asked if 'FROM "orchestrator_entry"' in one["sql"]]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {statement}")
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "entry_of_long_run" in plan, plan
    assert "Seq Scan" not in plan, plan


PLACE = ['"position": 0', '"position": 2999']
