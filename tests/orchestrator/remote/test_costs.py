"""What steps that are handed out cost in statements. Each number is a sum."""

from __future__ import annotations

import asyncio

import pytest
from django.test import override_settings

from orchestrator import Context, hints, workflow
from orchestrator.clock import Estimate
from orchestrator.engine import timers, worker
from orchestrator.engine.executor import Executor
from orchestrator.engine.hands import Hands
from orchestrator.engine.heart import Heart
from tests.orchestrator.remote.functions import effect

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def hands():
    clock = Estimate()
    executor = Executor(clock, inline=True)
    return Hands(worker="w2", queues=None, executor=executor, heart=Heart(), clock=clock)


def test_a_step_costs_three_statements_to_hand_out_three_to_execute_and_five_to_hear_of(
    drive, hands, django_assert_num_queries
):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step("a", effect, 1, remote=True)

    run = w.start()

    # claim 1, the step with the end of the tick 1, nothing more to claim 1.
    with django_assert_num_queries(3):
        drive()
    # claim 1, the report with the run's wake 1, nothing more to claim 1.
    with django_assert_num_queries(3):
        hands.drain()
    # claim 1, journal 1, mail 1, the result with the end of the run 1, nothing more 1.
    with django_assert_num_queries(5):
        drive()
    assert run.refresh().status == "completed"


def test_many_that_are_asked_for_together_are_handed_out_and_heard_of_together(
    drive, hands, django_assert_num_queries
):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await asyncio.gather(*(ctx.step("s", effect, n, remote=True) for n in range(10)))

    run = w.start()

    with django_assert_num_queries(3):
        drive()
    # claim 1, all ten reports with the wake 1, nothing more to claim 1.
    with django_assert_num_queries(3):
        hands.drain()
    with django_assert_num_queries(5):
        drive()
    assert run.refresh().status == "completed"


def test_who_is_told_of_a_run_does_not_look_for_steps():
    """So runs that hand nothing out cost no statement more."""
    here = worker.Worker(None)
    rung = here._hands.inbox

    here.ring()
    assert rung.empty()

    here.ring(is_for_steps=True)
    assert not rung.empty()


def test_workers_of_the_steps_queue_are_told_of_steps_and_those_of_the_runs_of_reports(
    runs, settings, hands
):
    @workflow(name="w", queue="night")
    async def w(ctx: Context) -> None:
        await ctx.step("a", effect, 1, queue="gpu")

    told: list[tuple[str, bool]] = []
    runs.close()
    before = hints.connect(lambda _, queue, is_for_steps: told.append((queue, is_for_steps)))
    w.start()
    worker.drain(inline=True)
    hands.drain()
    hints.connect(before)

    assert told == [("night", False), ("gpu", True), ("night", False)]


def test_processes_that_only_look_tell_of_steps_that_nobody_has_taken(drive):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await asyncio.gather(*(ctx.step("a", effect, 1, queue=name) for name in ("b", "b", "c")))

    told: list[tuple[str, bool]] = []
    w.start()
    drive()
    before = hints.connect(lambda _, queue, is_for_steps: told.append((queue, is_for_steps)))
    with override_settings(ORCHESTRATOR_HINTS=True):
        timers.look()
    hints.connect(before)

    assert sorted(told) == [("b", True), ("c", True)]
