"""What becomes of steps that were handed out when their code changes or their worker dies."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group

from orchestrator import Context, Retry, clock, failpoints, histories, workflow
from orchestrator.clock import Estimate
from orchestrator.core.definition import registry
from orchestrator.engine import worker
from orchestrator.engine.executor import Executor
from orchestrator.engine.hands import Hands
from orchestrator.engine.heart import Heart
from orchestrator.engine.replaying import replay_check
from orchestrator.models import Entry, Event, StepTask
from orchestrator.models import Run as Row
from orchestrator.store import steps, testing
from tests.orchestrator.remote import functions
from tests.orchestrator.remote.functions import OtherWorker, add_group, effect, statuses

NOW = Retry(initial_delay=0)


# ---- code -------------------------------------------------------------------------------


def test_code_that_no_longer_asks_for_it_blocks_the_run(pair, drive, everything):
    run = pair.start()
    drive()
    registry._by_name.pop("pair")

    @workflow(name="pair")
    async def other(ctx: Context) -> None:
        await ctx.step("z", effect, "z")

    everything()

    assert run.refresh().error["type"] == "NonDeterminism"
    registry._by_name["pair"] = {"1": pair.definition}
    worker.drain(inline=True, mends=True, remote=True)
    assert run.refresh().result() == ["a", "b", "c"]


def test_code_that_executes_it_here_from_now_on_still_waits_for_what_was_handed_out(
    drive, everything
):
    def version(**options):
        registry._by_name.pop("w", None)

        @workflow(name="w")
        async def w(ctx: Context) -> object:
            return await ctx.step("a", effect, "a", **options)

        return w

    run = version(remote=True).start()
    drive()
    version()
    everything()

    assert run.refresh().result() == "a"
    assert functions.calls == ["a"]


def test_a_function_that_this_worker_lacks_is_left_to_others_for_a_while(drive, runs):
    @workflow(name="w")
    async def w(ctx: Context) -> object:
        return await ctx.step("a", effect, "a", remote=True, retry=Retry(max_attempts=1))

    run = w.start()
    drive()
    StepTask.objects.update(function="tests.orchestrator.remote.functions:gone")
    worker.drain(inline=True, remote=True)
    assert run.refresh().status == "waiting"
    assert not StepTask.objects.get().owned

    runs.advance("1m")

    assert run.refresh().status == "failed"
    assert (
        "there is no function tests.orchestrator.remote.functions:gone here" in run.error["message"]
    )


def test_a_history_with_a_step_that_was_handed_out_can_be_replayed(pair, drive):
    pair.start()
    drive()

    replayed = replay_check(histories.export(Row.objects.get()))

    assert (replayed.outcomes, replayed.then, replayed.asks) == (0, "waits", ())


# ---- crashes ----------------------------------------------------------------------------


@pytest.fixture
def order():
    @workflow(name="order")
    async def order(ctx: Context) -> list[object]:
        sides = await asyncio.gather(
            ctx.step("left", effect, "left", remote=True),
            ctx.step("right", effect, "right", remote=True),
        )
        await ctx.step("book", add_group, "booked", remote=True, atomic=True)
        return [*sides, await ctx.step("last", effect, "last", remote=True)]

    return order


@pytest.mark.parametrize("failpoint", failpoints.NAMES)
@pytest.mark.parametrize("step", [None, "left", "book", "last"])
def test_steps_survive_a_death_anywhere(runs, order, failpoint, step):
    if failpoint not in failpoints.AT_STEPS:
        step = None
    runs.crash_at(failpoint, step=step)

    run = runs.start(order)
    for _ in range(4):
        runs.advance("1s")

    assert run.refresh().status == "completed", (run.status, run.error, run.steps)
    assert run.result() == ["left", "right", "last"]
    assert sorted(Entry.objects.values_list("key", flat=True)) == ["book", "last", "left", "right"]
    assert Group.objects.filter(name="booked").count() == 1
    assert len(functions.calls) <= 4 + 2
    assert not StepTask.objects.exists()
    assert not Event.objects.exists()


def test_the_step_of_a_worker_that_died_is_taken_over_with_the_same_attempt_and_key(drive):
    @workflow(name="w")
    async def w(ctx: Context) -> object:
        return await ctx.step("a", effect, "a", remote=True)

    run, dead, heir = w.start(), OtherWorker("dead"), OtherWorker("heir")
    drive()
    [before] = dead.take()
    assert heir.take() == []
    testing.expire_leases()
    [after] = heir.take()

    assert (after.number, after.idempotency_key) == (before.number, before.idempotency_key)
    assert (after.epoch, after.crashes) == (before.epoch + 1, 1)
    assert not dead.report(before, "too late")
    assert heir.report(after, "in time")
    drive()
    assert run.refresh().result() == "in time"


def test_a_step_that_kills_its_workers_fails(runs, settings):
    settings.ORCHESTRATOR_MAX_CRASHES = 2

    @workflow(name="w")
    async def w(ctx: Context) -> object:
        return await ctx.step("a", effect, "a", remote=True, retry=NOW)

    for _ in range(2):
        runs.crash_at("before_body", step="a")
    run = runs.start(w)
    for _ in range(4):
        runs.drain()

    assert run.refresh().status == "failed"
    assert run.error["message"] == "2 workers in a row died while they executed this step"


def test_a_worker_that_stops_gives_back_what_it_has_not_finished(drive):
    @workflow(name="w")
    async def w(ctx: Context) -> object:
        return await ctx.step("a", effect, "a", remote=True)

    w.start()
    drive()
    stopping, heir = OtherWorker("stopping"), OtherWorker("heir")
    tasks = stopping.take()
    steps.give_back(tasks)

    [task] = heir.take()

    assert task.crashes == 0
    assert not stopping.report(tasks[0])


def test_a_step_that_was_cancelled_is_not_begun_again_when_its_worker_dies(pair, drive, everything):
    run, dead = pair.start(), OtherWorker("dead")
    drive()
    [task] = dead.take(limit=1)
    run.cancel()
    drive()
    testing.expire_leases()

    everything()

    assert run.refresh().status == "cancelled"
    assert functions.calls == []
    assert statuses(run) == {"a": "cancelled", "b": "cancelled"}
    assert not dead.report(task)


def test_a_branch_that_lost_is_not_begun_again_when_its_worker_dies(drive, everything):
    @workflow(name="w")
    async def w(ctx: Context) -> str:
        try:
            async with asyncio.timeout(60):
                return str(await ctx.step("a", effect, "a", remote=True))
        except TimeoutError:
            await ctx.sleep("1h")
            return "too late"

    run = w.start()
    drive()
    OtherWorker("dead").take()
    clock.move(timedelta(minutes=2))
    drive()
    testing.expire_leases()

    everything()

    assert functions.calls == []
    assert statuses(run)["a"] == "cancelled"


def test_a_step_of_a_paused_run_is_not_begun_again_when_its_worker_dies(pair, drive, everything):
    run, dead = pair.start(), OtherWorker("dead")
    drive()
    dead.take()
    run.pause()
    testing.expire_leases()
    everything()
    assert functions.calls == []

    run.resume()
    everything()

    assert run.refresh().result() == ["a", "b", "c"]


def test_what_a_worker_gives_back_of_a_paused_run_is_taken_when_it_is_resumed(pair, drive):
    run, stopping = pair.start(), OtherWorker("stopping")
    drive()
    tasks = stopping.take()
    run.pause()
    steps.give_back(tasks)
    assert OtherWorker().take() == []

    run.resume()

    assert len(OtherWorker().take()) == 2


@pytest.fixture
def at_work(drive):
    """A run whose step a worker executes at this moment: `(run, hands)`."""

    @workflow(name="long")
    async def long(ctx: Context) -> object:
        return await ctx.step("a", functions.tell_and_wait, "told", remote=True)

    run, one = long.start(), hands("one")
    drive()
    one.take()
    assert functions.begun.wait(10)
    yield run, one
    functions.gate.set()


def test_a_heartbeat_keeps_the_lease_and_shows_what_the_step_has_told(at_work):
    run, one = at_work
    testing.expire_leases()
    one.beat()

    assert OtherWorker().take() == []
    assert [(step.status, step.details) for step in run.refresh().steps] == [("running", "told")]


def test_a_worker_that_lost_its_step_keeps_its_result_to_itself(at_work, drive):
    run, one = at_work
    testing.expire_leases()
    [task] = OtherWorker("two").take()
    one.beat()
    functions.gate.set()
    one.stop(grace=timedelta(seconds=5))

    assert task.details is None
    assert OtherWorker("two").report(task, "of two")
    drive()
    assert run.refresh().result() == "of two"


# ---- at most once -----------------------------------------------------------------------


def once(fn=effect, **options):
    @workflow(name="once")
    async def once(ctx: Context) -> object:
        return await ctx.step("pay", fn, "pay", remote=True, at_most_once=True, **options)

    return once


def test_a_step_at_most_once_is_not_executed_again_after_a_death(runs):
    runs.crash_at("after_body", step="pay")
    run = runs.start(once())
    runs.drain()

    assert functions.calls == ["pay"]
    assert [(wait.kind, wait.key) for wait in run.refresh().waiting_on] == [("ambiguous", "pay")]
    run.resolve("pay", "result", "paid")
    runs.drain()
    assert run.refresh().result() == "paid"
    assert functions.calls == ["pay"]


def test_it_is_not_handed_on_by_a_worker_that_stops_while_it_executes_it(drive, everything):
    run = once(functions.held_up).start()
    drive()
    stopping = hands("stopping")
    stopping.take()

    stopping.stop(grace=timedelta(0))
    functions.gate.set()
    everything()

    assert [(wait.kind, wait.key) for wait in run.refresh().waiting_on] == [("ambiguous", "pay")]


@pytest.mark.parametrize(
    ("policy", "status", "calls"), [("fail", "failed", 1), ("retry", "completed", 2)]
)
def test_it_may_say_itself_what_becomes_of_it(runs, policy, status, calls):
    runs.crash_at("after_body", step="pay")
    run = runs.start(once(on_ambiguous=policy))
    runs.drain()

    assert run.refresh().status == status
    assert len(functions.calls) == calls


def test_an_operator_may_let_it_be_executed_again(runs):
    runs.crash_at("after_body", step="pay")
    run = runs.start(once())
    runs.drain()
    run.refresh().resolve("pay", "retry")
    runs.drain()

    assert run.refresh().result() == "pay"
    assert run.steps[0].attempts == 2


# ---- a run that begins again ------------------------------------------------------------


def test_a_run_that_failed_is_retried_from_a_step_that_was_handed_out(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> object:
        first = await ctx.step("a", effect, "a", remote=True)
        return [first, await ctx.step("b", effect, "b", remote=True, retry=Retry(max_attempts=1))]

    runs.fail(step="b", error=ValueError("no"))
    run = runs.start(w)
    assert run.status == "failed"

    run.retry()
    runs.drain()

    assert run.refresh().result() == ["a", "b"]
    assert functions.calls == ["a", "b"]


def test_a_run_is_tried_again_as_its_own_policy_says(runs):
    @workflow(name="w", retry=NOW)
    async def w(ctx: Context) -> object:
        return await ctx.step("a", effect, "a", remote=True, retry=Retry(max_attempts=1))

    runs.fail(step="a", error=ValueError("no"))
    run = runs.start(w)
    runs.drain()

    assert run.refresh().result() == "a"
    assert Row.objects.get().attempt == 2


def hands(name: str) -> Hands:
    """The hands of a worker that does what it is told, and no more."""
    clock = Estimate()
    return Hands(worker=name, queues=None, executor=Executor(clock), heart=Heart(), clock=clock)
