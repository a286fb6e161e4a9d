"""The hot path on PostgreSQL: one statement, one commit, for any number of runs.

Each statement is a whole transaction of the protocol. `fence` updates the runs first and
so takes their row locks; what follows is inserted for the rows it returns and for no
others. A worker that has lost a run writes nothing for it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from orchestrator.core.journal import CANCELLED, Entry
from orchestrator.models import Status
from orchestrator.store.records import (
    Again,
    Beat,
    Block,
    Continue,
    Finish,
    Park,
    Save,
    Saved,
)
from orchestrator.store.sql import rows

# What a step task has as it was handed out.
HANDED = (
    "key",
    "number",
    "queue",
    "function",
    "args",
    "timeout",
    "atomic",
    "at_most_once",
    "idempotency_key",
    "is_shared",
)

_SAVE = """
WITH fence AS (
    UPDATE orchestrator_run run SET
        seq = run.seq + want.outcomes, rev = run.rev + 1, crashes = 0,
        owned = want.owned, epoch = run.epoch + want.ends::int,
        status = CASE WHEN run.pause_requested AND NOT want.owned AND NOT want.ends THEN 'paused'
            ELSE coalesce(want.status, run.status) END,
        due_at = CASE WHEN want.owned THEN run.due_at
            WHEN want.ends OR run.pause_requested THEN NULL
            WHEN run.wake_seq > want.wake_seq THEN {now} ELSE want.due_at END,
        waiting_on = coalesce(want.waiting_on, run.waiting_on),
        waiting_since = CASE WHEN want.waiting_on IS NULL THEN run.waiting_since
            WHEN want.waiting_on = '[]' THEN NULL ELSE {now} END,
        in_flight = CASE WHEN want.owned THEN run.in_flight ELSE '[]' END,
        output = coalesce(want.output, run.output),
        error = CASE WHEN want.status = 'completed' THEN NULL
            ELSE coalesce(want.error, run.error) END,
        attempt = run.attempt + want.again::int, logged = run.logged + want.lines,
        progress = coalesce(want.progress, run.progress),
        progress_text = coalesce(want.progress_text, run.progress_text),
        state = coalesce(want.state, run.state),
        checkpoint = coalesce(want.checkpoint, run.checkpoint),
        finished_at = CASE WHEN want.status IN ({final}) THEN {now} ELSE run.finished_at END
    FROM unnest(%(ids)s::uuid[], %(epochs)s::bigint[], %(wake_seqs)s::bigint[], %(counts)s::int[],
        %(owned)s::bool[], %(ends)s::bool[], %(statuses)s::text[], %(dues)s::timestamptz[],
        %(waiting_ons)s::jsonb[], %(outputs)s::text[], %(errors)s::jsonb[], %(heed)s::bool[],
        %(again)s::bool[], %(heed_mail)s::bool[], %(lines)s::int[],
        %(progress)s::float8[], %(progress_texts)s::text[], %(states)s::text[],
        %(checkpoints)s::text[])
        AS want(id, epoch, wake_seq, outcomes, owned, ends, status, due_at, waiting_on, output,
        error, heeds_cancel, again, heeds_mail, lines, progress, progress_text, state, checkpoint)
    WHERE run.id = want.id AND run.epoch = want.epoch AND run.owned
        AND (run.cancel_requested_at IS NULL OR NOT want.heeds_cancel)
        AND (run.wake_seq = want.wake_seq OR NOT want.heeds_mail)
    RETURNING run.id, run.wake_seq, run.cancel_requested_at, run.cancel_reason,
        run.pause_requested, run.due_at
){more}
SELECT fence.*, {now} FROM fence
"""

_ENTRIES = """, entries AS (
    INSERT INTO orchestrator_entry AS known (run_id, key, kind, name, position, cause, seq, status,
        attempt, value, error, detail, due_at, started_at, finished_at)
    SELECT new.* FROM unnest(%(e_run)s::uuid[], %(e_key)s::text[], %(e_kind)s::text[],
        %(e_name)s::text[], %(e_position)s::int[], %(e_cause)s::int[], %(e_seq)s::int[],
        %(e_status)s::text[], %(e_attempt)s::int[], %(e_value)s::text[], %(e_error)s::jsonb[],
        %(e_detail)s::jsonb[], %(e_due_at)s::timestamptz[], %(e_started_at)s::timestamptz[],
        %(e_finished_at)s::timestamptz[])
        AS new(run_id, key, kind, name, position, cause, seq, status, attempt, value, error, detail,
        due_at, started_at, finished_at)
    JOIN fence ON fence.id = new.run_id
    ON CONFLICT (run_id, key) DO UPDATE SET seq = excluded.seq, status = excluded.status,
        attempt = excluded.attempt, value = excluded.value, error = excluded.error,
        detail = coalesce(excluded.detail, known.detail),
        due_at = excluded.due_at, finished_at = excluded.finished_at
    WHERE known.seq IS NULL
)"""

_ATTEMPTS = """, attempts AS (
    INSERT INTO orchestrator_attempt
        (run_id, key, number, error, started_at, finished_at, details, worker)
    SELECT new.* FROM unnest(%(a_run)s::uuid[], %(a_key)s::text[], %(a_number)s::int[],
        %(a_error)s::jsonb[], %(a_started_at)s::timestamptz[], %(a_finished_at)s::timestamptz[],
        %(a_details)s::jsonb[], %(a_worker)s::text[])
        AS new(run_id, key, number, error, started_at, finished_at, details, worker)
    JOIN fence ON fence.id = new.run_id
)"""

_LINES = """, lines AS (
    INSERT INTO orchestrator_logline (run_id, key, attempt, level, message, fields, at)
    SELECT new.run_id, new.key, new.attempt, new.level, new.message, new.fields, new.at
    FROM unnest(%(l_run)s::uuid[], %(l_key)s::text[], %(l_attempt)s::int[], %(l_level)s::text[],
        %(l_message)s::text[], %(l_fields)s::jsonb[], %(l_at)s::timestamptz[])
        WITH ORDINALITY AS new(run_id, key, attempt, level, message, fields, at, place)
    JOIN fence ON fence.id = new.run_id ORDER BY new.place
)"""

_CONSUMED = """, consumed AS (
    UPDATE orchestrator_event event SET consumed_at = {now}, consumed_by = took.key
    FROM unnest(%(m_id)s::bigint[], %(m_run)s::uuid[], %(m_key)s::text[]) AS took(id, run_id, key)
    JOIN fence ON fence.id = took.run_id
    WHERE event.id = took.id AND event.run_id = took.run_id AND event.consumed_at IS NULL
)"""

_HANDED_OUT = """, handed_out AS (
    INSERT INTO orchestrator_steptask AS known (run_id, key, number, workflow, version, queue,
        rank_at, due_at, owned, epoch, crashes, is_withdrawn, worker, function, args, timeout,
        atomic, at_most_once, idempotency_key, is_shared, details, created_at)
    SELECT new.run_id, new.key, new.number, new.workflow, new.version, new.queue,
        {now} - new.ahead, CASE WHEN fence.pause_requested THEN NULL ELSE {now} END, false, 0, 0,
        false, '', new.function, new.args, new.timeout, new.atomic, new.at_most_once,
        new.idempotency_key, new.is_shared, new.details, {now}
    FROM unnest(%(h_run)s::uuid[], %(h_workflow)s::text[], %(h_version)s::text[],
        %(h_key)s::text[], %(h_number)s::int[], %(h_queue)s::text[], %(h_ahead)s::interval[],
        %(h_function)s::text[], %(h_args)s::text[], %(h_timeout)s::interval[],
        %(h_atomic)s::bool[], %(h_at_most_once)s::bool[], %(h_idempotency_key)s::text[],
        %(h_is_shared)s::bool[], %(h_details)s::jsonb[])
        AS new(run_id, workflow, version, key, number, queue, ahead, function, args, timeout,
        atomic, at_most_once, idempotency_key, is_shared, details)
    JOIN fence ON fence.id = new.run_id
    ON CONFLICT (run_id, key) DO UPDATE SET number = excluded.number, queue = excluded.queue,
        rank_at = excluded.rank_at, due_at = excluded.due_at, owned = false, crashes = 0,
        is_withdrawn = false, epoch = known.epoch + 1, function = excluded.function,
        args = excluded.args, timeout = excluded.timeout, atomic = excluded.atomic,
        at_most_once = excluded.at_most_once, idempotency_key = excluded.idempotency_key,
        is_shared = excluded.is_shared, details = excluded.details
)"""

_HEARD = """, heard AS (
    DELETE FROM orchestrator_event event
    USING unnest(%(r_id)s::bigint[], %(r_run)s::uuid[]) AS report(id, run_id)
    JOIN fence ON fence.id = report.run_id
    WHERE event.id = report.id AND event.run_id = report.run_id
)"""

_BEAT = """
UPDATE orchestrator_run run SET due_at = {now} + %(lease)s,
    in_flight = coalesce(mine.in_flight, run.in_flight),
    rev = run.rev + (mine.in_flight IS NOT NULL)::int
FROM unnest(%(ids)s::uuid[], %(epochs)s::bigint[], %(in_flights)s::jsonb[])
    AS mine(id, epoch, in_flight)
WHERE run.id = mine.id AND run.epoch = mine.epoch AND run.owned
RETURNING run.id, run.wake_seq, run.cancel_requested_at IS NOT NULL OR run.pause_requested
"""

_SEND = """
WITH woken AS (
    UPDATE orchestrator_run SET wake_seq = wake_seq + 1, rev = rev + 1,
        due_at = CASE WHEN owned OR status IN ('scheduled', 'paused', 'blocked')
            THEN due_at ELSE {now} END
    WHERE id = %(run)s AND status NOT IN ({final}) AND {has_room}
    RETURNING id, queue
), stored AS (
    INSERT INTO orchestrator_event
        (run_id, name, correlation, payload, event_id, sent_by, created_at)
    SELECT id, %(name)s, %(correlation)s, %(payload)s, %(event_id)s, %(sent_by)s, {now} FROM woken
    ON CONFLICT (run_id, event_id) DO NOTHING
    RETURNING id
)
SELECT (SELECT queue FROM woken), (SELECT id FROM stored)
"""

_HAS_ROOM = """(
    SELECT count(*) FROM (
        SELECT FROM orchestrator_event WHERE run_id = %(run)s AND consumed_at IS NULL
        LIMIT %(room)s
    ) waiting
) < %(room)s"""


def save(saves: Sequence[Save], *, worker: str) -> list[Saved]:
    more = ""
    params = _fence_params(saves)
    if entries := [(one.claim.run_id, entry) for one in saves for entry in _entries(one)]:
        more += _ENTRIES
        params |= _entry_params(entries)
    if any(one.attempts for one in saves):
        more += _ATTEMPTS
        params |= _attempt_params(saves, worker)
    if any(one.lines for one in saves):
        more += _LINES
        params |= _line_params(saves)
    if any(one.consumed for one in saves):
        more += _CONSUMED
        params |= _consumed_params(saves)
    if any(one.handed_out for one in saves):
        more += _HANDED_OUT
        params |= _handed_params(saves)
    if any(one.heard for one in saves):
        more += _HEARD
        params |= _heard_params(saves)
    found = rows(_SAVE, params, more=more)
    return [
        Saved(run_id, wake_seq, cancelled, reason, paused, due_at is not None and due_at <= at, at)
        for run_id, wake_seq, cancelled, reason, paused, due_at, at in found
    ]


def beat(runs: Sequence[tuple[UUID, int, str | None]], *, lease: timedelta) -> list[Beat]:
    ids, epochs, in_flights = zip(*runs, strict=True)
    found = rows(
        _BEAT,
        {"lease": lease, "ids": list(ids), "epochs": list(epochs), "in_flights": list(in_flights)},
    )
    return [Beat(*row) for row in found]


def send(*, room: int | None, **event: Any) -> tuple[str | None, int | None]:
    """The queue of the run, None if it could not be woken; and the event's id if it was new.

    With `room` it could not, if so many events wait already.
    """
    has_room = "true" if room is None else _HAS_ROOM
    [(queue, stored)] = rows(_SEND, event | {"room": room}, has_room=has_room)
    return queue, stored


def _entries(save: Save) -> list[Entry]:
    closed = (closed_entry(entry) for entry in save.closed)
    return [*save.opened, *save.marked, *save.outcomes, *closed]


def closed_entry(entry: Entry) -> Entry:
    """An open entry as it is stored when nobody waits for it any more."""
    return Entry(
        key=entry.key,
        kind=entry.kind,
        name=entry.name,
        position=entry.position,
        cause=entry.cause,
        status=CANCELLED,
        attempt=entry.attempt,
        detail=entry.detail,
        started_at=entry.started_at,
        finished_at=entry.finished_at,
    )


def _fence_params(saves: Sequence[Save]) -> dict[str, Any]:
    wants = [_want(save) for save in saves]
    names = ("owned", "ends", "statuses", "dues", "waiting_ons", "outputs", "errors")
    params: dict[str, Any] = {name: [want[at] for want in wants] for at, name in enumerate(names)}
    return params | {
        "ids": [save.claim.run_id for save in saves],
        "epochs": [save.claim.epoch for save in saves],
        "wake_seqs": [save.claim.wake_seq for save in saves],
        "counts": [len(save.outcomes) for save in saves],
        "heed": [save.heeds_cancel for save in saves],
        "heed_mail": [save.heeds_mail for save in saves],
        "again": [isinstance(save.then, Again) for save in saves],
        "lines": [save.body_lines for save in saves],
        "progress": [save.progress and save.progress[0] for save in saves],
        "progress_texts": [save.progress and save.progress[1] for save in saves],
        "states": [save.state for save in saves],
        "checkpoints": [save.checkpoint and save.checkpoint.as_text() for save in saves],
    }


def _want(save: Save) -> tuple[Any, ...]:
    """owned, ends, status, due_at, waiting_on, output, error"""
    match save.then:
        case Continue():
            return (True, False, None, None, None, None, None)
        case Park(status, due_at, waiting_on):
            return (False, False, status, due_at, json.dumps(waiting_on), None, None)
        case Finish(status, output, error):
            return (False, True, status, None, "[]", output, _json(error))
        case Again(error, due_at, _):
            waiting_on = [again_shown(save)]
            waits = json.dumps(waiting_on)
            return (False, False, Status.AWAITING_RETRY, due_at, waits, None, _json(error))
        case Block(error):
            return (False, True, Status.BLOCKED, None, "[]", None, _json(error))


def again_shown(save: Save) -> dict[str, Any]:
    """What a run that will be tried again shows as its wait."""
    assert isinstance(save.then, Again)
    return {
        "kind": "retry",
        "name": save.claim.workflow,
        "key": "",
        "since": None,
        "until": save.then.due_at.isoformat(),
        "detail": {
            "attempt": save.claim.attempt + 1,
            "error": str(save.then.error.get("message", "")),
        },
    }


def _line_params(saves: Sequence[Save]) -> dict[str, Any]:
    lines = [(save.claim.run_id, line) for save in saves for line in save.lines]
    params: dict[str, Any] = {"l_run": [run_id for run_id, _ in lines]}
    for name in ("key", "attempt", "level", "message", "at"):
        params[f"l_{name}"] = [getattr(line, name) for _, line in lines]
    params["l_fields"] = [_json(line.fields) for _, line in lines]
    return params


def _entry_params(entries: Sequence[tuple[UUID, Entry]]) -> dict[str, Any]:
    params: dict[str, Any] = {"e_run": [run_id for run_id, _ in entries]}
    for name in [
        "key",
        "kind",
        "name",
        "position",
        "cause",
        "seq",
        "status",
        "attempt",
        "value",
        "due_at",
        "started_at",
        "finished_at",
    ]:
        params[f"e_{name}"] = [getattr(entry, name) for _, entry in entries]
    params["e_error"] = [_json(entry.error) for _, entry in entries]
    params["e_detail"] = [_json(entry.detail) for _, entry in entries]
    return params


def _attempt_params(saves: Sequence[Save], worker: str) -> dict[str, Any]:
    attempts = [(save.claim.run_id, attempt) for save in saves for attempt in save.attempts]
    return {
        "a_run": [run_id for run_id, _ in attempts],
        "a_key": [attempt.key for _, attempt in attempts],
        "a_number": [attempt.number for _, attempt in attempts],
        "a_error": [_json(attempt.error) for _, attempt in attempts],
        "a_started_at": [attempt.started_at for _, attempt in attempts],
        "a_finished_at": [attempt.finished_at for _, attempt in attempts],
        "a_details": [_json(attempt.details) for _, attempt in attempts],
        "a_worker": [attempt.worker or worker for _, attempt in attempts],
    }


def _consumed_params(saves: Sequence[Save]) -> dict[str, Any]:
    took = [(event_id, save.claim.run_id, key) for save in saves for event_id, key in save.consumed]
    return {
        "m_id": [event_id for event_id, _, _ in took],
        "m_run": [run_id for _, run_id, _ in took],
        "m_key": [key for _, _, key in took],
    }


def _handed_params(saves: Sequence[Save]) -> dict[str, Any]:
    handed = [(save.claim, one) for save in saves for one in save.handed_out]
    params: dict[str, Any] = {
        "h_run": [claim.run_id for claim, _ in handed],
        "h_workflow": [claim.workflow for claim, _ in handed],
        "h_version": [claim.version for claim, _ in handed],
        "h_details": [_json(one.details) for _, one in handed],
    }
    for name in (*HANDED, "ahead"):
        params[f"h_{name}"] = [getattr(one, name) for _, one in handed]
    return params


def _heard_params(saves: Sequence[Save]) -> dict[str, Any]:
    heard = [(number, save.claim.run_id) for save in saves for number, _ in save.heard]
    return {"r_id": [number for number, _ in heard], "r_run": [run_id for _, run_id in heard]}


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)
