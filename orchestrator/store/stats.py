"""Counting the runs of each minute once, whoever does it.

Who counts moves the mark on, which only one can do: the same transaction stores the numbers.
A minute is counted when it has been over for a while. What is committed later than that, such
as a start in a long transaction of its caller, is in no number; the runs themselves are.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Sum

from orchestrator import clock
from orchestrator.core.ids import least_id
from orchestrator.core.times import bucket_of
from orchestrator.database import ALIAS
from orchestrator.models import Run, RunStat, StatMark

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)

# A minute is counted when it has been over for so long.
SETTLED = timedelta(minutes=1)

# How far back the first count goes, and how long numbers are kept.
FIRST = timedelta(days=7)
MINUTES_KEPT, HOURS_KEPT = timedelta(days=2), timedelta(days=90)

# An id has the time of the process that made it: it may be so far from the database's.
CLOCKS_DIFFER = timedelta(minutes=10)

Numbers = Counter[tuple[datetime, str, str, int]]


def count() -> bool:
    """Count the next minutes that are over, of one hour at most. Whether there are more."""
    settled = _floor(clock.now() - SETTLED, MINUTE)
    start = _mark(settled)
    end = min(settled, _floor(start, HOUR) + HOUR)
    if end <= start:
        return False
    _store(_counted(start, end), start, end)
    return end < settled


def _mark(settled: datetime) -> datetime:
    """How far the counting has come; it begins with the first run, but not too far back."""
    known = StatMark.objects.values_list("upto", flat=True).first()
    if known is not None:
        return known
    oldest = Run.objects.order_by("id").values_list("created_at", flat=True).first()
    first = max(_floor(oldest or settled, HOUR), _floor(settled - FIRST, HOUR))
    defaults = {"upto": first if oldest else settled}
    return StatMark.objects.get_or_create(id=1, defaults=defaults)[0].upto


def _counted(start: datetime, end: datetime) -> Numbers:
    found: Numbers = Counter()
    margin = CLOCKS_DIFFER + abs(clock.skew())
    made = Run.objects.filter(
        id__gte=least_id(start - margin),
        id__lt=least_id(end + margin),
        created_at__gte=start,
        created_at__lt=end,
    )
    for at, workflow in made.values_list("created_at", "workflow").iterator():
        found[_floor(at, MINUTE), workflow, "created", 0] += 1
    ended = Run.objects.filter(finished_at__gte=start, finished_at__lt=end)
    columns = ("finished_at", "started_at", "workflow", "status")
    for at, began, workflow, status in ended.values_list(*columns).iterator():
        took = at - began if began else timedelta(0)
        found[_floor(at, MINUTE), workflow, status, bucket_of(took)] += 1
    return found


@transaction.atomic(using=ALIAS)
def _store(numbers: Numbers, start: datetime, end: datetime) -> None:
    """Store them, unless somebody else has counted these minutes meanwhile."""
    if not _moves_mark(start, end):
        return
    RunStat.objects.bulk_create(
        _row(RunStat.Span.MINUTE, key, number) for key, number in numbers.items()
    )
    if end == _floor(end, HOUR):
        _add_up(end - HOUR, end)
        _forget(end)


def _moves_mark(start: datetime, end: datetime) -> bool:
    """Only one can: who comes second waits for the first, and finds the mark elsewhere."""
    return bool(StatMark.objects.filter(upto=start).update(upto=end))


def _add_up(start: datetime, end: datetime) -> None:
    """Store the numbers of the hour that is over."""
    minutes = RunStat.objects.filter(span=RunStat.Span.MINUTE, at__gte=start, at__lt=end)
    sums = minutes.values_list("workflow", "what", "bucket").annotate(sum=Sum("number"))
    RunStat.objects.bulk_create(
        _row(RunStat.Span.HOUR, (start, workflow, what, bucket), number)
        for workflow, what, bucket, number in sums.order_by()
    )


def _forget(now: datetime) -> None:
    kept = {RunStat.Span.MINUTE: MINUTES_KEPT, RunStat.Span.HOUR: HOURS_KEPT}
    for span, age in kept.items():
        RunStat.objects.filter(span=span, at__lt=now - age).delete()


def _row(span: str, key: tuple[datetime, str, str, int], number: int) -> RunStat:
    fields: dict[str, Any] = dict(zip(("at", "workflow", "what", "bucket"), key, strict=True))
    return RunStat(span=span, number=number, **fields)


def _floor(at: datetime, span: timedelta) -> datetime:
    return at - timedelta(seconds=at.timestamp() % span.total_seconds())
