"""Many senders at once. Each event is judged once, in its turn, against the state by then.

PostgreSQL only: SQLite lets one writer in at a time. `make storm` has the same with a
thousand machines, and with workers that are killed.
"""

from __future__ import annotations

import random

import pytest

from orchestrator.engine import worker
from orchestrator.models import Event
from orchestrator.store import postgresql, testing, ticks
from tests.orchestrator.racing import at_once, without
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
