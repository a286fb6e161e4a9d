"""Steps that were handed out: who takes them, and what comes of them.

Everybody locks a run before its step tasks. A claim locks step tasks alone, and waits for
none.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from types import ModuleType
from uuid import UUID

from django.db import transaction
from django.db.models import Min, QuerySet

from orchestrator import clock, models
from orchestrator.database import ALIAS, is_postgresql
from orchestrator.models import REPORT
from orchestrator.store import portable_steps, postgresql_steps
from orchestrator.store.handed import WITHDRAWN, Heard, Reported, Task
from orchestrator.store.records import Queues


def _dialect() -> ModuleType:
    return postgresql_steps if is_postgresql() else portable_steps


def claim(
    *,
    limit: int,
    lease: timedelta,
    worker: str,
    queues: Queues,
    known: Sequence[tuple[str, str]],
) -> list[Task]:
    """Take up to `limit` steps of these queues, of workflows that this worker has.

    One statement. Those of a worker whose lease has run out are taken over: `crashes` says
    how many workers in a row have died with it.
    """
    tasks: list[Task] = _dialect().claim(
        limit=limit, lease=lease, worker=worker, queues=queues, known=known
    )
    return tasks


def beat(held: Sequence[tuple[int, int, str | None]], *, lease: timedelta) -> set[int]:
    """Extend the leases of `(task, epoch, details as JSON or None)`; those still ours."""
    ours: set[int] = _dialect().beat(held, lease=lease) if held else set()
    return ours


def report(run_id: UUID, reported: Sequence[Reported], *, worker: str) -> list[Heard]:
    """Tell a run what came of its steps, and wake it, in one transaction.

    Joins the caller's, if any. One run at a time: a driver locks several in an order of its
    own. A task that is missing in the answer is another worker's now, or was given up:
    nothing was written for it.
    """
    heard: list[Heard] = _dialect().report(run_id, worker, reported)
    return heard


def give_back(tasks: Collection[Task], *, after: timedelta = clock.ZERO) -> None:
    """Let others have these steps: this worker is going away, or cannot execute them."""
    for task in tasks:
        _give_back(task, clock.Now(after), crashes=0)


def give_back_if_paused(task: Task) -> bool:
    """Let go of a step whose worker has died, if its run is paused: it is not begun again."""
    if not models.Run.objects.filter(id=task.run_id, pause_requested=True).exists():
        return False
    _give_back(task, clock.Now(), crashes=task.crashes)
    return True


@transaction.atomic(using=ALIAS)
def _give_back(task: Task, due_at: clock.Now, *, crashes: int) -> None:
    # Whoever pauses the run meanwhile waits for us, or we for them.
    run = _locked_run(models.Run.objects.filter(id=task.run_id))
    is_paused = run.values_list("pause_requested", flat=True).first()
    mine = models.StepTask.objects.filter(id=task.id, epoch=task.epoch, owned=True)
    mine.update(owned=False, crashes=crashes, due_at=None if is_paused else due_at)


def withdraw(run_id: UUID, keys: Collection[str] | None = None) -> bool:
    """Take back steps of a run that nobody executes yet: these, or all of them.

    Those that somebody executes may end; should that worker die, nobody begins them again.

    Joins the caller's transaction, which has locked the run. If there were any to take back,
    the run is told, in its mailbox, and is due unless somebody holds it.
    """
    ours = models.StepTask.objects.filter(run_id=run_id)
    if keys is not None:
        ours = ours.filter(key__in=list(keys))
    found = list(_locked(ours).values_list("id", "key", "number", "owned"))
    taken = [number for number, _, _, owned in found if owned]
    if taken:
        models.StepTask.objects.filter(id__in=taken).update(is_withdrawn=True)
    free = [one for one in found if not one[-1]]
    if not free:
        return False
    models.StepTask.objects.filter(id__in=[one[0] for one in free]).delete()
    models.Event.objects.bulk_create(
        models.Event(
            run_id=run_id,
            name=f"{REPORT}{key}",
            payload=json.dumps({"number": number, "how": WITHDRAWN}),
            created_at=clock.now(),
        )
        for _, key, number, _ in free
    )
    portable_steps.wake(run_id, len(free), clock.ZERO)
    return True


def give_up(run_id: UUID) -> None:
    """Forget the steps of a run that ends: who still executes one reports to nobody."""
    all_of_it = models.StepTask.objects.filter(run_id=run_id)
    list(_locked(all_of_it).values_list("id"))
    all_of_it.delete()


def _locked(tasks: QuerySet[models.StepTask]) -> QuerySet[models.StepTask]:
    """In the order of their ids: everybody locks several tasks in that order."""
    ordered = tasks.order_by("id")
    return ordered.select_for_update() if is_postgresql() else ordered


def _locked_run(runs: QuerySet[models.Run]) -> QuerySet[models.Run]:
    return runs.select_for_update(no_key=True) if is_postgresql() else runs


def hold(run_id: UUID) -> None:
    """Let nobody take the steps of a run that is paused."""
    models.StepTask.objects.filter(run_id=run_id, owned=False).update(due_at=None)


def let_go(run_id: UUID) -> None:
    """Let workers take the steps of a run that is resumed."""
    models.StepTask.objects.filter(run_id=run_id, due_at=None).update(due_at=clock.Now())


def waiting() -> dict[str, UUID]:
    """The queues in which steps wait for a worker now, each with a run of theirs. One query."""
    due = models.StepTask.objects.filter(due_at__lte=clock.Now())
    first = due.order_by().values("queue").annotate(first=Min("id")).values("first")
    return dict(models.StepTask.objects.filter(id__in=first).values_list("queue", "run_id"))


def next_due() -> datetime | None:
    """When the next step that was handed out falls due; None when none will."""
    due = models.StepTask.objects.filter(due_at__isnull=False).order_by("due_at")
    return due.values_list("due_at", flat=True).first()


def expire_leases() -> int:
    """End every lease now, as time would."""
    return models.StepTask.objects.filter(owned=True).update(due_at=clock.Now())
