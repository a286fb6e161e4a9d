"""Counting the runs of each minute."""

from __future__ import annotations

from datetime import timedelta

import pytest

from orchestrator import Context, Retry, chores, clock, workflow
from orchestrator.core.times import bucket_of
from orchestrator.engine.keeper import Keeper
from orchestrator.models import RunStat, StatMark
from orchestrator.store import stats

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def order(runs):
    def pay(fails):
        if fails:
            raise ValueError("no funds")

    @workflow(name="order")
    async def order(ctx: Context, fails: bool) -> None:
        await ctx.step("pay", pay, fails, retry=Retry(max_attempts=1))

    return order


def count_all():
    while stats.count():
        pass


def counted(span="minute"):
    rows = RunStat.objects.filter(span=span).values_list("what", "number")
    found = {}
    for what, number in rows:
        found[what] = found.get(what, 0) + number
    return found


def test_runs_are_counted_when_their_minute_is_over(runs, order):
    count_all()
    for fails in (False, False, True):
        runs.start(order, fails)
    count_all()
    too_early = counted()

    runs.advance("3m")
    count_all()

    assert too_early == {}
    assert counted() == {"created": 3, "completed": 2, "failed": 1}


def test_a_run_is_counted_where_it_ended_and_with_what_it_took(runs):
    @workflow(name="sleeper")
    async def sleeper(ctx: Context) -> None:
        await ctx.sleep("30m")

    count_all()
    run = runs.start(sleeper)
    runs.advance("31m")
    runs.advance("3m")
    count_all()

    created, completed = RunStat.objects.filter(span="minute").order_by("at")
    assert (created.what, created.bucket, completed.what) == ("created", 0, "completed")
    assert abs(completed.bucket - bucket_of(timedelta(minutes=31))) <= 1
    assert completed.at <= run.refresh()._row.finished_at < completed.at + timedelta(minutes=1)


def test_hours_are_added_up_when_they_are_over(runs, order):
    count_all()
    runs.start(order, False)
    runs.advance("2h")
    count_all()

    assert counted("hour") == counted("minute") == {"created": 1, "completed": 1}


def test_what_is_old_is_forgotten(runs, order):
    count_all()
    runs.start(order, False)
    runs.advance("4d")
    count_all()
    before = counted("hour")
    StatMark.objects.update(upto=StatMark.objects.get().upto + timedelta(days=87))
    runs.advance("90d")
    count_all()

    assert counted("minute") == {}
    assert before == {"created": 1, "completed": 1}
    assert counted("hour") == {}


def test_the_first_count_takes_the_runs_of_the_last_days(runs, order):
    runs.start(order, False)
    runs.advance("3h")
    count_all()

    assert counted("hour") == {"created": 1, "completed": 1}


def test_whoever_comes_second_counts_nothing(runs, order):
    count_all()
    runs.start(order, False)
    runs.advance("3m")
    start = StatMark.objects.get().upto
    end = start + timedelta(minutes=1)
    while True:
        numbers = stats._counted(start, end)
        if numbers:
            break
        start, end = end, end + timedelta(minutes=1)
    StatMark.objects.update(upto=start)

    for _ in range(2):
        stats._store(numbers, start, end)

    assert counted()["created"] == 1


def test_workers_count(runs, order):
    StatMark.objects.create(upto=clock.now() - timedelta(minutes=1))
    runs.start(order, False)
    runs.advance("5m")
    keeper = Keeper()

    while keeper.look() == 0:
        pass

    assert counted() == {"created": 1, "completed": 1}


def test_the_error_of_one_chore_does_not_stop_the_others(caplog, monkeypatch):
    done = []

    def broken():
        raise RuntimeError("odd")

    monkeypatch.setattr(chores, "_chores", {})
    chores.register("broken", broken)
    chores.register("sound", lambda: not done.append(1) and len(done) < 2)

    assert chores.do()
    assert not chores.do()
    assert "the chore broken could not be done" in caplog.text
