"""Removing what is old: each function one batch, in one short transaction.

A batch takes what nobody else holds, so any number of workers may prune side by side, and
one that is stopped goes on where it was: what is gone is not found again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from django.db import models as fields
from django.db import transaction
from django.db.models import Case, Exists, OuterRef, ProtectedError, QuerySet, RestrictedError, When
from django.db.models.fields.json import KeyTransform
from django.db.models.functions import JSONObject

from orchestrator import clock
from orchestrator.core.journal import TRANSITION
from orchestrator.database import ALIAS, is_postgresql
from orchestrator.models import (
    FINAL,
    UNFINISHED,
    Attempt,
    Entry,
    Event,
    LogLine,
    Run,
    Schedule,
    StepKey,
    Tombstone,
)
from orchestrator.store import broadcasts, tombstones

# Outcomes of the runs of one batch: those of long runs take time to remove.
MAX_OUTCOMES = 20_000

M = TypeVar("M", bound=fields.Model)


@dataclass(frozen=True, slots=True)
class Batch:
    """How many were removed; and the runs that another app's rows did not let go."""

    done: int
    kept: frozenset[UUID] = frozenset()


# ---- runs --------------------------------------------------------------------------------


def old_runs(workflow: str, before: datetime) -> QuerySet[Run]:
    """The runs that may be removed: they ended before, and no relative of theirs goes on."""
    unfinished = Run.objects.filter(status__in=UNFINISHED)
    return Run.objects.filter(
        ~Exists(unfinished.filter(id=OuterRef("parent_id"))),
        ~Exists(unfinished.filter(parent_id=OuterRef("id"))),
        ~Exists(unfinished.filter(forked_from_id=OuterRef("id"))),
        workflow=workflow,
        status__in=FINAL,
        finished_at__lt=before,
    )


def full_runs(workflow: str, before: datetime) -> QuerySet[Run]:
    """The runs that ended before and have their payloads yet."""
    return Run.objects.filter(
        workflow=workflow, status__in=FINAL, finished_at__lt=before, is_purged=False
    )


@transaction.atomic(using=ALIAS)
def remove_runs(workflow: str, before: datetime, limit: int, passed: frozenset[UUID]) -> Batch:
    """Remove old runs with all that is theirs, and keep what their keys stand for.

    Not those in `passed`. What another app keeps of a run is treated as its foreign key
    says; a run that such a row protects stays.
    """
    found = old_runs(workflow, before).exclude(id__in=passed)
    # One after the other: the index has the two apart.
    ids = _held(found.filter(is_purged=False), limit) or _held(found.filter(is_purged=True), limit)
    if _are_removed(ids):
        return Batch(len(ids))
    kept = frozenset(one for one in ids if not _are_removed([one]))
    return Batch(len(ids) - len(kept), kept)


@transaction.atomic(using=ALIAS)
def purge_runs(workflow: str, before: datetime, limit: int) -> Batch:
    """Remove inputs, results, messages and events of ended runs. Their course stays."""
    ids = _held(full_runs(workflow, before), limit)
    tombstones.keep(ids, clock.now())
    entries = Entry.objects.filter(run_id__in=ids)
    entries.exclude(kind=TRANSITION).update(value=None, detail=None, error=_type_of_error())
    entries.filter(kind=TRANSITION).update(detail=_course_of_machine())
    Attempt.objects.filter(run_id__in=ids).update(error=_type_of_error(), details=None)
    Event.objects.filter(run_id__in=ids).update(payload="null")
    LogLine.objects.filter(run_id__in=ids)._raw_delete(ALIAS)
    Run.objects.filter(id__in=ids).update(
        input="null",
        output=None,
        checkpoint=None,
        error=_kind_of_error(),
        progress_text="",
        is_purged=True,
    )
    return Batch(len(ids))


def _held(found: QuerySet[Run], limit: int) -> list[UUID]:
    """The oldest, locked: what somebody else holds, to retry it or to prune it, is passed over."""
    rows = found.order_by("finished_at")
    if is_postgresql():
        rows = rows.select_for_update(skip_locked=True, of=("self",))
    ids: list[UUID] = []
    outcomes = 0
    for run_id, seq in rows.values_list("id", "seq")[:limit]:
        outcomes += seq
        if ids and outcomes > MAX_OUTCOMES:
            break
        ids.append(run_id)
    return ids


def _are_removed(ids: Sequence[UUID]) -> bool:
    """Remove these runs. False, and nothing is changed, if another app protects one."""
    try:
        with transaction.atomic(using=ALIAS):
            tombstones.keep(ids, clock.now())
            Run.objects.filter(id__in=ids).only("id").delete()
    except (ProtectedError, RestrictedError):
        return False
    return True


def _course_of_machine() -> JSONObject:
    """A transition without what its guards have said: that may quote the event."""
    kept = ("event", "trigger", "id", "from", "to", "taken")
    return JSONObject(**{name: KeyTransform(name, "detail") for name in kept})


def _type_of_error() -> Case:
    """A stored error without its message: that may quote the input."""
    only = JSONObject(type=KeyTransform("type", "error"))
    return Case(When(error__isnull=False, then=only), default=None)


def _kind_of_error() -> Case:
    """The same of a run, which stays among those that failed of the same cause."""
    names = ("type", "signature")
    both = JSONObject(**{name: KeyTransform(name, "error") for name in names})
    return Case(When(error_signature__isnull=False, then=both), default=_type_of_error())


# ---- the rest ----------------------------------------------------------------------------


def remove_step_keys(before: datetime, limit: int) -> Batch:
    """Forget results under steps' own keys: a step with such a key is executed again."""
    return Batch(_remove_oldest(StepKey.objects.all(), "created_at", before, limit))


def remove_tombstones(before: datetime, limit: int) -> Batch:
    """Forget what keys of removed runs stand for: a start with such a key makes a new run."""
    return Batch(_remove_oldest(Tombstone.objects.all(), "removed_at", before, limit))


@transaction.atomic(using=ALIAS)
def remove_log_lines(before: datetime, limit: int) -> Batch:
    """Remove log lines, the first that were written first."""
    first = LogLine.objects.order_by("id").values_list("id", "at")[:limit]
    # Their numbers grow with their times, but for moments.
    old = [number for number, at in first if at < before]
    LogLine.objects.filter(id__in=old)._raw_delete(ALIAS)
    return Batch(len(old))


def remove_broadcasts() -> Batch:
    """Forget events to no run in particular whose time is over."""
    return Batch(broadcasts.prune())


def remove_schedules(before: datetime) -> Batch:
    """Remove schedules that have ended and have no runs left."""
    runs = Run.objects.filter(schedule=OuterRef("pk"))
    gone = Schedule.objects.filter(~Exists(runs), ended_at__lt=before)
    return Batch(gone.delete()[0])


@transaction.atomic(using=ALIAS)
def _remove_oldest(rows: QuerySet[M], by: str, before: datetime, limit: int) -> int:
    """Remove about `limit` of the rows: all that are as old as the last of so many."""
    old: QuerySet[Any] = rows.filter(**{f"{by}__lt": before})
    last = old.order_by(by).values_list(by, flat=True)[limit - 1 : limit].first()
    if last is not None:
        old = old.filter(**{f"{by}__lte": last})
    done: int = old._raw_delete(ALIAS)
    return done
