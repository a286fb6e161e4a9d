"""Several workers count the runs of the same minutes. The guard is also taken away."""

from __future__ import annotations

import pytest
from django.db import IntegrityError
from django.db.models import Sum

from orchestrator import Context, workflow
from orchestrator.models import RunStat, StatMark
from orchestrator.store import stats
from tests.orchestrator import racing

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


def count_all():
    while stats.count():
        pass


@pytest.fixture
def five(runs):
    """Five runs that are over and not counted; the mark is before them."""

    @workflow(name="w")
    async def w(ctx: Context) -> None: ...

    count_all()
    for _ in range(5):
        runs.start(w)
    runs.advance("90m")


def created(span):
    rows = RunStat.objects.filter(span=span, what="created")
    return rows.aggregate(sum=Sum("number"))["sum"]


def test_each_run_is_counted_once_by_many_workers(five):
    answers = racing.at_once(4, lambda _: count_all())

    assert answers == [None] * 4
    assert created("minute") == created("hour") == 5


@pytest.mark.parametrize("guarded", [True, False])
def test_who_counts_the_same_minutes_second_stores_nothing(five, monkeypatch, guarded):
    if not guarded:
        monkeypatch.setattr(stats, "_moves_mark", lambda start, end: True)
    start = StatMark.objects.get().upto
    end = stats._floor(start, stats.HOUR) + stats.HOUR
    numbers = stats._counted(start, end)

    one, other = racing.before_it_commits(
        lambda: stats._store(numbers, start, end), lambda: stats._store(numbers, start, end)
    )

    assert one is None
    assert other is None if guarded else isinstance(other, IntegrityError)
