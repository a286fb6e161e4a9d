"""The runs list: keyset pages, and what has changed since a page was made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import IntegerField, QuerySet, Sum
from django.db.models.expressions import RawSQL
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Left

from dashboard.queries import filters
from dashboard.queries.filters import Filter
from dashboard.rows import Row, row
from orchestrator.core.definition import registry
from orchestrator.models import Run

PAGE = 50
# Counts stop here: what is more is "10,000+".
CAP = 10_000

# All that a row shows. Payloads and tracebacks stay in the database.
_COLUMNS = (
    *("id", "rev", "workflow", "version", "status", "owned", "idempotency_key", "initiator"),
    *("created_at", "started_at", "finished_at", "due_at", "waiting_on", "in_flight"),
    *("parent_id", "attributes", "tags", "attempt", "error_type", "error_signature"),
)


@dataclass(frozen=True)
class Page:
    """One page of the list. `newer` and `older` are the ids to go on from, if there is more."""

    rows: Sequence[Row]
    newer: UUID | None
    older: UUID | None
    is_first: bool
    # How many runs match, and CAP + 1 when it is more than CAP; None if it was not asked.
    total: int | None = None


def page(
    wanted: Filter,
    *,
    sees_payloads: bool,
    before: UUID | None = None,
    after: UUID | None = None,
    size: int = PAGE,
    counts: bool = False,
) -> Page:
    """A page of runs, newest first, and with `counts` how many match. One query.

    A second if there is no page of newer ones.
    """
    if after is not None:
        found = _found(wanted, size, counts, after=after)
        if len(found) > size:
            # The one that is too much is the newest.
            rows = [row(run, sees_payloads=sees_payloads) for run in found[1:]]
            return Page(rows, rows[0].id, rows[-1].id, is_first=False, total=_total(found))
    found = _found(wanted, size, counts, before=before)
    rows = [row(run, sees_payloads=sees_payloads) for run in found[:size]]
    older = rows[-1].id if len(found) > size else None
    newer = rows[0].id if rows and before is not None else None
    return Page(rows, newer, older, is_first=before is None, total=_total(found))


def _found(wanted: Filter, size: int, counts: bool, **cursor: UUID | None) -> list[Run]:
    """One more than a page of runs, newest first."""
    ids = RawSQL(*filters.newest(wanted, size + 1, **cursor))
    runs = _listed(Run.objects.filter(id__in=ids))
    if counts:
        number, params = filters.number(wanted, CAP + 1)
        runs = runs.annotate(total=RawSQL(number, params, IntegerField()))
    return sorted(runs, key=lambda run: run.id, reverse=True)


def _total(found: Sequence[Run]) -> int | None:
    return getattr(found[0], "total", None) if found else 0


def rows_of(ids: Sequence[UUID], *, sees_payloads: bool) -> list[Row]:
    """These runs, in this order, as they are now. One query."""
    found = {run.id: run for run in _listed(Run.objects.filter(id__in=ids))}
    return [row(found[one], sees_payloads=sees_payloads) for one in ids if one in found]


def revision(ids: Sequence[UUID]) -> int:
    """A number that is another one when any of these runs has changed. One query."""
    return Run.objects.filter(id__in=ids).aggregate(sum=Sum("rev"))["sum"] or 0


def arrivals(wanted: Filter, shown: Sequence[UUID]) -> int:
    """How many runs of the first page are not among those `shown`. One query."""
    ids = RawSQL(*filters.newest(wanted, PAGE))
    first = Run.objects.filter(id__in=ids).values_list("id", flat=True)
    return len(set(first) - set(shown))


def is_workflow(name: str) -> bool:
    """Whether there is code of this name here, or a run that is stored. At most one query."""
    return any(one.name == name for one in registry) or Run.objects.filter(workflow=name).exists()


def _listed(runs: QuerySet[Run]) -> QuerySet[Run]:
    return runs.only(*_COLUMNS).annotate(
        error_message=Left(KeyTextTransform("message", "error"), 300),
    )
