"""A time is decided once, by any number of workers. Each guard is also taken away.

PostgreSQL only: SQLite lets one writer in at a time and so hides it.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from threading import Barrier
from time import monotonic

import pytest
from django.db.models import F

from orchestrator import Context, clock, schedule, workflow
from orchestrator.engine import worker
from orchestrator.models import Run as Row
from orchestrator.models import Schedule as ScheduleRow
from orchestrator.schedules import firing
from orchestrator.starting import Options
from orchestrator.store import schedules as store
from tests.orchestrator.test_races import at_once

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

WORKERS = 8
HOUR = timedelta(hours=1)


@pytest.fixture
def long():
    @workflow(name="long")
    async def long(ctx: Context) -> None:
        await ctx.wait_for_event("end")

    return long


@pytest.fixture(autouse=True)
def _clock_as_it_was():
    yield
    clock.move(-clock.skew())


def meet_after(monkeypatch, name: str) -> None:
    """Let every worker have read, before one of them writes."""
    read, barrier = getattr(store, name), Barrier(WORKERS, timeout=20)

    def read_and_meet(*args):
        rows = read(*args)
        barrier.wait()
        return rows

    monkeypatch.setattr(store, name, read_and_meet)


def without_rev(monkeypatch) -> None:
    def change(row, **changes) -> bool:
        rows = ScheduleRow.objects.filter(id=row.id)
        return bool(rows.update(rev=F("rev") + 1, **changes))

    monkeypatch.setattr(store, "_change", change)


def without_keys(monkeypatch) -> None:
    def forget(*, idempotency_key, **options) -> Options:
        return Options(**options)

    monkeypatch.setattr(firing, "Options", forget)


@pytest.mark.parametrize(
    ("has_rev", "has_keys"), [(True, True), (True, False), (False, True), (False, False)]
)
def test_a_time_that_all_workers_see_is_fired_once(long, monkeypatch, has_rev, has_keys):
    """Each of the two guards suffices; without both, every worker starts a run."""
    schedule(long, every="1h", overlap="allow")
    clock.move(HOUR)
    meet_after(monkeypatch, "due")
    if not has_rev:
        without_rev(monkeypatch)
    if not has_keys:
        without_keys(monkeypatch)

    errors = [one for one in at_once(WORKERS, lambda _: firing.fire_due()) if one not in (0, 1)]

    assert errors == []
    assert Row.objects.count() == (1 if has_rev or has_keys else WORKERS)
    assert ScheduleRow.objects.get().started == (1 if has_rev else WORKERS)


@pytest.mark.parametrize("guarded", [True, False])
def test_one_run_at_a_time_is_called_from_the_line(long, monkeypatch, guarded):
    made = schedule(long, every="1h", overlap="queue")
    now = clock.now()
    made.backfill(now - 12 * HOUR, now)
    meet_after(monkeypatch, "lines")
    if not guarded:
        without_rev(monkeypatch)

    at_once(WORKERS, lambda _: firing.fire_due())

    begun = Row.objects.exclude(store.IN_LINE).count()
    assert begun == 1 if guarded else begun > 1


def test_a_week_of_times_is_fired_once_each_by_workers_that_come_and_go(long):
    schedule(long, every="10m", overlap="allow", catch_up="all")
    clock.move(timedelta(days=2))

    def work(number: int) -> None:
        while firing.fire_due():
            pass

    assert at_once(WORKERS, work) == [None] * WORKERS

    times = list(Row.objects.order_by("scheduled_at").values_list("scheduled_at", flat=True))
    assert len(times) == ScheduleRow.objects.get().started == 288
    assert {b - a for a, b in pairwise(times)} == {timedelta(minutes=10)}


def test_a_worker_that_sleeps_starts_what_the_clock_asks_for(long):
    made = schedule(long, every="1h")
    worker.start()
    try:
        clock.move(made.next_at - clock.now() - timedelta(milliseconds=50))
        run = wait_for_run(made)
        assert run.wait("waiting", timeout=10).success
    finally:
        worker.stop(timedelta(0))


def wait_for_run(made):
    until = monotonic() + 20
    while not (found := made.runs()):
        assert monotonic() < until
        clock.now()
    return found[0]
