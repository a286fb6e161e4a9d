"""What a worker that has lost a run can still do to it: nothing."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import Group

from orchestrator import Context, workflow
from orchestrator.conf import conf
from orchestrator.core.definition import registry
from orchestrator.core.journal import COMPLETED, Entry
from orchestrator.engine import heart, worker
from orchestrator.models import Entry as EntryRow
from orchestrator.models import Event
from orchestrator.store import testing, ticks
from orchestrator.store.records import Save
from tests.orchestrator.racing import at_once

pytestmark = pytest.mark.django_db(transaction=True)

LEASE = timedelta(seconds=10)


def claim() -> list[Any]:
    known = [(one.name, one.version) for one in registry]
    return ticks.claim(limit=10, lease=LEASE, worker="test", known=known)


def outcome(value: str) -> Entry:
    return Entry(
        key="a",
        kind="step",
        name="a",
        position=1,
        cause=0,
        status=COMPLETED,
        seq=1,
        value=value,
    )


@pytest.fixture
def run():
    @workflow(name="waiter")
    async def waiter(ctx: Context) -> object:
        return await ctx.wait_for_event("go")

    return waiter.start()


def test_a_worker_that_lost_its_run_records_no_step(run):
    [stale] = claim()
    testing.expire_leases()
    claim()

    ticks.save([Save(claim=stale, outcomes=[outcome("1")])], worker="stale")

    assert not EntryRow.objects.exists()


def test_a_worker_that_lost_its_run_hears_so_from_its_heartbeat(run):
    [stale] = claim()
    testing.expire_leases()
    [owner] = claim()

    beats = ticks.beat([(run.id, stale.epoch, None)], lease=LEASE)

    assert beats == []
    assert [one.run_id for one in ticks.beat([(run.id, owner.epoch, None)], lease=LEASE)] == [
        run.id
    ]


def test_a_result_that_is_recorded_stays(run):
    [held] = claim()
    ticks.save([Save(claim=held, outcomes=[outcome('"first"')])], worker="test")

    ticks.save([Save(claim=held, outcomes=[outcome('"second"')])], worker="test")

    assert EntryRow.objects.get().value == '"first"'


def test_an_event_that_a_wait_has_taken_stays_its_own(run):
    run.send_event("go")
    [held] = claim()
    number = Event.objects.get().id
    ticks.save([Save(claim=held, consumed=[(number, "first")])], worker="test")

    ticks.save([Save(claim=held, consumed=[(number, "second")])], worker="test")

    assert Event.objects.get().consumed_by == "first"


def test_an_event_takes_a_run_from_nobody(run):
    claim()

    run.send_event("go")

    assert claim() == []


def test_an_event_that_comes_after_the_mailbox_was_read_is_not_slept_over(run, monkeypatch):
    load, sent = ticks.load_mail, []

    def load_and_then_receive(run_ids):
        mail = load(run_ids)
        if not sent:
            sent.append(run.send_event("go", "came"))
        return mail

    monkeypatch.setattr(ticks, "load_mail", load_and_then_receive)
    worker.drain(inline=True)

    assert run.refresh().status == "completed"


@pytest.mark.postgres
def test_an_atomic_step_of_a_worker_that_lost_its_run_leaves_nothing_behind():
    def book() -> None:
        Group.objects.create(name="booked")
        # So slowly that another worker takes the run over.
        at_once(1, lambda _: (testing.expire_leases(), claim()))

    @workflow(name="booking")
    async def booking(ctx: Context) -> None:
        await ctx.step("book", book, atomic=True)

    run = booking.start()
    worker.drain(inline=True)

    assert not Group.objects.filter(name="booked").exists()
    assert run.refresh().status == "running"


def test_a_heart_that_could_not_beat_for_most_of_a_lease_is_not_trusted(monkeypatch):
    seconds = 0.0
    monkeypatch.setattr(heart, "time", SimpleNamespace(monotonic=lambda: seconds))
    one = heart.Heart()
    one.start()
    try:
        assert one.is_beating
        seconds = conf.LEASE.total_seconds() * 0.7
        assert not one.is_beating
    finally:
        one.stop()
