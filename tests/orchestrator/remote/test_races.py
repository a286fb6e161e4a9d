"""Races of workers over steps that were handed out. Each guard is also taken away.

PostgreSQL only: SQLite lets one writer in at a time and so hides them.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group

from orchestrator import Context, Retry, workflow
from orchestrator.clock import Estimate
from orchestrator.core.definition import registry
from orchestrator.engine.executor import Executor
from orchestrator.engine.hands import Hands
from orchestrator.engine.heart import Heart
from orchestrator.models import Event, StepTask
from orchestrator.store import postgresql, postgresql_steps, steps, testing, ticks
from orchestrator.store.records import HandedOut, Save
from tests.orchestrator import racing
from tests.orchestrator.racing import at_once, before_it_commits
from tests.orchestrator.remote import functions
from tests.orchestrator.remote.functions import OtherWorker, effect, statuses

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def one():
    @workflow(name="one")
    async def one(ctx: Context) -> object:
        return await ctx.step("a", effect, "a", remote=True)

    return one


@pytest.mark.parametrize("guarded", [True, False])
def test_a_worker_that_lost_its_step_reports_nothing(one, drive, monkeypatch, guarded):
    if not guarded:
        guard = "task.epoch = ended.epoch AND "
        racing.without(monkeypatch, postgresql_steps, "_REPORT", guard, "")
    run, stale, heir = one.start(), OtherWorker("stale"), OtherWorker("heir")
    drive()
    [before] = stale.take()
    testing.expire_leases()
    [after] = heir.take()

    assert stale.report(before, "late") is not guarded
    assert heir.report(after, "in time") is guarded
    drive()

    assert run.refresh().result() == ("in time" if guarded else "late")


@pytest.mark.parametrize("guarded", [True, False])
def test_two_workers_that_look_at_once_do_not_take_the_same_step(one, drive, monkeypatch, guarded):
    if not guarded:
        racing.without(monkeypatch, postgresql_steps, "_DUE_IN_ALL", "FOR UPDATE SKIP LOCKED", "")
    one.start()
    drive()

    taken = before_it_commits(OtherWorker("first").take, OtherWorker("second").take)

    assert [len(some) for some in taken] == [1, 0 if guarded else 1]


def test_many_steps_are_shared_out_without_overlap(drive):
    @workflow(name="many")
    async def many(ctx: Context) -> None:
        await asyncio.gather(*(ctx.step("s", effect, n, remote=True) for n in range(60)))

    many.start()
    drive()

    some = at_once(8, lambda number: OtherWorker(f"w{number}").take(limit=10))

    keys = [task.key for tasks in some for task in tasks]
    assert len(keys) == len(set(keys)) == 60


@pytest.mark.parametrize("guarded", [True, False])
def test_an_atomic_step_of_a_worker_that_lost_it_leaves_nothing_behind(drive, monkeypatch, guarded):
    if not guarded:
        guard = "task.epoch = ended.epoch AND "
        racing.without(monkeypatch, postgresql_steps, "_REPORT", guard, "")

    @workflow(name="book")
    async def book(ctx: Context) -> object:
        return await ctx.step("a", book_slowly, remote=True, atomic=True)

    book.start()
    drive()

    hands("stale").drain()

    assert Group.objects.filter(name="booked").exists() is not guarded
    assert StepTask.objects.filter(worker="heir").exists() is guarded


def book_slowly() -> None:
    Group.objects.create(name="booked")
    # So slowly that another worker takes the step over.
    at_once(1, lambda _: (testing.expire_leases(), OtherWorker("heir").take()))


@pytest.mark.parametrize("guarded", [True, False])
def test_a_cancel_does_not_take_back_what_is_taken_at_that_moment(one, drive, monkeypatch, guarded):
    if not guarded:
        monkeypatch.setattr(steps, "_locked", lambda tasks: tasks.order_by("id"))
    run, other = one.start(), OtherWorker()
    drive()

    [task], _ = before_it_commits(other.take, run.cancel)

    assert other.report(task, "done") is guarded
    drive()
    assert run.refresh().status == "cancelled"
    assert statuses(run) == {"a": "completed" if guarded else "cancelled"}


@pytest.mark.parametrize("guarded", [True, False])
def test_a_driver_that_lost_its_run_hands_nothing_out(one, runs, monkeypatch, guarded):
    if not guarded:
        racing.without(monkeypatch, postgresql, "_SAVE", "AND run.epoch = want.epoch", "")
    runs.close()
    one.start()
    [stale] = claim()
    testing.expire_leases()
    claim()

    ticks.save([Save(claim=stale, handed_out=[handed_out()])], worker="stale")

    assert StepTask.objects.exists() is not guarded


def test_whatever_is_done_to_a_run_at_once_nobody_waits_for_ever(drive, everything):
    @workflow(name="wide", retry=Retry(max_attempts=1))
    async def wide(ctx: Context) -> list[object]:
        return list(
            await asyncio.gather(*(ctx.step("s", effect, n, remote=True) for n in range(12)))
        )

    for _ in range(5):
        run = wide.start()
        drive()
        workers = [OtherWorker(f"w{number}") for number in range(3)]
        held = [worker.take(limit=3) for worker in workers]

        def act(number: int, run=run, workers=workers, held=held) -> object:
            if number < len(workers):
                done = [workers[number].report(task, 1) for task in held[number][:2]]
                steps.give_back(held[number][2:])
                return done
            return [run.pause, run.cancel, OtherWorker("more").take, drive][number - 3]()

        results = at_once(7, act)

        unexpected = [one for one in results if isinstance(one, Exception)]
        assert all(type(one).__name__ == "ActionRefused" for one in unexpected), unexpected
        testing.expire_leases()
        everything()
        assert run.refresh().status == "cancelled"
    assert not StepTask.objects.exists()
    assert not Event.objects.exists()


def hands(name: str) -> Hands:
    clock = Estimate()
    executor = Executor(clock, inline=True)
    return Hands(worker=name, queues=None, executor=executor, heart=Heart(), clock=clock)


def claim() -> list[Any]:
    known = [(one.name, one.version) for one in registry]
    return ticks.claim(limit=10, lease=timedelta(seconds=10), worker="test", known=known)


def handed_out() -> HandedOut:
    return HandedOut(
        key="a",
        number=1,
        queue="",
        ahead=timedelta(0),
        function=f"{functions.__name__}:effect",
        args="[]",
        timeout=None,
        atomic=False,
        at_most_once=False,
        idempotency_key="k",
        is_shared=False,
    )
