"""What a bulk operation is about to do, and how far one is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, QuerySet

from dashboard.bulk import MOST
from dashboard.models import BulkItem, BulkOperation
from dashboard.queries import runs as queries
from dashboard.rows import Row
from orchestrator.models import FINAL, Run, Status

SAMPLES = 5
PAGE = 50

# In which statuses a verb is of use, as far as the status says it.
_USEFUL: Mapping[str, Sequence[Status]] = {
    "cancel": [one for one in Status if one not in FINAL],
    "retry": [Status.FAILED],
    "retry_now": [Status.AWAITING_RETRY, Status.WAITING],
    "pause": [one for one in Status if one not in (*FINAL, Status.PAUSED, Status.BLOCKED)],
    "resume": [Status.PAUSED, Status.BLOCKED],
}


@dataclass(frozen=True)
class Preview:
    """The runs that an operation would be for. `total` is `MOST` + 1 when there are more."""

    total: int
    by_status: Mapping[str, int]
    samples: Sequence[Row]

    @property
    def is_too_many(self) -> bool:
        return self.total > MOST

    def useless(self, verb: str) -> int:
        """Of how many of them the verb would be refused, as they are now."""
        return self.total - sum(self.by_status.get(one, 0) for one in _USEFUL[verb])


def preview(runs: QuerySet[Run], *, sees_payloads: bool) -> Preview:
    """Two queries."""
    some = Run.objects.filter(id__in=runs.order_by().values("id")[: MOST + 1])
    by_status = dict(some.order_by().values_list("status").annotate(number=Count("id")))
    newest = list(runs.order_by("-id").values_list("id", flat=True)[:SAMPLES])
    samples = queries.rows_of(newest, sees_payloads=sees_payloads)
    return Preview(sum(by_status.values()), by_status, samples)


@dataclass(frozen=True)
class Progress:
    """How far an operation is."""

    operation: BulkOperation
    done: int
    refused: int

    @property
    def pending(self) -> int:
        return max(self.operation.total - self.done - self.refused, 0)

    @property
    def over(self) -> int:
        return self.done + self.refused

    @property
    def tag(self) -> str:
        return f"{self.operation.state}.{self.done}.{self.refused}"


def progress(operation: BulkOperation) -> Progress:
    """One query, by an index."""
    found = dict(operation.items.order_by().values_list("state").annotate(number=Count("id")))
    return Progress(
        operation,
        found.get(BulkItem.State.DONE, 0),
        found.get(BulkItem.State.REFUSED, 0),
    )


def items(operation: BulkOperation, *, state: str, after: int) -> tuple[list[BulkItem], int | None]:
    """A page of the runs of an operation in this state, and where the next one begins."""
    found = list(operation.items.filter(state=state, id__gt=after).order_by("id")[: PAGE + 1])
    return found[:PAGE], found[PAGE - 1].id if len(found) > PAGE else None


def operations() -> list[BulkOperation]:
    """The newest operations."""
    return list(BulkOperation.objects.order_by("-id")[:PAGE])


def newest_id() -> UUID | None:
    return Run.objects.order_by("-id").values_list("id", flat=True).first()
