"""The runs list: filters, keyset pages, and what has changed since a page was made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet, Sum
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Left

from dashboard.rows import Row, row
from humantasks.models import OPEN, HumanTask
from orchestrator import clock
from orchestrator.core.definition import registry
from orchestrator.core.ids import least_id
from orchestrator.models import FINAL, Run, RunAttribute, Status

PAGE = 50
# Counts stop here: what is more is "10,000+".
CAP = 10_000

# All that a row shows. Payloads and tracebacks stay in the database.
_COLUMNS = (
    *("id", "rev", "workflow", "version", "status", "owned", "idempotency_key", "initiator"),
    *("created_at", "started_at", "finished_at", "due_at", "waiting_on", "in_flight"),
    *("parent_id", "attributes", "tags"),
)

ACTIVE = [status for status in Status if status not in FINAL]

# Runs with an open human task. The tasks are few and indexed; what a run waits for is not.
NEEDS_PERSON = Q(id__in=HumanTask.objects.filter(status__in=OPEN).values("run_id"))


@dataclass(frozen=True)
class Family:
    """Runs that an operator thinks of as one sort."""

    word: str
    condition: Q
    status: str
    wait_kind: str = ""


# In the order in which they want attention.
FAMILIES: Mapping[str, Family] = {
    "human": Family("Needs a person", Q(status__in=ACTIVE) & NEEDS_PERSON, "waiting", "human_task"),
    "blocked": Family("Blocked", Q(status=Status.BLOCKED), "blocked"),
    "failed": Family("Failed", Q(status=Status.FAILED), "failed"),
    "retrying": Family("Retrying", Q(status=Status.AWAITING_RETRY), "awaiting_retry"),
    "running": Family("Running", Q(status=Status.RUNNING), "running"),
    "waiting": Family("Waiting", Q(status=Status.WAITING) & ~NEEDS_PERSON, "waiting"),
    "queued": Family("Queued", Q(status=Status.PENDING), "pending"),
    "scheduled": Family("Scheduled", Q(status=Status.SCHEDULED), "scheduled"),
    "paused": Family("Paused", Q(status=Status.PAUSED), "paused"),
    "completed": Family("Completed", Q(status=Status.COMPLETED), "completed"),
    "cancelled": Family("Cancelled", Q(status=Status.CANCELLED), "cancelled"),
}

# An id has the time of the process that made it, `created_at` the database's.
CLOCKS_DIFFER = timedelta(hours=2)

ENDED = {"1h": timedelta(hours=1), "24h": timedelta(hours=24), "7d": timedelta(days=7)}


@dataclass(frozen=True)
class Filter:
    """What is asked for. Empty: everything."""

    families: tuple[str, ...] = ()
    workflow: str = ""
    # A run's id or an idempotency key, exactly.
    text: str = ""
    ended: str = ""
    # What the REST API asks for on top.
    statuses: tuple[str, ...] = ()
    key: str = ""
    attributes: tuple[tuple[str, str], ...] = ()
    started_after: datetime | None = None
    started_before: datetime | None = None
    parent_id: UUID | None = None

    @property
    def narrows(self) -> bool:
        return self != Filter()

    @property
    def is_countable(self) -> bool:
        """Whether an index bounds the count. When runs ended is in none."""
        is_bounded = bool(self.families) and "completed" not in self.families
        return self.narrows and (is_bounded or not self.ended)

    def runs(self) -> QuerySet[Run]:
        """The matching runs, in no order."""
        return Run.objects.filter(*self._of_the_page(), *self._of_the_api())

    def _of_the_page(self) -> Iterator[Q]:
        if self.families:
            yield reduce(or_, (FAMILIES[name].condition for name in self.families))
        if self.workflow:
            yield Q(workflow=self.workflow)
        if self.text:
            yield self._has_text()
        if self.ended:
            yield Q(finished_at__gte=clock.Now(-ENDED[self.ended]))

    def _of_the_api(self) -> Iterator[Q]:
        if self.statuses:
            yield Q(status__in=self.statuses)
        if self.key:
            yield self._has_key(self.key)
        if self.parent_id:
            yield Q(parent_id=self.parent_id)
        for key, value in self.attributes:
            yield Q(Exists(RunAttribute.objects.filter(run=OuterRef("pk"), key=key, value=value)))
        # Ids are in the order of `created_at`, so they bound what is looked at.
        margin = CLOCKS_DIFFER + abs(clock.skew())
        if self.started_after:
            first = least_id(self.started_after - margin)
            yield Q(created_at__gte=self.started_after, id__gte=first)
        if self.started_before:
            last = least_id(self.started_before + margin)
            yield Q(created_at__lt=self.started_before, id__lt=last)

    def _has_text(self) -> Q:
        try:
            return Q(id=UUID(self.text))
        except ValueError:
            return self._has_key(self.text)

    def _has_key(self, key: str) -> Q:
        # The index begins with the workflow: naming the known ones lets it be used.
        names = {self.workflow} if self.workflow else {one.name for one in registry}
        return Q(workflow__in=names, idempotency_key=key)


@dataclass(frozen=True)
class Page:
    """One page of the list. `newer` and `older` are the ids to go on from, if there is more."""

    rows: Sequence[Row]
    newer: UUID | None
    older: UUID | None
    is_first: bool


def page(
    wanted: Filter,
    *,
    sees_payloads: bool,
    before: UUID | None = None,
    after: UUID | None = None,
    size: int = PAGE,
) -> Page:
    """A page of runs, newest first. One query; a second if there is no page of newer ones."""
    if after is not None:
        found = list(_listed(wanted.runs().filter(id__gt=after)).order_by("id")[: size + 1])
        if len(found) > size:
            rows = [row(run, sees_payloads=sees_payloads) for run in reversed(found[:size])]
            return Page(rows, rows[0].id, rows[-1].id, is_first=False)
    matching = wanted.runs() if before is None else wanted.runs().filter(id__lt=before)
    found = list(_listed(matching).order_by("-id")[: size + 1])
    rows = [row(run, sees_payloads=sees_payloads) for run in found[:size]]
    older = rows[-1].id if len(found) > size else None
    newer = rows[0].id if rows and before is not None else None
    return Page(rows, newer, older, is_first=before is None)


def count(wanted: Filter) -> int:
    """How many runs match, and CAP + 1 when it is more than CAP. One query."""
    return wanted.runs().order_by()[: CAP + 1].count()


def rows_of(ids: Sequence[UUID], *, sees_payloads: bool) -> list[Row]:
    """These runs, in this order, as they are now. One query."""
    found = {run.id: run for run in _listed(Run.objects.filter(id__in=ids))}
    return [row(found[one], sees_payloads=sees_payloads) for one in ids if one in found]


def revision(ids: Sequence[UUID]) -> int:
    """A number that is another one when any of these runs has changed. One query."""
    return Run.objects.filter(id__in=ids).aggregate(sum=Sum("rev"))["sum"] or 0


def arrivals(wanted: Filter, shown: Sequence[UUID]) -> int:
    """How many runs of the first page are not among those `shown`. One query."""
    first = wanted.runs().order_by("-id").values_list("id", flat=True)[:PAGE]
    return len(set(first) - set(shown))


def is_workflow(name: str) -> bool:
    """Whether there is code of this name here, or a run that is stored. At most one query."""
    return any(one.name == name for one in registry) or Run.objects.filter(workflow=name).exists()


def _listed(runs: QuerySet[Run]) -> QuerySet[Run]:
    return runs.only(*_COLUMNS).annotate(
        error_type=KeyTextTransform("type", "error"),
        error_message=Left(KeyTextTransform("message", "error"), 300),
    )
