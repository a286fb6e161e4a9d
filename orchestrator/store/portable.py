"""The hot path through the ORM, for SQLite. Says in plain steps what `postgresql` fuses.

The fence comes first: an UPDATE that names the epoch. On SQLite every transaction is
IMMEDIATE, so nobody else writes in between; on PostgreSQL, where tests run it too, the
UPDATE takes the row's lock.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Case, F, Q, Value, When

from orchestrator import clock, models
from orchestrator.core.journal import Entry
from orchestrator.core.notes import Line
from orchestrator.database import ALIAS
from orchestrator.models import FINAL, Status
from orchestrator.store.postgresql import HANDED, again_shown, closed_entry
from orchestrator.store.records import (
    Again,
    Beat,
    Block,
    Claim,
    Continue,
    Finish,
    HandedOut,
    Park,
    Save,
    Saved,
    hit_each,
)

_NO_WAKE = Q(owned=True) | Q(status__in=[Status.SCHEDULED, Status.PAUSED, Status.BLOCKED])


def save(saves: Sequence[Save], *, worker: str) -> list[Saved]:
    at = clock.now()
    with transaction.atomic(using=ALIAS):
        held = [one for one in sorted(saves, key=lambda one: one.claim.run_id) if _fence(one)]
        hit_each("in_tx_after_fence", held)
        for one in held:
            _write(one, worker)
        runs = models.Run.objects.in_bulk([one.claim.run_id for one in held])
        now = clock.now()
    return [
        Saved(
            run.id,
            run.wake_seq,
            run.cancel_requested_at,
            run.cancel_reason,
            run.pause_requested,
            run.due_at is not None and run.due_at <= now,
            at,
        )
        for run in runs.values()
    ]


def _fence(save: Save) -> bool:
    claim = save.claim
    mine = models.Run.objects.filter(id=claim.run_id, epoch=claim.epoch, owned=True)
    if save.heeds_cancel:
        mine = mine.filter(cancel_requested_at=None)
    if save.heeds_mail:
        mine = mine.filter(wake_seq=claim.wake_seq)
    changes: dict[str, Any] = {
        "seq": F("seq") + len(save.outcomes),
        "rev": F("rev") + 1,
        "crashes": 0,
        "logged": F("logged") + save.body_lines,
    }
    if save.progress is not None:
        changes |= {"progress": save.progress[0], "progress_text": save.progress[1]}
    if save.state is not None:
        changes["state"] = save.state
    if save.checkpoint is not None:
        changes["checkpoint"] = save.checkpoint.as_text()
    return bool(mine.update(**changes, **_changes(save)))


def _changes(save: Save) -> dict[str, Any]:
    at_rest = {"owned": False, "in_flight": []}
    ended = at_rest | {
        "epoch": F("epoch") + 1,
        "due_at": None,
        "waiting_on": [],
        "waiting_since": None,
    }
    match save.then:
        case Continue():
            return {}
        case Park(status, due_at, waiting_on):
            paused = When(pause_requested=True, then=None)
            woken = When(wake_seq__gt=save.claim.wake_seq, then=clock.Now())
            return at_rest | {
                "status": _unless_paused(status),
                "due_at": Case(
                    paused,
                    woken,
                    default=Value(due_at, output_field=models.Run._meta.get_field("due_at")),
                ),
                "waiting_on": list(waiting_on),
                "waiting_since": clock.Now() if waiting_on else None,
            }
        case Again(error, due_at, _):
            return at_rest | {
                "status": _unless_paused(Status.AWAITING_RETRY),
                "due_at": Case(When(pause_requested=True, then=None), default=_instant(due_at)),
                "waiting_on": [again_shown(save)],
                "waiting_since": clock.Now(),
                "error": dict(error),
                "attempt": F("attempt") + 1,
            }
        case Finish(status, output, error):
            outcome = {"output": output, "error": None if error is None else dict(error)}
            return ended | outcome | {"status": status, "finished_at": clock.Now()}
        case Block(error):
            return ended | {"status": Status.BLOCKED, "error": dict(error)}


def _unless_paused(status: str) -> Case:
    return Case(When(pause_requested=True, then=Value(Status.PAUSED)), default=Value(status))


def _instant(at: datetime | None) -> Value:
    return Value(at, output_field=models.Run._meta.get_field("due_at"))


def _write(save: Save, worker: str) -> None:
    run_id = save.claim.run_id
    closed = (closed_entry(entry) for entry in save.closed)
    for entry in (*save.opened, *save.marked, *save.outcomes, *closed):
        _upsert(run_id, entry)
    models.LogLine.objects.bulk_create(stored_line(run_id, line) for line in save.lines)
    for attempt in save.attempts:
        models.Attempt.objects.create(
            run_id=run_id,
            key=attempt.key,
            number=attempt.number,
            error=attempt.error,
            started_at=attempt.started_at,
            finished_at=attempt.finished_at,
            details=attempt.details,
            worker=attempt.worker or worker,
        )
    for event_id, key in save.consumed:
        models.Event.objects.filter(id=event_id, run_id=run_id, consumed_at=None).update(
            consumed_at=clock.Now(), consumed_by=key
        )
    models.Event.objects.filter(id__in=[number for number, _ in save.heard], run_id=run_id).delete()
    for handed in save.handed_out:
        _hand_out(save.claim, handed)


def stored_line(run_id: UUID, line: Line) -> models.LogLine:
    """The row of a line that the body or a step has written."""
    return models.LogLine(
        run_id=run_id,
        key=line.key,
        attempt=line.attempt,
        level=line.level,
        message=line.message,
        fields=line.fields,
        at=line.at,
    )


def _hand_out(claim: Claim, handed: HandedOut) -> None:
    is_paused = models.Run.objects.get(id=claim.run_id).pause_requested
    fields: dict[str, Any] = {name: getattr(handed, name) for name in HANDED} | {
        "workflow": claim.workflow,
        "version": claim.version,
        "rank_at": clock.now() - handed.ahead,
        "due_at": None if is_paused else clock.now(),
        "details": handed.details,
    }
    known = models.StepTask.objects.filter(run_id=claim.run_id, key=handed.key)
    if not known.update(owned=False, crashes=0, is_withdrawn=False, epoch=F("epoch") + 1, **fields):
        models.StepTask.objects.create(run_id=claim.run_id, created_at=clock.now(), **fields)


def _upsert(run_id: UUID, entry: Entry) -> None:
    outcome = {
        name: getattr(entry, name)
        for name in ("seq", "status", "attempt", "value", "error", "due_at", "finished_at")
    }
    if entry.detail is not None:
        outcome["detail"] = entry.detail
    known = models.Entry.objects.filter(run_id=run_id, key=entry.key)
    if known.filter(seq=None).update(**outcome) or known.exists():
        return
    asked = {
        name: getattr(entry, name)
        for name in ("key", "kind", "name", "position", "cause", "started_at")
    }
    models.Entry.objects.create(run_id=run_id, **asked, **outcome)


def beat(runs: Sequence[tuple[UUID, int, str | None]], *, lease: timedelta) -> list[Beat]:
    beats = []
    for run_id, epoch, in_flight in runs:
        mine = models.Run.objects.filter(id=run_id, epoch=epoch, owned=True)
        shown = (
            {} if in_flight is None else {"in_flight": json.loads(in_flight), "rev": F("rev") + 1}
        )
        if mine.update(due_at=clock.Now(lease), **shown):
            run = models.Run.objects.get(id=run_id)
            is_called = run.cancel_requested_at is not None or run.pause_requested
            beats.append(Beat(run_id, run.wake_seq, is_called))
    return beats


def send(*, room: int | None, **event: Any) -> tuple[str | None, int | None]:
    """The queue of the run, None if it could not be woken; and the event's id if it was new.

    With `room` it could not, if so many events wait already.
    """
    run_id = event.pop("run")
    with transaction.atomic(using=ALIAS):
        waiting = models.Event.objects.filter(run_id=run_id, consumed_at=None)
        if room is not None and waiting[:room].count() >= room:
            return None, None
        open_run = models.Run.objects.filter(id=run_id).exclude(status__in=FINAL)
        woken = open_run.update(
            wake_seq=F("wake_seq") + 1,
            rev=F("rev") + 1,
            due_at=Case(When(_NO_WAKE, then=F("due_at")), default=clock.Now()),
        )
        if not woken:
            return None, None
        queue: str = models.Run.objects.values_list("queue", flat=True).get(id=run_id)
        try:
            with transaction.atomic(using=ALIAS):
                at = clock.now()
                stored = models.Event.objects.create(run_id=run_id, created_at=at, **event)
        except IntegrityError:
            return queue, None
    return queue, stored.id
