"""What a run costs in statements. Each number is a sum that the comment explains."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from orchestrator import Context, clock, workflow
from orchestrator.engine import worker

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def count(django_assert_num_queries):
    def drain(number: int) -> None:
        with django_assert_num_queries(number):
            worker.drain(inline=True)

    return drain


def test_a_start_is_one_statement(django_assert_num_queries):
    @workflow(name="w")
    async def w(ctx: Context) -> None: ...

    with django_assert_num_queries(1):
        w.start()


def test_a_start_with_a_new_key_is_one_statement_and_with_a_known_one_two(
    django_assert_num_queries,
):
    @workflow(name="w")
    async def w(ctx: Context) -> None: ...

    with django_assert_num_queries(1):
        w.start(idempotency_key="k")
    with django_assert_num_queries(2):
        w.start(idempotency_key="k")


def test_a_run_of_four_steps_is_six_statements_with_its_start(count, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        for number in range(4):
            await ctx.step("s", effect, number)

    w.start()

    # claim 1, one for each step 4 (the last one ends the run too), and 1 that finds
    # nothing more to claim. A first claim loads no journal and no mail.
    count(6)


def test_two_runs_share_their_statements(count, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        for number in range(4):
            await ctx.step("s", effect, number)

    for _ in range(20):
        w.start()

    # The same as for one run: every statement serves all twenty.
    count(6)


def test_parallel_steps_share_one_statement(count, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await asyncio.gather(*(ctx.step("s", effect, number) for number in range(10)))

    w.start()

    # claim 1, all ten results with the end of the run 1, nothing more to claim 1.
    count(3)


def test_a_sleep_is_one_statement_to_park_and_three_to_wake(count, runs):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.sleep("1d")

    w.start()
    runs.drain()
    clock.move(timedelta(days=1))

    # claim 1, journal 1, the sleep's end with the run's 1, nothing more to claim 1.
    count(4)


def test_an_event_is_two_statements_to_send_and_four_to_take(
    count, runs, django_assert_num_queries
):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.wait_for_event("go")

    run = runs.start(w)
    runs.close()

    # The schema of the wait 1, the event with the run's wake 1.
    with django_assert_num_queries(2):
        run.send_event("go")
    # claim 1, journal 1, mail 1, the event with the end of the run 1, nothing more 1.
    count(5)
