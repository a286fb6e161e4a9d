"""Many machines, many senders, and workers that are killed: every history is a legal path."""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event as Flag

import pytest
from django.db import connection

from orchestrator import Machine
from orchestrator.models import Event, Run
from tests.storm.app.lockers import assert_is_legal
from tests.storm.app.workflows import locker, packing
from tests.storm.workers import Worker, pause

pytestmark = [pytest.mark.chaos, pytest.mark.postgres, pytest.mark.timeout(1800)]

SECONDS = float(os.environ.get("STORM_SECONDS", "20"))
MACHINES = int(os.environ.get("STORM_MACHINES", "1000"))
SENDERS = 6


def test_a_thousand_machines_with_competing_senders(workers):
    machines = [locker.start() for _ in range(MACHINES)]
    wait_until_all_is_judged(seconds=300)
    is_over = Flag()
    with ThreadPoolExecutor(SENDERS) as pool:
        senders = [pool.submit(send, number, machines, is_over) for number in range(SENDERS)]
        kills = blow(workers)
        is_over.set()
        told: Counter[bool | None] = Counter()
        for sender in senders:
            told += sender.result()
    wait_until_all_is_judged(seconds=300)

    sent = Event.objects.count()
    assert sent == sum(told.values())
    for machine in machines:
        assert_is_legal(machine)
    print(f"\n{MACHINES} machines, {sent} events, {kills} kills; told at once: {dict(told)}")


def test_a_machine_that_is_killed_in_an_entry_goes_on_inside_it(settings, workers):
    machine = packing.start()
    machine.send("PACK", wait=False)
    log = Path(settings.STORM_LOG)
    wait_until(lambda: "weigh" in log.read_text(), seconds=60)

    for worker in workers:
        worker.kill()
        worker.start()
    wait_until(lambda: machine.refresh().status == "waiting", seconds=60)

    effects = [line.split()[1:3] for line in log.read_text().splitlines()]
    assert [name for name, _ in effects] == ["label", "weigh", "weigh"]
    assert len({key for name, key in effects if name == "weigh"}) == 1
    assert (machine.state, machine.context) == ("packed", {"labels": 1, "weighed": 1})


def send(number: int, machines: list[Machine], is_over: Flag) -> Counter[bool | None]:
    """Send until it is over; now and then wait for the verdict."""
    chance, told = random.Random(number), Counter()
    while not is_over.is_set():
        machine = locker.get(chance.choice(machines).id)
        event, waits = chance.choice(["TAKE", "GIVE"]), chance.random() < 0.02
        answer = machine.send(event, actor=f"s{number}", wait=waits, timeout="2s")
        told[answer.accepted] += 1
    connection.close()
    return told


def blow(workers: list[Worker]) -> int:
    """Kill a worker every now and then."""
    until, kills = time.monotonic() + SECONDS, 0
    while time.monotonic() < until:
        pause(random.uniform(1, 3))
        victim = random.choice(workers)
        victim.kill()
        victim.start()
        kills += 1
    return kills


def wait_until_all_is_judged(*, seconds: float) -> None:
    wait_until(lambda: not _is_busy(), seconds=seconds)


def wait_until(is_so: Callable[[], bool], *, seconds: float) -> None:
    until = time.monotonic() + seconds
    while not is_so() and time.monotonic() < until:
        pause(0.2)


def _is_busy() -> bool:
    open_events = Event.objects.filter(consumed_at=None)
    return open_events.exists() or Run.objects.exclude(status="waiting").exists()
