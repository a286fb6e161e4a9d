"""What is going on: counts of what is under way, and what wants attention.

Only the active runs and the failures of a day are counted: all small, all found by an index.
Nothing here counts the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import BooleanField, Case, Count, Min, When

from dashboard.diagnosis import PATIENCE
from dashboard.queries import runs
from dashboard.queries.filters import ACTIVE, NEEDS_PERSON, Filter
from dashboard.rows import Row
from orchestrator import clock
from orchestrator.models import Run, Status

LATEST = 5


@dataclass(frozen=True)
class Overview:
    """Counts by family, the failures of the last day, and what nobody takes."""

    counts: dict[str, int]
    # Counted up to `runs.CAP`, and one more for any more than that.
    failed: int
    failures: Sequence[Row]
    overdue: int
    overdue_since: datetime | None


def overview(*, sees_payloads: bool) -> Overview:
    """Three queries."""
    overdue = Run.objects.filter(due_at__lt=clock.Now(-PATIENCE), owned=False).aggregate(
        number=Count("id"), since=Min("due_at")
    )
    last_day = Filter(families=("failed",), ended="24h")
    failures = runs.page(last_day, sees_payloads=sees_payloads, size=LATEST, counts=True)
    return Overview(
        counts=_counts(),
        failed=failures.total or 0,
        failures=failures.rows,
        overdue=overdue["number"],
        overdue_since=overdue["since"],
    )


def _counts() -> dict[str, int]:
    """How many active runs each family has."""
    is_human = Case(When(NEEDS_PERSON, then=True), default=False, output_field=BooleanField())
    active = Run.objects.filter(status__in=ACTIVE).order_by().annotate(is_human=is_human)
    number: dict[tuple[str, bool], int] = {
        (status, is_human): found
        for status, is_human, found in active.values_list("status", "is_human").annotate(
            number=Count("id")
        )
    }

    def of(status: str) -> int:
        return number.get((status, True), 0) + number.get((status, False), 0)

    return {
        "human": sum(found for (_, is_human), found in number.items() if is_human),
        "blocked": of(Status.BLOCKED),
        "running": of(Status.RUNNING),
        "waiting": number.get((Status.WAITING, False), 0),
        "retrying": of(Status.AWAITING_RETRY),
        "queued": of(Status.PENDING),
        "scheduled": of(Status.SCHEDULED),
        "paused": of(Status.PAUSED),
    }
