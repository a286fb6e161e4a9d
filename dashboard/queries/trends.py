"""How many runs there were lately, how long they took, and what they failed of."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max, Min, QuerySet, Subquery, Sum
from django.utils import timezone

from dashboard.errors import short_type
from orchestrator import clock
from orchestrator.core.times import quantile
from orchestrator.models import Run, RunStat, StatMark

# Runs that failed are looked at so far back; so many causes and workflows are shown.
NEWEST = 5_000
MOST = 10


# What is newer may not be counted yet.
LATE = timedelta(minutes=2)
UNITS: Mapping[str, timedelta] = {
    RunStat.Span.MINUTE: timedelta(minutes=1),
    RunStat.Span.HOUR: timedelta(hours=1),
}


@dataclass(frozen=True)
class Range:
    """A span of time, and how it is divided."""

    name: str
    word: str
    length: timedelta
    point: timedelta
    span: str


RANGES: Mapping[str, Range] = {
    one.name: one
    for one in (
        Range("1h", "1 h", timedelta(hours=1), timedelta(minutes=1), RunStat.Span.MINUTE),
        Range("24h", "24 h", timedelta(days=1), timedelta(minutes=30), RunStat.Span.MINUTE),
        Range("7d", "7 d", timedelta(days=7), timedelta(hours=3), RunStat.Span.HOUR),
        Range("30d", "30 d", timedelta(days=30), timedelta(hours=12), RunStat.Span.HOUR),
    )
}


@dataclass(frozen=True)
class Course:
    """One line: a number for each point of time."""

    what: str
    numbers: Sequence[int]

    @property
    def total(self) -> int:
        return sum(self.numbers)

    @property
    def most(self) -> int:
        return max(self.numbers, default=0)


@dataclass(frozen=True)
class Share:
    """A workflow in the range."""

    workflow: str
    created: int
    completed: int
    failed: int
    median: timedelta | None
    slow: timedelta | None

    @property
    def rate(self) -> float:
        """How many of a hundred that ended have failed."""
        ended = self.completed + self.failed
        return 100 * self.failed / ended if ended else 0.0


@dataclass(frozen=True)
class Cause:
    """Runs that failed of the same."""

    signature: str
    type: str
    workflows: int
    number: int
    first: datetime
    last: datetime


@dataclass(frozen=True)
class Trends:
    """What has been counted in a range; `upto` is how far, None if no worker has counted yet."""

    range: Range
    upto: datetime | None
    starts: Sequence[datetime]
    courses: Sequence[Course]
    workflows: Sequence[Share]
    median: timedelta | None
    slow: timedelta | None
    causes: Sequence[Cause]


def trends(wanted: Range) -> Trends:
    """Three queries, a fourth if nothing was counted: none counts runs but the newest failed.

    What is newer than `upto` is in no number.
    """
    # This process's clock is good enough to divide a page by. Points are whole ones.
    end = _floor(timezone.now() + clock.skew() - LATE, UNITS[wanted.span])
    first = end - wanted.length
    counted = RunStat.objects.filter(span=wanted.span, at__gte=first, at__lt=end).order_by()
    starts = [first + wanted.point * place for place in range(wanted.length // wanted.point)]
    shares, lengths, upto = _shares(counted)
    return Trends(
        range=wanted,
        upto=upto or _upto().first(),
        starts=starts,
        courses=_courses(counted, wanted, first, len(starts)),
        workflows=shares[:MOST],
        median=quantile(lengths, 0.5),
        slow=quantile(lengths, 0.95),
        causes=_causes(wanted.length),
    )


def _upto() -> QuerySet[StatMark, datetime]:
    return StatMark.objects.values_list("upto", flat=True)


def _floor(at: datetime, span: timedelta) -> datetime:
    return at - timedelta(seconds=at.timestamp() % span.total_seconds())


def _courses(
    counted: QuerySet[RunStat], wanted: Range, first: datetime, points: int
) -> list[Course]:
    numbers: dict[str, list[int]] = defaultdict(lambda: [0] * points)
    for at, what, number in counted.values_list("at", "what").annotate(sum=Sum("number")):
        numbers[what][(at - first) // wanted.point] += number
    return [Course(what, numbers[what]) for what in ("created", "completed", "failed")]


def _shares(counted: QuerySet[RunStat]) -> tuple[list[Share], Counter[int], datetime | None]:
    """The workflows, those with most failures first; how long all of their runs took; `upto`."""
    sums: dict[str, Counter[str]] = defaultdict(Counter)
    lengths: dict[str, Counter[int]] = defaultdict(Counter)
    upto = None
    columns = ("workflow", "what", "bucket", "upto")
    marked = counted.annotate(upto=Subquery(_upto()[:1]))
    rows = marked.values_list(*columns).annotate(sum=Sum("number"))
    for workflow, what, bucket, mark, number in rows:
        upto = mark
        sums[workflow][what] += number
        if what == "completed":
            lengths[workflow][bucket] += number
    shares = [
        Share(
            workflow=workflow,
            created=known["created"],
            completed=known["completed"],
            failed=known["failed"],
            median=quantile(lengths[workflow], 0.5),
            slow=quantile(lengths[workflow], 0.95),
        )
        for workflow, known in sums.items()
    ]
    shares.sort(key=lambda one: (-one.failed, -one.created, one.workflow))
    return shares, sum(lengths.values(), Counter()), upto


def _causes(length: timedelta) -> list[Cause]:
    """What runs that failed in the range failed of, most often first; of the newest that did."""
    newest = (
        Run.objects.filter(status="failed", finished_at__gte=clock.Now(-length))
        .order_by("-finished_at")
        .values("id")[:NEWEST]
    )
    groups = (
        Run.objects.filter(id__in=newest)
        .exclude(error_signature=None)
        .values_list("error_signature", "error_type")
        .annotate(
            number=Count("id"),
            workflows=Count("workflow", distinct=True),
            first=Min("finished_at"),
            last=Max("finished_at"),
        )
        .order_by("-number")[:MOST]
    )
    return [
        Cause(signature, short_type(kind or "Error"), workflows, number, first, last)
        for signature, kind, number, workflows, first, last in groups
    ]
