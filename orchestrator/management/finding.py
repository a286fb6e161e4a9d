"""Which runs a command is about: the filters of `manage.py runs list`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.core.management.base import CommandError
from django.db.models import QuerySet
from django.utils.dateparse import parse_datetime

from orchestrator import clock, models
from orchestrator.core.definition import registry
from orchestrator.core.durations import parse_duration
from orchestrator.models import Run, Status

# Ids begin with the time of a process, `created_at` is the database's.
_CLOCKS_DIFFER = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What to look for, as it was typed. Empty: everything."""

    workflow: str = ""
    statuses: Sequence[str] = ()
    attributes: Sequence[str] = ()
    since: str = ""

    def runs(self) -> QuerySet[Run]:
        """The matching runs, newest first. Raises CommandError for what there is not."""
        found = Run.objects.order_by("-id")
        if self.workflow:
            found = found.filter(workflow=known_workflow(self.workflow))
        if self.statuses:
            found = found.filter(status__in=[_known_status(one) for one in self.statuses])
        for text in self.attributes:
            key, value = _pair(text)
            with_it = models.RunAttribute.objects.filter(key=key, value=value)
            found = found.filter(id__in=with_it.values("run_id"))
        if self.since:
            at = _instant(self.since)
            found = found.filter(id__gte=_first_id(at), created_at__gte=at)
        return found


def known_workflow(name: str) -> str:
    """`name`, if there is code for it here or a run of it. Raises CommandError."""
    names = {one.name for one in registry}
    if name not in names and not Run.objects.filter(workflow=name).exists():
        raise CommandError(f"no workflow is called {name!r}. Known: {', '.join(sorted(names))}")
    return name


def the_run(run_id: UUID) -> Run:
    """The run with this id. Raises CommandError."""
    found = Run.objects.filter(id=run_id).first()
    if found is None:
        raise CommandError(f"no run has the id {run_id}")
    return found


def _known_status(name: str) -> str:
    if name not in Status.values:
        raise CommandError(f"no status is called {name!r}. Known: {', '.join(Status.values)}")
    return name


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise CommandError(f"an attribute is written key=value, not {text!r}")
    return key, value


def _instant(text: str) -> datetime:
    """`2h` ago, or the time that is written. Raises CommandError."""
    try:
        return clock.now() - parse_duration(text)
    except (ValueError, OverflowError):
        at = _written(text)
    if at is None or at.tzinfo is None:
        raise CommandError(
            f"--since takes a duration such as 2h, or a time such as 2026-01-05T09:00Z: {text!r}"
        )
    return at


def _written(text: str) -> datetime | None:
    try:
        return parse_datetime(text)
    except ValueError:  # It looks like a time, and there is none such.
        return None


def _first_id(at: datetime) -> UUID:
    """An id before those of all runs that were made at `at` or later. Ids sort by time."""
    milliseconds = max(int((at - _CLOCKS_DIFFER).timestamp() * 1000), 0)
    return UUID(int=milliseconds << 80)
