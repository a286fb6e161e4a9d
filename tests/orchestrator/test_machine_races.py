"""Many senders at once. Each event is judged once, in its turn, against the state by then.

PostgreSQL only: SQLite lets one writer in at a time.
"""

from __future__ import annotations

import random

import pytest

from orchestrator import Machine, state, state_machine, transition
from orchestrator.engine import worker
from orchestrator.models import Event
from orchestrator.store import postgresql, testing, ticks
from tests.orchestrator.racing import at_once, without

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

MACHINES, SENDERS, EVENTS = 50, 6, 40


def is_owner(ctx, event):
    return ctx["owner"] == event.actor


def take(ctx, event):
    ctx["owner"] = event.actor
    ctx["log"].append(["TAKE", event.actor])


def give(ctx, event):
    ctx["owner"] = ""
    ctx["log"].append(["GIVE", event.actor])


@pytest.fixture
def locker():
    return state_machine(
        name="locker",
        initial="free",
        context={"owner": "", "log": []},
        states={
            "free": state(on={"TAKE": transition("taken", action=take)}),
            "taken": state(
                on={"GIVE": transition("free", guard=is_owner, action=give), "LOSE": "lost"}
            ),
            "lost": state(type="final"),
        },
    )


def assert_is_legal(machine: Machine) -> None:
    """Every event is in the history once, in its order, and each was judged where it says."""
    machine.refresh()
    history = machine.history
    sent = list(Event.objects.filter(run_id=machine.id).order_by("id").values_list("id", flat=True))
    assert [one.number for one in history] == sent
    place, owner, log = "free", "", []
    for one in history:
        assert one.from_ == place
        is_taken = one.event == "TAKE" and place == "free"
        is_given = one.event == "GIVE" and place == "taken" and owner == one.actor
        assert one.accepted is (is_taken or is_given)
        if one.accepted:
            owner = one.actor if is_taken else ""
            log.append([one.event, one.actor])
        place = "taken" if owner else "free"
        assert one.to == place
    assert (machine.state, machine.context) == (place, {"owner": owner, "log": log})


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
