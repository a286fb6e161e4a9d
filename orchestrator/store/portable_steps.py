"""Steps that were handed out, through the ORM, for SQLite. Says what `postgresql_steps` fuses."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Coalesce, Least

from orchestrator import clock, models
from orchestrator.database import ALIAS
from orchestrator.models import FINAL, REPORT, Status
from orchestrator.store.handed import COLUMNS, GATHER, Heard, Reported, Task
from orchestrator.store.portable import stored_line
from orchestrator.store.portable_claims import of_codes
from orchestrator.store.records import Queues

_NOT_WOKEN = Q(owned=True) | Q(status__in=[Status.SCHEDULED, Status.PAUSED, Status.BLOCKED])


def claim(
    *,
    limit: int,
    lease: timedelta,
    worker: str,
    queues: Queues,
    known: Sequence[tuple[str, str]],
) -> list[Task]:
    due = of_codes(models.StepTask.objects.filter(due_at__lte=clock.Now()), known)
    if queues is not None:
        due = due.filter(queue__in=queues)
    ids = list(due.order_by("rank_at").values_list("id", flat=True)[:limit])
    tasks = (_take(task_id, lease, worker) for task_id in ids)
    return [task for task in tasks if task is not None]


def _take(task_id: int, lease: timedelta, worker: str) -> Task | None:
    at = clock.now()
    with transaction.atomic(using=ALIAS):
        task = models.StepTask.objects.filter(id=task_id)
        taken = task.filter(due_at__lte=clock.Now()).update(
            epoch=F("epoch") + 1,
            crashes=F("crashes") + Case(When(owned=True, then=1), default=0),
            owned=True,
            due_at=clock.Now(lease),
            worker=worker,
            started_at=clock.Now(),
        )
        return Task(at=at, **task.values(*COLUMNS).get()) if taken else None


def beat(held: Sequence[tuple[int, int, str | None]], *, lease: timedelta) -> set[int]:
    ours = set()
    for task_id, epoch, details in sorted(held):
        mine = models.StepTask.objects.filter(id=task_id, epoch=epoch, owned=True)
        told = {} if details is None else {"details": json.loads(details)}
        if mine.update(due_at=clock.Now(lease), **told):
            ours.add(task_id)
    return ours


def report(run_id: UUID, worker: str, reported: Sequence[Reported]) -> list[Heard]:
    heard = []
    with transaction.atomic(using=ALIAS):
        for one in sorted(reported, key=lambda one: one.task.id):
            if found := _report(run_id, worker, one):
                heard.append(found)
    return heard


def _report(run_id: UUID, worker: str, one: Reported) -> Heard | None:
    task = one.task
    mine = models.StepTask.objects.filter(id=task.id, epoch=task.epoch, owned=True)
    if not mine.delete()[0]:
        return None
    before = models.Run.objects.get(id=run_id)
    others = models.StepTask.objects.filter(run_id=run_id).exists()
    if not wake(run_id, 1, GATHER if others else clock.ZERO):
        return None
    name, at = f"{REPORT}{task.key}", clock.now()
    models.Event.objects.create(
        run_id=run_id, name=name, payload=one.report, sent_by=worker, created_at=at
    )
    models.LogLine.objects.bulk_create(stored_line(run_id, line) for line in one.lines)
    due_at = models.Run.objects.values_list("due_at", flat=True).get(id=run_id)
    is_sooner = due_at is not None and (before.due_at is None or due_at < before.due_at)
    return Heard(task.id, before.queue, not before.owned and is_sooner)


def wake(run_id: UUID, reasons: int, after: timedelta) -> bool:
    """Give a run reasons to be looked at, `after` a while. False if it has ended."""
    soon = clock.now() + after
    open_run = models.Run.objects.filter(id=run_id).exclude(status__in=FINAL)
    due_at = Least(Coalesce("due_at", Value(soon)), Value(soon))
    return bool(
        open_run.update(
            wake_seq=F("wake_seq") + reasons,
            rev=F("rev") + 1,
            due_at=Case(When(_NOT_WOKEN, then=F("due_at")), default=due_at),
        )
    )
