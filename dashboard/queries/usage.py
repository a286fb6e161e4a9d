"""What AI steps have used of models: of the steps of a page, and of a whole run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.db.models import F

from dashboard.models_used import ModelUse, total
from orchestrator.ai.accounts import DETAILS
from orchestrator.core.journal import COMPLETED, STEP
from orchestrator.models import Attempt, Entry

Told = Mapping[str, list[Any]]


def told(entries: Iterable[Entry], attempts: Iterable[Attempt]) -> Told:
    """What the attempts of each step have told, by its key."""
    found = defaultdict(list)
    for attempt in attempts:
        found[attempt.key].append(attempt.details)
    for entry in entries:
        # Of an attempt that failed, the attempt itself says it.
        if entry.kind == STEP and entry.status == COMPLETED and entry.detail:
            found[entry.key].append(entry.detail.get("details"))
    return found


def told_in(run_id: UUID, entries: Iterable[Entry]) -> Told:
    """The same, for entries of one run: one query if any of their attempts has failed."""
    entries = list(entries)
    failed = [one.key for one in entries if one.kind == STEP and (one.attempt > 1 or one.error)]
    attempts = Attempt.objects.filter(run_id=run_id, key__in=failed, details__isnull=False)
    return told(entries, attempts.defer("error") if failed else ())


def of_run(run_id: UUID) -> ModelUse | None:
    """The sum over all steps of a run, attempts that failed with them. Two queries."""
    mine = {"run_id": run_id, f"details__{DETAILS}__isnull": False}
    entries = Entry.objects.filter(run_id=run_id, kind=STEP, status=COMPLETED)
    answered = entries.filter(**{f"detail__details__{DETAILS}__isnull": False})
    return total(
        [
            *answered.values_list(F("detail__details"), flat=True),
            *Attempt.objects.filter(**mine).values_list("details", flat=True),
        ]
    )
