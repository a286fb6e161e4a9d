"""Taking runs through the ORM, for SQLite. Says in plain steps what `postgresql_claims` fuses."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from django.db import transaction
from django.db.models import (
    Case,
    DurationField,
    ExpressionWrapper,
    F,
    IntegerField,
    Q,
    QuerySet,
    Value,
    When,
)
from django.db.models.functions import Cast, Coalesce, Concat

from orchestrator import clock, models
from orchestrator.database import ALIAS
from orchestrator.models import Status
from orchestrator.store.claims import COLUMNS, claim_of
from orchestrator.store.records import Claim, Queues
from orchestrator.store.workers import Code

R = TypeVar("R", models.Run, models.StepTask)


def claim(
    *,
    limit: int,
    lease: timedelta,
    worker: str,
    queues: Queues,
    known: Sequence[tuple[str, str]],
    step: timedelta,
) -> list[Claim]:
    # SQLite multiplies no small integers.
    worth = Cast("priority", IntegerField()) * Value(step)
    rank = F("due_at") - ExpressionWrapper(worth, output_field=DurationField())
    # Nothing due is the common case, and a read takes no lock.
    due = of_codes(_of(queues), known).filter(due_at__lte=clock.Now()).order_by(rank)
    ids = list(due.values_list("id", flat=True)[:limit])
    claims = (_take(run_id, lease, worker, due_at__lte=clock.Now()) for run_id in ids)
    return [claim for claim in claims if claim is not None]


def of_codes(rows: QuerySet[R], known: Sequence[tuple[str, str]]) -> QuerySet[R]:
    """The rows of workflows in versions that are known, by name and version.

    Asked of the database, so that the answer is read to its end: as long as a read is open,
    SQLite refuses to write after another connection has written.
    """
    code = Concat("workflow", Value(" "), "version")
    return rows.annotate(code=code).filter(code__in=[" ".join(one) for one in known])


def claim_blocked(
    *, limit: int, lease: timedelta, worker: str, queues: Queues, codes: Sequence[Code]
) -> list[Claim]:
    mine = {(name, version): fingerprint for name, version, fingerprint in codes}
    claims: list[Claim] = []
    blocked = _of(queues).filter(status=Status.BLOCKED, error__has_key="tried")
    for run in blocked.order_by("id"):
        tried = (run.error or {})["tried"]
        fingerprint = mine.get((run.workflow, run.version))
        if fingerprint is None or fingerprint in tried or len(claims) == limit:
            continue
        guard = {"status": Status.BLOCKED, "epoch": run.epoch}
        if taken := _take(run.id, lease, worker, tried, **guard):
            claims.append(taken)
    return claims


def next_coming(*, queues: Queues, tolerance: timedelta) -> datetime | None:
    coming = _of(queues).filter(due_at__gt=clock.Now(-tolerance)).order_by("due_at")
    return coming.values_list("due_at", flat=True).first()


def _of(queues: Queues) -> QuerySet[models.Run]:
    every = models.Run.objects.all()
    return every if queues is None else every.filter(queue__in=queues)


def _take(
    run_id: UUID, lease: timedelta, worker: str, tried: Sequence[str] = (), **guard: Any
) -> Claim | None:
    # Taken first: whoever counts from it must not run ahead of the clock.
    at = clock.now()
    with transaction.atomic(using=ALIAS):
        run = models.Run.objects.filter(id=run_id)
        taken = run.filter(**guard).update(
            epoch=F("epoch") + 1,
            crashes=F("crashes") + Case(When(owned=True, then=1), default=0),
            owned=True,
            due_at=clock.Now(lease),
            error=Case(When(~Q(status=Status.BLOCKED), then=F("error")), default=None),
            status=Status.RUNNING,
            worker=worker,
            started_at=Coalesce("started_at", clock.Now()),
            rev=F("rev") + 1,
        )
        return claim_of(run.values(*COLUMNS).get(), at, tried) if taken else None
