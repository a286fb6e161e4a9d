"""Races, made to happen. Each guard is also taken away: then the fault must show.

PostgreSQL only: SQLite lets one writer in at a time and so hides them.
"""

from __future__ import annotations

from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import transaction

from orchestrator import Context, clock, workflow
from orchestrator.core.definition import registry
from orchestrator.core.journal import COMPLETED, Entry
from orchestrator.engine import worker
from orchestrator.models import Event
from orchestrator.models import Run as Row
from orchestrator.store import postgresql, testing, ticks
from orchestrator.store.records import Continue, Finish, Park, Save
from tests.orchestrator import racing
from tests.orchestrator.racing import at_once

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


def claim() -> list[Any]:
    known = [(one.name, one.version) for one in registry]
    return ticks.claim(limit=10, lease=timedelta(seconds=10), worker="test", known=known)


def outcome(key: str, seq: int) -> Entry:
    return Entry(
        key=key, kind="step", name=key, position=seq, cause=0, status=COMPLETED, seq=seq, value="1"
    )


@pytest.fixture
def waiter():
    @workflow(name="waiter")
    async def waiter(ctx: Context) -> object:
        return await ctx.wait_for_event("go")

    return waiter


@pytest.mark.parametrize("guarded", [True, False])
def test_an_event_that_comes_while_the_run_parks_is_not_slept_over(waiter, monkeypatch, guarded):
    if not guarded:
        racing.without(monkeypatch, postgresql, "_SAVE", "run.wake_seq > want.wake_seq", "false")
    run = waiter.start()
    save, sent = ticks.save, []

    def save_after_an_event(saves, *, worker):
        if not sent:
            sent.append(run.send_event("go", "came"))
        return save(saves, worker=worker)

    monkeypatch.setattr(ticks, "save", save_after_an_event)
    worker.drain(inline=True)

    assert run.refresh().status == ("completed" if guarded else "waiting")


@pytest.mark.parametrize("guarded", [True, False])
def test_a_worker_that_lost_its_run_writes_nothing(waiter, monkeypatch, guarded):
    if not guarded:
        racing.without(monkeypatch, postgresql, "_SAVE", "AND run.epoch = want.epoch", "")
    run = waiter.start()
    [stale] = claim()
    testing.expire_leases()
    [owner] = claim()

    late = Save(claim=stale, outcomes=[outcome("a", 1)], then=Finish("completed", "1"))
    saved = ticks.save([late], worker="stale")

    assert owner.epoch == stale.epoch + 1
    assert bool(saved) is not guarded
    assert (run.refresh().status == "running") is guarded


@pytest.mark.parametrize("guarded", [True, False])
def test_nobody_takes_a_run_over_in_the_middle_of_a_record(waiter, monkeypatch, guarded):
    """The fence locks the row until the record is committed; a mere check would not."""
    if not guarded:
        check = "UPDATE orchestrator_run run SET"
        assert check in postgresql._SAVE
        monkeypatch.setattr(postgresql, "_SAVE", CHECK_ONLY)
    waiter.start()
    [stale] = claim()
    testing.expire_leases()

    with transaction.atomic():
        ticks.save([Save(claim=stale, outcomes=[outcome("a", 1)])], worker="stale")
        [taken] = at_once(1, lambda _: claim())

    assert (taken == []) is guarded


CHECK_ONLY = """
WITH fence AS (
    SELECT run.id, run.wake_seq, run.cancel_requested_at, run.cancel_reason,
        run.pause_requested, run.due_at
    FROM orchestrator_run run WHERE run.id = ANY(%(ids)s) AND run.epoch = ANY(%(epochs)s)
){more}
SELECT fence.*, {now} FROM fence
"""


@pytest.mark.parametrize("guarded", [True, False])
def test_nothing_opens_in_a_run_whose_cancel_the_body_does_not_know(waiter, monkeypatch, guarded):
    if not guarded:
        guard = "AND (run.cancel_requested_at IS NULL OR NOT want.heeds_cancel)"
        racing.without(monkeypatch, postgresql, "_SAVE", guard, "")
    run = waiter.start()
    [held] = claim()
    run.cancel("too late")

    opened = Entry(key="task", kind="card", name="task", position=1, cause=0, status="open")
    saved = ticks.save([Save(claim=held, opened=[opened], then=Continue())], worker="test")

    assert bool(saved) is not guarded


def test_two_workers_that_look_at_once_do_not_take_the_same_run(waiter):
    waiter.start()

    one, other = racing.before_it_commits(claim, claim)

    assert (len(one), other) == (1, [])


def test_one_due_run_is_claimed_by_one_of_twenty_workers(waiter):
    waiter.start()

    claims = at_once(20, lambda _: claim())

    assert sum(len(one) for one in claims) == 1


def test_many_due_runs_are_shared_out_without_overlap(waiter):
    for _ in range(60):
        waiter.start()

    claims = [held.run_id for some in at_once(8, lambda _: claim()) for held in some]

    assert len(claims) == len(set(claims)) == 60


def test_twenty_starts_with_one_key_make_one_run():
    @workflow(name="keyed")
    async def keyed(ctx: Context, n: int) -> int:
        return n

    handles = at_once(20, lambda _: keyed.start(1, idempotency_key="k"))

    assert len({handle.id for handle in handles}) == 1
    assert Row.objects.count() == 1


def test_events_of_many_senders_are_consumed_once_each_in_the_order_of_arrival():
    @workflow(name="many")
    async def many(ctx: Context) -> list[object]:
        return [await ctx.wait_for_event("n") for _ in range(80)]

    run = many.start()

    def send(sender: int) -> None:
        for number in range(10):
            run.send_event("n", [sender, number])
            worker.drain(inline=True)

    assert at_once(8, send) == [None] * 8
    worker.drain(inline=True)

    got = run.refresh().result(timeout=5)
    arrived = list(Event.objects.order_by("id").values_list("payload", flat=True))
    assert [f"[{sender},{number}]" for sender, number in got] == arrived
    for sender in range(8):
        assert [number for one, number in got if one == sender] == list(range(10))


def test_a_cancel_against_an_event_always_has_one_outcome(waiter):
    for _ in range(10):
        run = waiter.start()
        worker.drain(inline=True)

        at_once(2, lambda number, run=run: run.send_event("go", 1) if number else run.cancel())
        worker.drain(inline=True)

        assert run.refresh().status == "cancelled" or run.result() == 1


def test_a_view_that_updates_its_rows_and_then_sends_an_event_does_not_deadlock_an_atomic_step():
    group = Group.objects.create(name="shared")
    meet = Barrier(2, timeout=5)

    def rename() -> None:
        Group.objects.filter(id=group.id).update(name="by the step")

    @workflow(name="atomic")
    async def atomic(ctx: Context) -> None:
        await ctx.step("rename", rename, atomic=True)
        await ctx.wait_for_event("renamed")

    run = atomic.start()

    def view() -> None:
        with transaction.atomic():
            Group.objects.filter(id=group.id).update(name="by the view")
            meet.wait()
            run.send_event("renamed")

    def work() -> None:
        meet.wait()
        worker.drain(inline=True)

    assert at_once(2, lambda number: (view, work)[number]()) == [None, None]
    worker.drain(inline=True)
    assert run.refresh().status == "completed"


def test_parking_never_lowers_a_wake_that_came_first(waiter):
    run = waiter.start()
    [held] = claim()
    run.send_event("go", 1)

    saved = ticks.save([Save(claim=held, then=Park("waiting", None, []))], worker="test")

    assert saved[run.id].is_due


@pytest.mark.parametrize("guarded", [True, False])
def test_an_event_that_beats_a_timeout_is_never_overruled_by_it(monkeypatch, guarded):
    if not guarded:
        racing.without(
            monkeypatch,
            postgresql,
            "_SAVE",
            "AND (run.wake_seq = want.wake_seq OR NOT want.heeds_mail)",
            "",
        )

    @workflow(name="late")
    async def late(ctx: Context) -> object:
        return await ctx.wait_for_event("go", timeout="1h", default="timed out")

    run = late.start()
    worker.drain(inline=True)
    load = ticks.load_mail

    def load_and_then_receive(run_ids):
        mail = load(run_ids)
        monkeypatch.setattr(ticks, "load_mail", load)
        run.send_event("go", "came in time")
        return mail

    monkeypatch.setattr(ticks, "load_mail", load_and_then_receive)
    clock.move(timedelta(hours=2))
    try:
        worker.drain(inline=True)
        worker.drain(inline=True)
    finally:
        clock.move(-clock.skew())

    assert run.refresh().result(timeout=1) == ("came in time" if guarded else "timed out")
