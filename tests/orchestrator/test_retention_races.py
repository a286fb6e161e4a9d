"""Pruning beside everything else. Each guard is also taken away.

PostgreSQL only: SQLite lets one writer in at a time and so hides it.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from time import monotonic
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import PROTECT

from humantasks.models import HumanTask
from orchestrator import Context, clock, retention, workflow
from orchestrator.engine import worker
from orchestrator.models import Run as Row
from orchestrator.models import Tombstone
from orchestrator.retention import Wanted
from orchestrator.store import pruning
from tests.orchestrator.test_races import at_once

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

MONTH = timedelta(days=31)


@pytest.fixture
def order():
    @workflow(name="order")
    async def order(ctx: Context, n: int) -> int:
        if n < 0:
            raise ValueError(n)
        return n

    return order


@pytest.fixture(autouse=True)
def _clock_as_it_was():
    yield
    clock.move(-clock.skew())


def removed() -> pruning.Batch:
    return pruning.remove_runs("order", clock.now(), 100, frozenset())


def beside(act: Any) -> Future[Any]:
    """Call `act` in a thread of its own; return when it has ended or waits for a lock."""

    def call() -> Any:
        try:
            return act()
        finally:
            connection.close()

    pool = ThreadPoolExecutor(1)
    future = pool.submit(call)
    pool.shutdown(wait=False)
    until = monotonic() + 20
    while not future.done() and not _somebody_waits():
        assert monotonic() < until
    return future


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        # In a transaction it would say what it said the first time.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        return bool(cursor.fetchone()[0])


@pytest.fixture
def ended(order):
    run = order.start(7, idempotency_key="o-7")
    worker.drain(inline=True)
    clock.move(MONTH)
    return run


@pytest.mark.parametrize("guarded", [True, False])
def test_a_start_that_waits_for_the_removal_of_its_run_does_not_begin_anew(order, ended, guarded):
    if not guarded:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE orchestrator_run DISABLE TRIGGER key_is_free")
    try:
        with transaction.atomic():
            assert removed().done == 1
            late = beside(lambda: order.start(7, idempotency_key="o-7"))
            assert not late.done()
        found = late.result(20)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE orchestrator_run ENABLE TRIGGER key_is_free")

    assert (found.id == ended.id) is guarded
    assert found.is_gone is guarded
    assert Row.objects.count() == (0 if guarded else 1)


def test_such_a_start_in_a_transaction_of_the_caller_takes_that_back(order, ended):
    def view() -> None:
        with transaction.atomic():
            order.start(7, idempotency_key="o-7")

    with transaction.atomic():
        assert removed().done == 1
        late = beside(view)

    with pytest.raises(IntegrityError, match="has been removed"):
        late.result(20)
    assert not Row.objects.exists()
    assert order.start(7, idempotency_key="o-7").is_gone


def test_a_run_that_is_being_retried_is_passed_over(order):
    run = order.start(-1)
    worker.drain(inline=True)
    clock.move(MONTH)

    with transaction.atomic():
        run.retry()
        [batch] = at_once(1, lambda _: removed())

    assert batch.done == 0
    assert run.refresh().status == "pending"


def test_a_retry_that_waits_for_the_removal_finds_no_run(order):
    run = order.start(-1)
    worker.drain(inline=True)
    clock.move(MONTH)

    with transaction.atomic():
        assert removed().done == 1
        late = beside(run.retry)

    assert type(late.exception(20)).__name__ == "UnknownRun"


def test_many_prune_side_by_side(order):
    for number in range(120):
        order.start(number, idempotency_key=f"o-{number}")
    worker.drain(inline=True)
    clock.move(MONTH)

    def work(_: int) -> int:
        found = retention.removing(Wanted(batch=10))
        return sum(one.done for one in found if one.what == "runs")

    assert sum(at_once(6, work)) == 120
    assert not Row.objects.exists()
    assert Tombstone.objects.count() == 120


def test_a_run_that_a_row_of_another_app_protects_stays(order, monkeypatch, runs):
    """Django's `on_delete` holds for pruning too."""
    for number in range(3):
        runs.start(order, number, idempotency_key=f"o-{number}")
    clock.move(MONTH)
    kept = Row.objects.order_by("finished_at").first()
    field = HumanTask._meta.get_field("run")
    monkeypatch.setattr(field.remote_field, "on_delete", PROTECT)
    make_task_of(kept)

    done = [one.done for one in retention.removing(Wanted()) if one.what == "runs"]

    assert done == [2]
    assert list(Row.objects.values_list("id", flat=True)) == [kept.id]
    assert Tombstone.objects.count() == 2


def make_task_of(run: Row) -> None:
    now = clock.now()
    HumanTask.objects.create(
        ref=1,
        run=run,
        workflow=run.workflow,
        key="t",
        name="t",
        type="t",
        title="t",
        schema="{}",
        status="withdrawn",
        created_at=now,
        closed_at=now,
    )
