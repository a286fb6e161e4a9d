"""Many senders at once. Each event is judged once, in its turn, against the state by then.

PostgreSQL only: SQLite lets one writer in at a time. `make storm` has the same with a
thousand machines, and with workers that are killed.
"""

from __future__ import annotations

import random

import pytest
from django.db.models import QuerySet

from orchestrator import Retry, action, state, state_machine
from orchestrator.engine import worker
from orchestrator.models import Event
from orchestrator.store import postgresql, testing, ticks
from tests.orchestrator.racing import at_once, before_it_commits, without
from tests.storm.app.lockers import assert_is_legal, register

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

MACHINES, SENDERS, EVENTS = 50, 6, 40


@pytest.fixture
def locker():
    return register()


def test_of_two_senders_at_once_the_second_is_judged_against_the_new_state(locker):
    machine = locker.start()
    worker.drain(inline=True)

    def send(number: int) -> None:
        machine.send("TAKE", actor=f"s{number}", wait=False)
        worker.drain(inline=True)

    assert at_once(8, send) == [None] * 8
    worker.drain(inline=True)

    assert [one.accepted for one in machine.history] == [True] + [False] * 7
    assert machine.history[1].refused_because == "taken does not take TAKE; it takes GIVE, LOSE"
    assert_is_legal(machine)


def test_many_machines_with_many_senders_take_legal_paths(locker):
    machines = [locker.start() for _ in range(MACHINES)]

    def send(number: int) -> None:
        chance = random.Random(number)
        for _ in range(EVENTS):
            machine = locker.get(chance.choice(machines).id)
            machine.send(chance.choice(["TAKE", "GIVE"]), actor=f"s{number}", wait=False)
            if chance.random() < 0.3:
                worker.drain(inline=True)

    assert at_once(SENDERS, send) == [None] * SENDERS
    worker.drain(inline=True)

    assert Event.objects.count() == SENDERS * EVENTS
    for machine in machines:
        assert_is_legal(machine)


@pytest.mark.parametrize("guarded", [True, False])
def test_a_worker_that_lost_its_machine_does_not_set_it_back(locker, monkeypatch, guarded):
    if not guarded:
        without(monkeypatch, postgresql, "_SAVE", "AND run.epoch = want.epoch AND run.owned", "")
    machine = locker.start({"owner": "", "log": []})
    worker.drain(inline=True)
    machine.send("TAKE", actor="ann", wait=False)
    save, others = ticks.save, []

    def save_after_another(saves, *, worker: str):
        if not others:
            others.append(worker)
            testing.expire_leases()
            machine.send("LOSE", wait=False)
            drain()
        return save(saves, worker=worker)

    def drain():
        worker.drain(inline=True)

    monkeypatch.setattr(ticks, "save", save_after_another)
    drain()

    assert (machine.refresh().state == "lost") is guarded


@pytest.mark.parametrize("guarded", [True, False])
def test_events_that_come_at_once_to_a_machine_that_has_ended_are_all_noted(
    locker, monkeypatch, guarded
):
    if not guarded:
        monkeypatch.setattr(QuerySet, "select_for_update", lambda found, **_: found)
    machine = locker.start()
    machine.send("TAKE", actor="ann", wait=False)
    machine.send("LOSE", wait=False)
    worker.drain(inline=True)

    def late(name):
        return lambda: machine.send(name).refused_because

    first, second = before_it_commits(late("ONE"), late("TWO"))

    assert first == "the run has completed"
    assert (second == first) is guarded
    if guarded:
        assert [one.event for one in machine.refresh().history] == ["TAKE", "LOSE", "ONE", "TWO"]


def test_an_event_that_comes_while_a_failed_machine_is_retried_is_judged(locker):
    machine = state_machine(
        name="stuck",
        initial="a",
        states={
            "a": state(on={"GO": "b"}),
            "b": state(on_enter=action(jam, retry=Retry(max_attempts=1)), on={"ON": "c"}),
            "c": state(),
        },
        context={},
    ).start()
    machine.send("GO", wait=False)
    worker.drain(inline=True)
    assert machine.refresh().status == "failed"

    _, told = before_it_commits(machine.retry, lambda: machine.send("ON", wait=False))

    assert (told.accepted, told.number is None) == (None, False)
    assert not [one for one in machine.refresh().history if one.outcome == "refused"]


def jam(ctx):
    raise OSError("jam")
