"""What operators do to a run that has not ended: cancel, pause, resume."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.db.models import Case, F, Value, When

from orchestrator import clock, kinds, models
from orchestrator.core.errors import ActionRefused, UnknownRun
from orchestrator.core.journal import CHILD, OPEN
from orchestrator.database import ALIAS
from orchestrator.models import FINAL, Status
from orchestrator.store import steps


@transaction.atomic(using=ALIAS)
def cancel(run_id: UUID, *, reason: str, note: str, by: str = "") -> bool:
    """Ask a run to stop. What apps have opened for it is withdrawn in the same transaction.

    A run that never started is cancelled at once. False if it had ended or was asked
    before; nothing is changed then. Raises UnknownRun.
    """
    open_runs = models.Run.objects.filter(id=run_id, cancel_requested_at=None).exclude(
        status__in=FINAL
    )
    asked = {
        "cancel_requested_at": clock.Now(),
        "cancel_reason": reason,
        "pause_requested": False,
        "rev": F("rev") + 1,
    }
    ended = {"status": Status.CANCELLED, "due_at": None, "finished_at": clock.Now()}
    if open_runs.filter(epoch=0).update(epoch=1, **asked, **ended):
        return True
    at_rest = {Status.PAUSED, Status.BLOCKED}
    woken = open_runs.update(
        wake_seq=F("wake_seq") + 1,
        status=Case(When(status__in=at_rest, then=Value(Status.PENDING)), default=F("status")),
        due_at=Case(When(owned=True, then=F("due_at")), default=clock.Now()),
        **asked,
    )
    if not woken:
        return _refuse_unknown(run_id)
    _withdraw_waits(run_id, note, by)
    steps.withdraw(run_id)
    return True


def _withdraw_waits(run_id: UUID, note: str, by: str) -> None:
    # Children that nobody waits for answer no wait: they have no key.
    opened: dict[str, list[str]] = {CHILD: [""]}
    entries = models.Entry.objects.filter(run_id=run_id, status=OPEN)
    for name, key in entries.values_list("kind", "key"):
        opened.setdefault(name, []).append(key)
    for name, keys in opened.items():
        if kind := kinds.get(name):
            kind.closed(kinds.Closing(run_id, keys, "cancelled", note, by))


def _refuse_unknown(run_id: UUID) -> bool:
    if not models.Run.objects.filter(id=run_id).exists():
        raise UnknownRun(f"no run has the id {run_id}")
    return False


@transaction.atomic(using=ALIAS)
def pause(run_id: UUID) -> None:
    """Let no further step start; what executes is recorded. Timers and events wait meanwhile.

    Raises UnknownRun, and ActionRefused when the run has ended, stops or is paused.
    """
    runs = models.Run.objects.filter(id=run_id, pause_requested=False, cancel_requested_at=None)
    resting = Case(When(owned=True, then=F("status")), default=Value(Status.PAUSED))
    paused = runs.exclude(status__in=[*FINAL, Status.BLOCKED]).update(
        pause_requested=True,
        status=resting,
        due_at=Case(When(owned=True, then=F("due_at")), default=None),
        rev=F("rev") + 1,
    )
    if not paused:
        _refuse(run_id, "paused")
    steps.hold(run_id)


@transaction.atomic(using=ALIAS)
def resume(run_id: UUID) -> None:
    """Let a paused or a blocked run go on.

    Raises UnknownRun, and ActionRefused when it is neither.
    """
    rests = Case(When(owned=True, then=F("status")), default=Value(Status.PENDING))
    due_at = Case(When(owned=True, then=F("due_at")), default=clock.Now())
    resumed = (
        models.Run.objects.filter(id=run_id)
        .filter(models.is_paused_or_blocked())
        .update(
            pause_requested=False,
            status=rests,
            due_at=due_at,
            crashes=0,
            error=Case(When(status=Status.BLOCKED, then=None), default=F("error")),
            wake_seq=F("wake_seq") + 1,
            rev=F("rev") + 1,
        )
    )
    if not resumed:
        _refuse(run_id, "resumed")
    steps.let_go(run_id)


def _refuse(run_id: UUID, what: str) -> None:
    run = models.Run.objects.filter(id=run_id).first()
    if run is None:
        raise UnknownRun(f"no run has the id {run_id}")
    state = "being cancelled" if run.cancel_requested_at and not run.is_final else run.status
    raise ActionRefused(f"a run that is {state} cannot be {what}")
