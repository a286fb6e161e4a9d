"""Due runs whose code no live worker has: they are set aside, until a worker has it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from django.db import transaction
from django.db.models import Case, F, QuerySet, When

from orchestrator import clock, models
from orchestrator.core.errors import NoCode
from orchestrator.core.signatures import signed
from orchestrator.database import ALIAS, is_postgresql
from orchestrator.models import Status

# Rows in one transaction: so many are locked at once.
BATCH = 500

# Due runs that one look considers.
LOOK = 1_000


def block_unknown(
    known: Collection[tuple[str, str]],
    *,
    grace: timedelta,
    lease: timedelta,
    limit: int,
    is_thorough: bool = True,
) -> int:
    """Block up to `limit` runs that have been due for `grace`, and whose code nobody has.

    `known` are the versions that this worker has; what others have is looked up only when
    there is a run of another. A worker that was heard of within `grace` may be about to
    come back. Looks at the oldest due runs only, unless `is_thorough`. Returns how many
    were blocked.
    """
    late = models.Run.objects.filter(due_at__lte=clock.Now(-grace))
    codes = late.values_list("workflow", "version")
    # What nobody takes becomes the oldest sooner or later, however much else is due.
    seen = codes.distinct() if is_thorough else codes.order_by("due_at")[:LOOK]
    unknown = set(seen) - set(known)
    if not unknown:
        return 0
    blocked = 0
    for workflow, version in sorted(unknown - _codes_heard_of(max(grace, lease))):
        stranded = late.filter(workflow=workflow, version=version)
        while blocked < limit and (found := _block(stranded, workflow, version)):
            blocked += found
    return blocked


def _codes_heard_of(within: timedelta) -> set[tuple[str, str]]:
    heard = models.Worker.objects.filter(seen_at__gt=clock.Now(-within))
    return {
        (name, version)
        for codes in heard.values_list("codes", flat=True)
        for name, version, _ in codes
    }


@transaction.atomic(using=ALIAS)
def _block(stranded: QuerySet[models.Run], workflow: str, version: str) -> int:
    some = stranded.order_by("due_at")
    if is_postgresql():
        some = some.select_for_update(skip_locked=True, no_key=True)
    ids = list(some.values_list("id", flat=True)[:BATCH])
    # Nobody has tried: any worker that has the code may (`records.Block`).
    failure = {"type": NoCode.__name__, "message": str(NoCode(workflow, version))}
    error = signed(failure) | {"tried": []}
    return stranded.filter(id__in=ids).update(
        status=Status.BLOCKED,
        error=error,
        # The worker that held it has died with the code.
        crashes=F("crashes") + Case(When(owned=True, then=1), default=0),
        owned=False,
        due_at=None,
        in_flight=[],
        waiting_on=[],
        waiting_since=None,
        rev=F("rev") + 1,
    )
