"""The `runs` fixture: what authors of workflows get for their own tests."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connections
from django.test import TransactionTestCase

from orchestrator import Context, Retry, RunTimeout, clock, current_step, workflow
from orchestrator.engine import worker
from orchestrator.testing import Runs


@pytest.fixture
def parcel(effect):
    @workflow(name="parcel")
    async def parcel(ctx: Context) -> object:
        ctx.logger.info("packing", items=2)
        await ctx.step("charge", effect, "charged", timeout="30s")
        await ctx.sleep("1h", name="rest")
        return await ctx.wait_for_event("arrived", timeout="7d", default="lost")

    return parcel


# ---- what there is to see -------------------------------------------------------------


def test_the_journal_is_plain_rows_in_the_order_of_asking(runs, parcel):
    run = runs.start(parcel)
    runs.advance("1h")

    assert runs.journal(run) == [
        ("step", "charge", "completed"),
        ("sleep", "rest", "completed"),
        ("event", "arrived", "open"),
    ]


def test_the_log_is_rows_of_level_and_message(runs):
    def warn() -> None:
        current_step().logger.warning("cold")

    @workflow(name="w")
    async def w(ctx: Context) -> None:
        ctx.logger.info("hello")
        await ctx.step("warn", warn)

    assert runs.logs(runs.start(w)) == [("info", "hello"), ("warning", "cold")]


def test_children_are_runs_to_drive(runs, parcel):
    @workflow(name="parent")
    async def parent(ctx: Context) -> object:
        return await ctx.start_child(parcel)

    run = runs.start(parent)
    [child] = runs.children(run)
    runs.advance("1h")
    runs.send_event(child, "arrived", "here")

    assert run.refresh().result() == "here"


def test_a_run_that_is_as_expected_is_returned(runs, parcel):
    run = runs.start(parcel)

    assert runs.expect(run, "waiting") is run


def test_a_run_that_waits_says_what_for_and_until_when(runs, parcel):
    run = runs.start(parcel)
    runs.advance("1h")

    with pytest.raises(AssertionError) as caught:
        runs.expect(run, "completed")

    text = str(caught.value)
    assert text.startswith(f"expected completed, but run {run.id} of parcel 1 is waiting")
    assert "it waits for event 'arrived', until 20" in text
    assert "sleep  rest     completed" in text


def test_a_run_that_failed_shows_the_traceback_of_its_step(runs):
    def charge() -> None:
        raise ConnectionError("the bank is away")

    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step("charge", charge, retry=Retry(max_attempts=1))

    with pytest.raises(AssertionError) as caught:
        runs.expect(runs.start(w))

    text = str(caught.value)
    assert "builtins:ConnectionError: the bank is away (step 'charge')" in text
    assert 'raise ConnectionError("the bank is away")' in text


def test_a_waiting_retry_shows_its_last_error(runs, parcel):
    runs.fail(step="charge", error=ConnectionError("down"))

    with pytest.raises(AssertionError, match=r"attempt 1 of 'charge' failed:\n.*down"):
        runs.expect(runs.start(parcel))


def test_a_result_that_nobody_will_bring_is_not_waited_for(runs, parcel):
    run = runs.start(parcel)

    with pytest.raises(RunTimeout, match="is still waiting"):
        run.result()
    assert run.wait(timeout="1h").cause == "timeout"


def test_a_result_drives_what_is_due(runs, parcel, effect):
    runs.crash_at("after_body", step="charge")
    run = runs.start(parcel)

    assert run.wait("waiting").success
    assert effect.calls == ["charged", "charged"]


# ---- the clock ------------------------------------------------------------------------


def test_the_clock_stands_at_the_instant_that_it_was_moved_to(runs, parcel):
    monday = datetime(2001, 1, 1, 9, tzinfo=UTC)
    runs.at(monday)
    run = runs.start(parcel)
    runs.at(monday + timedelta(hours=2))

    assert abs(runs.now - monday - timedelta(hours=2)) < timedelta(minutes=1)
    assert abs(run.steps[1].completed_at - monday - timedelta(hours=1)) < timedelta(minutes=1)


def test_the_clock_does_not_go_back_while_there_are_runs(runs, parcel):
    runs.start(parcel)

    with pytest.raises(ValueError, match="before the first start"):
        runs.at(runs.now - timedelta(days=1))


def test_an_instant_needs_a_time_zone(runs):
    with pytest.raises(ValueError, match="time zone"):
        runs.at(datetime(2030, 1, 1))


def test_the_clock_is_put_back(transactional_db, parcel):
    with Runs() as runs:
        runs.advance("1d")

    assert clock.skew() == timedelta(0)


# ---- where it can be used -------------------------------------------------------------


def test_a_worker_in_this_process_is_refused(transactional_db, settings):
    worker.start()
    try:
        with pytest.raises(RuntimeError, match="a worker runs in this process"):
            Runs().open()
    finally:
        worker.stop(grace=timedelta(0))


def test_a_test_in_one_transaction_drives_runs_too(db, parcel):
    with Runs() as runs:
        run = runs.start(parcel)
        runs.advance("1h")
        runs.send_event(run, "arrived", "here")

        assert runs.expect(run).result() == "here"


def test_another_thread_waits_as_anybody_would(runs, parcel):
    run = runs.start(parcel)
    found = []

    def wait() -> None:
        found.append(run.wait(timeout="10ms").cause)
        connections.close_all()

    other = threading.Thread(target=wait)
    other.start()
    other.join()

    assert found == ["timeout"]


class TestInDjangosTestCase(TransactionTestCase):
    """Without the fixture, as in projects that do not use pytest."""

    def test_runs_are_driven(self):
        @workflow(name="w")
        async def w(ctx: Context) -> str:
            await ctx.sleep("1d")
            return "done"

        with Runs() as runs:
            run = runs.start(w)
            runs.advance("1d")
            runs.expect(run)

    def test_an_unmet_fault_fails_the_test(self):
        with pytest.raises(AssertionError, match="never happened"), Runs() as runs:
            runs.time_out(step="charge")

    def test_an_error_of_the_test_is_not_hidden_by_it(self):
        def crash_and_fail(runs: Runs) -> None:
            runs.time_out(step="charge")
            raise KeyError("x")

        with pytest.raises(KeyError), Runs() as runs:
            crash_and_fail(runs)
