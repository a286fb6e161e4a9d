"""One verb for many runs: written down when it is confirmed, carried out by workers.

Which runs it is for is frozen with the operation. Each of them is done, or refused with the
engine's reason, in one transaction with the record of it and with the audit, so that a worker
that dies in between has done whole runs; another one goes on when its lease is over.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connections, transaction
from django.db.models import QuerySet
from django.db.utils import InterfaceError, OperationalError

from dashboard import verbs
from dashboard.audit import Actor
from dashboard.models import BulkItem, BulkOperation
from dashboard.verbs import Verb
from orchestrator import clock, operating
from orchestrator.core.errors import UnknownRun
from orchestrator.database import ALIAS
from orchestrator.models import Run
from orchestrator.operating import Deed, Operator

logger = logging.getLogger("orchestrator")

Act = Callable[..., Deed]
State = BulkOperation.State

# What can be done to many runs at once.
ACTS: Mapping[str, tuple[Verb, Act]] = {
    verb.name: (verb, act)
    for verb, act in (
        (verbs.CANCEL, operating.cancel),
        (verbs.RETRY, operating.retry),
        (verbs.RETRY_NOW, operating.retry_now),
        (verbs.PAUSE, operating.pause),
        (verbs.RESUME, operating.resume),
    )
}

# More runs than this are several operations.
MOST = 100_000

# A worker that works on an operation is thought dead after this; so long it works on one at a
# time, and looks whether somebody has paused it.
LEASE = timedelta(seconds=30)
TURN_SECONDS = 1.0
CHUNK = 20


@dataclass(frozen=True, kw_only=True)
class Order:
    """What somebody wants done. `token` names the form; `query` is the list, "" for none."""

    verb: str
    reason: str
    actor: Actor
    token: UUID
    query: str = ""


def begin(runs: QuerySet[Run], order: Order) -> BulkOperation:
    """Write down what is to be done to these runs, at most `MOST`, in one transaction.

    The operation that the same form has made before, if it was sent twice.
    """
    known = BulkOperation.objects.filter(token=order.token)
    try:
        return known.first() or _begin(runs, order)
    except IntegrityError:
        # The other one was faster, at the same time.
        return known.get()


@transaction.atomic(using=ALIAS)
def _begin(runs: QuerySet[Run], order: Order) -> BulkOperation:
    now, by = clock.now(), order.actor
    operation = BulkOperation.objects.create(
        verb=order.verb,
        query=order.query,
        reason=order.reason,
        total=0,
        due_at=now,
        actor=by.user,
        actor_label=by.label,
        ip=by.ip,
        token=order.token,
        created_at=now,
    )
    operation.total = _write_down(operation, runs)
    BulkOperation.objects.filter(id=operation.id).update(total=operation.total)
    detail = f"Operation {operation.id}, {operation.total:,} runs: {order.query or 'chosen'}"
    verb = f"bulk {order.verb.replace('_', ' ')}"
    operating.tell(Deed(operator=by, verb=verb, reason=order.reason, detail=detail))
    return operation


def _write_down(operation: BulkOperation, runs: QuerySet[Run]) -> int:
    """The runs as they are now, in one statement. How many they are."""
    chosen, params = runs.order_by().values("id")[:MOST].query.get_compiler(ALIAS).as_sql()
    with connections[ALIAS].cursor() as cursor:
        cursor.execute(
            "INSERT INTO dashboard_bulkitem (operation_id, run_id, state, detail) "
            f"SELECT DISTINCT {int(operation.pk)}, id, 'pending', '' FROM ({chosen}) chosen",
            params,
        )
        return int(cursor.rowcount)


def set_state(operation_id: int, state: str, by: Actor) -> bool:
    """Pause, continue or stop an operation. False, and nothing changes, if that is of no use."""
    before = {
        State.PAUSED: [State.RUNNING],
        State.RUNNING: [State.PAUSED],
        State.STOPPED: [State.RUNNING, State.PAUSED],
    }[State(state)]
    now = clock.now()
    with transaction.atomic(using=ALIAS):
        changed = BulkOperation.objects.filter(id=operation_id, state__in=before).update(
            state=state,
            due_at=now if state == State.RUNNING else None,
            finished_at=now if state == State.STOPPED else None,
        )
        if changed:
            what = {"running": "continue", "paused": "pause", "stopped": "stop"}[state]
            detail = f"Operation {operation_id}"
            operating.tell(Deed(operator=by, verb=f"{what} bulk", detail=detail))
    return bool(changed)


# ---- by workers ------------------------------------------------------------------------


def work() -> bool:
    """Carry out a part of an operation that nobody works on. Whether there may be more."""
    operation = _take()
    if operation is None:
        return False
    until = time.monotonic() + TURN_SECONDS
    while time.monotonic() < until:
        if not _chunk(operation):
            _finish(operation)
            return True
        if not _is_ours(operation):
            return True
    BulkOperation.objects.filter(id=operation.id, due_at=operation.due_at).update(
        due_at=clock.now()
    )
    return True


def _take() -> BulkOperation | None:
    """The oldest operation that is due, held until the lease is over."""
    for operation in BulkOperation.objects.filter(due_at__lte=clock.now()).order_by("due_at")[:5]:
        until = clock.now() + LEASE
        mine = BulkOperation.objects.filter(id=operation.id, due_at=operation.due_at)
        if mine.update(due_at=until):
            operation.due_at = until
            return operation
    return None


def _is_ours(operation: BulkOperation) -> bool:
    """Whether it goes on here: not if somebody has paused it, or has taken it over."""
    return BulkOperation.objects.filter(id=operation.id, due_at=operation.due_at).exists()


def _finish(operation: BulkOperation) -> None:
    BulkOperation.objects.filter(id=operation.id, due_at=operation.due_at).update(
        state=State.DONE, due_at=None, finished_at=clock.now()
    )


def _chunk(operation: BulkOperation) -> Sequence[BulkItem]:
    """Do the next runs. Which they were."""
    pending = operation.items.filter(state=BulkItem.State.PENDING).order_by("id")[:CHUNK]
    items = list(pending)
    by = Operator(
        label=operation.actor_label,
        user=operation.actor,
        ip=operation.ip,
        via=f"bulk operation {operation.id}",
    )
    for item in items:
        _do(item, ACTS[operation.verb][1], by, operation.reason)
    return items


def _do(item: BulkItem, act: Act, by: Operator, reason: str) -> None:
    try:
        with transaction.atomic(using=ALIAS):
            # Whoever gets the row first does it; the other one finds it done.
            if not _mark(item, BulkItem.State.DONE):
                return
            deed = act(item.run_id, by, reason=reason)
            if deed.is_refused:
                refused: dict[str, Any] = {"state": BulkItem.State.REFUSED, "detail": deed.detail}
                BulkItem.objects.filter(id=item.id).update(**refused)
    except UnknownRun:
        _mark(item, BulkItem.State.REFUSED, "The run is gone: retention has removed it")
    except (OperationalError, InterfaceError):
        # The database is away, which is no fault of the run.
        raise
    except Exception as error:
        logger.exception("bulk operation %s: the run %s", item.operation_id, item.run_id)
        _mark(item, BulkItem.State.REFUSED, f"{type(error).__name__}: {error}"[:500])


def _mark(item: BulkItem, state: str, detail: str = "") -> bool:
    pending = BulkItem.objects.filter(id=item.id, state=BulkItem.State.PENDING)
    return bool(pending.update(state=state, detail=detail))
