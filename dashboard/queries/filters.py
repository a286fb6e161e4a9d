"""What a list of runs is narrowed by, and how each filter is answered by an index."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from orchestrator import clock
from orchestrator.core.ids import least_id
from orchestrator.database import ALIAS
from orchestrator.models import FINAL, Run, Status

ACTIVE = [status for status in Status if status not in FINAL]

# Runs whose first wait is for a person. One that has ended waits for nothing; one that is
# being cancelled has withdrawn its tasks.
NEEDS_PERSON = Q(waiting_kind="human_task", cancel_requested_at=None)


@dataclass(frozen=True)
class Family:
    """Runs that an operator thinks of as one sort."""

    word: str
    condition: Q
    status: str
    wait_kind: str = ""


# In the order in which they want attention.
FAMILIES: Mapping[str, Family] = {
    "human": Family("Needs a person", NEEDS_PERSON, "waiting", "human_task"),
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

# What a run may wait for, with the engine's own words for it.
WAITS: Mapping[str, str] = {
    "human_task": "a person",
    "event": "an event",
    "timer": "the clock",
    "retry": "its next attempt",
    "child": "a child run",
    "step": "a step elsewhere",
    "concurrency": "a free place",
    "ambiguous": "a decision",
}

# An id has the time of the process that made it, `created_at` the database's.
CLOCKS_DIFFER = timedelta(hours=2)

PERIODS: Mapping[str, timedelta] = {
    "1h": timedelta(hours=1),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}

_SHORT_ID = re.compile("[0-9a-f]{8}")

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Branch:
    """Runs that an index hands over in the order of their ids; `by` is the column that it has."""

    runs: QuerySet[Run]
    by: str = "id"


@dataclass(frozen=True)
class Filter:
    """What is asked for. Empty: everything."""

    families: tuple[str, ...] = ()
    workflow: str = ""
    version: str = ""
    # A run's id or the end of one, an idempotency key, or `name:value` of an attribute or a tag.
    text: str = ""
    # How long ago at most, as `PERIODS` has it.
    ended: str = ""
    created: str = ""
    wait: str = ""
    # The signature of an error, or its type.
    error: str = ""
    attributes: Pairs = ()
    tags: Pairs = ()
    started_after: datetime | None = None
    started_before: datetime | None = None
    parent_id: UUID | None = None
    # What the REST API asks for on top.
    statuses: tuple[str, ...] = ()
    key: str = ""

    @property
    def narrows(self) -> bool:
        return self != Filter()

    def runs(self) -> QuerySet[Run]:
        """The matching runs, in no order."""
        found = _with_labels(self)
        if self.text:
            found = found.filter(id__in=_union([one.runs.values("id") for one in self._texts()]))
        return found.filter(*self._conditions(), *self._status())

    def branches(self) -> list[Branch]:
        """The matching runs by the indexes that have them in order; together they are all of them.

        Without this the database would sort, or look through runs that do not match.
        """
        if self.text:
            return [
                Branch(one.runs.filter(*self._conditions(), *self._status()), one.by)
                for one in self._texts()
            ]
        found = _with_labels(self).filter(*self._conditions())
        if self.attributes or self.tags:
            first = "attribute_rows" if self.attributes else "tag_rows"
            return [Branch(found.filter(*self._status()), f"{first}__run_id")]
        if self.wait or self.error or self.version or self.parent_id or self.key or self.ended:
            return [Branch(found.filter(*self._status()))]
        return [Branch(found.filter(one)) for one in self._each_status()]

    def _each_status(self) -> list[Q]:
        if self.families or self.statuses:
            parts = [FAMILIES[name].condition for name in self.families]
            return parts + [Q(status=one) for one in self.statuses]
        # The index of a workflow has its runs by status.
        return [Q(status=one) for one in Status] if self.workflow else [Q()]

    def _status(self) -> Iterator[Q]:
        if self.families:
            yield reduce(or_, (FAMILIES[name].condition for name in self.families))
        if self.statuses:
            yield Q(status__in=self.statuses)

    def _conditions(self) -> Iterator[Q]:
        for name in ("workflow", "version", "parent_id"):
            if value := getattr(self, name):
                yield Q(**{name: value})
        if self.key:
            yield Q(idempotency_key=self.key)
        if self.wait:
            yield Q(waiting_kind=self.wait)
        if self.error:
            is_signature = re.fullmatch("[0-9a-f]{12}", self.error)
            yield Q(**{"error_signature" if is_signature else "error_type": self.error})
        if self.ended:
            yield Q(finished_at__gte=clock.Now(-PERIODS[self.ended]))
        yield from self._times()

    def _times(self) -> Iterator[Q]:
        # Ids are in the order of `created_at`, so they bound what is looked at.
        margin = CLOCKS_DIFFER + abs(clock.skew())
        if self.created:
            period = PERIODS[self.created]
            first = least_id(timezone.now() - period - margin)
            yield Q(created_at__gte=clock.Now(-period), id__gte=first)
        if self.started_after:
            first = least_id(self.started_after - margin)
            yield Q(created_at__gte=self.started_after, id__gte=first)
        if self.started_before:
            last = least_id(self.started_before + margin)
            yield Q(created_at__lt=self.started_before, id__lt=last)

    def _texts(self) -> Iterator[Branch]:
        """All that the text may mean, each found by an index of its own."""
        found, text = _with_labels(self), self.text
        try:
            yield Branch(found.filter(id=UUID(text)))
        except ValueError:
            yield Branch(found.filter(idempotency_key=text))
        if _SHORT_ID.fullmatch(text.lower()):
            yield Branch(found.filter(short_id=text.lower()))
        name, mark, value = text.partition(":")
        if mark and value:
            for rows in ("attribute_rows", "tag_rows"):
                label = {f"{rows}__key": name.strip(), f"{rows}__value": value.strip()}
                yield Branch(found.filter(**label), f"{rows}__run_id")


def _with_labels(wanted: Filter) -> QuerySet[Run]:
    """The runs with these attributes and tags: joins, which begin at the index of the first."""
    found = Run.objects.all()
    for key, value in wanted.attributes:
        found = found.filter(attribute_rows__key=key, attribute_rows__value=value)
    for key, value in wanted.tags:
        found = found.filter(tag_rows__key=key, tag_rows__value=value)
    return found


def _union(parts: Sequence[QuerySet[Any]]) -> QuerySet[Any]:
    return parts[0].union(*parts[1:]) if len(parts) > 1 else parts[0]


def newest(
    wanted: Filter, size: int, *, before: UUID | None = None, after: UUID | None = None
) -> tuple[str, list[Any]]:
    """A statement for the ids of the `size` newest matching runs, with its parameters.

    Of those before `before`; or of those after `after`, the oldest ones.
    """
    order, direction = ("", "ASC") if after is not None else ("-", "DESC")
    parts = []
    for branch in wanted.branches():
        runs = branch.runs
        if before is not None:
            runs = runs.filter(**{f"{branch.by}__lt": before})
        if after is not None:
            runs = runs.filter(**{f"{branch.by}__gt": after})
        parts.append(runs.order_by(f"{order}{branch.by}")[:size])
    together, params = _together(wanted, parts)
    return f"SELECT id FROM ({together}) found ORDER BY id {direction} LIMIT {size}", params


def number(wanted: Filter, most: int) -> tuple[str, list[Any]]:
    """A statement that counts the matching runs, up to `most`, with its parameters."""
    together, params = _together(wanted, [one.runs[:most] for one in wanted.branches()])
    return f"SELECT count(*) FROM (SELECT 1 FROM ({together}) found LIMIT {most}) counted", params


def _together(wanted: Filter, parts: Sequence[QuerySet[Run]]) -> tuple[str, list[Any]]:
    texts: list[str] = []
    params: list[Any] = []
    for part in parts:
        text, values = part.values_list("id").query.get_compiler(ALIAS).as_sql()
        texts.append(f"SELECT id FROM ({text}) part_{len(texts)}")
        params += values
    # What a text means twice is found twice.
    return f" {'UNION' if wanted.text else 'UNION ALL'} ".join(texts), params
