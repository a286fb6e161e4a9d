"""What is going on: counts of what is under way, and what wants attention.

Only the active runs, the open human tasks and the newest failures are counted: all small,
all found by an index. Nothing here counts the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Min, Q

from dashboard.diagnosis import PATIENCE
from dashboard.queries import runs
from dashboard.queries.filters import ACTIVE, NEEDS_PERSON, Filter
from dashboard.rows import Row
from orchestrator import clock
from orchestrator.models import Run, Status

# Failed runs are looked at so far back.
NEWEST = 1_000
LATEST = 5


@dataclass(frozen=True)
class Overview:
    """Counts by family, the failures of the last day, and what nobody takes."""

    counts: dict[str, int]
    failed: int
    # There may be more than `failed`: the newest ones alone were looked at.
    has_more_failed: bool
    failures: Sequence[Row]
    overdue: int
    overdue_since: datetime | None


def overview(*, sees_payloads: bool) -> Overview:
    """Five queries."""
    overdue = Run.objects.filter(due_at__lt=clock.Now(-PATIENCE), owned=False).aggregate(
        number=Count("id"), since=Min("due_at")
    )
    failed, has_more = _failed_within(timedelta(days=1))
    last_day = Filter(families=("failed",), ended="24h")
    return Overview(
        counts=_counts(),
        failed=failed,
        has_more_failed=has_more,
        failures=runs.page(last_day, sees_payloads=sees_payloads, size=LATEST).rows,
        overdue=overdue["number"],
        overdue_since=overdue["since"],
    )


def _counts() -> dict[str, int]:
    """How many active runs each family has. Two queries."""
    active = Run.objects.filter(status__in=ACTIVE).order_by()
    number = dict(active.values_list("status").annotate(number=Count("id")))
    with_person = active.filter(NEEDS_PERSON).aggregate(
        all=Count("id"), waiting=Count("id", filter=Q(status=Status.WAITING))
    )
    return {
        "human": with_person["all"],
        "blocked": number.get(Status.BLOCKED, 0),
        "running": number.get(Status.RUNNING, 0),
        "waiting": number.get(Status.WAITING, 0) - with_person["waiting"],
        "retrying": number.get(Status.AWAITING_RETRY, 0),
        "queued": number.get(Status.PENDING, 0),
        "scheduled": number.get(Status.SCHEDULED, 0),
        "paused": number.get(Status.PAUSED, 0),
    }


def _failed_within(period: timedelta) -> tuple[int, bool]:
    """How many of the newest failed runs failed lately, and whether there may be more."""
    newest = Run.objects.filter(status=Status.FAILED).order_by("-id")[: NEWEST + 1]
    lately = Q(finished_at__gte=clock.Now(-period))
    found = newest.aggregate(all=Count("id"), lately=Count("id", filter=lately))
    return found["lately"], found["all"] > NEWEST and found["lately"] > 0
