"""Taking runs on PostgreSQL: one statement, whatever their number."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from orchestrator.store.claims import COLUMNS, claim_of
from orchestrator.store.records import Claim, Queues
from orchestrator.store.sql import rows
from orchestrator.store.workers import Code

_CLAIM = """
WITH RECURSIVE {levels} due AS ({due})
UPDATE orchestrator_run run SET
    epoch = run.epoch + 1, crashes = run.crashes + run.owned::int, owned = true,
    due_at = {now} + %(lease)s, status = 'running', worker = %(worker)s,
    error = CASE WHEN run.status = 'blocked' THEN NULL ELSE run.error END,
    started_at = coalesce(run.started_at, {now}), rev = run.rev + 1
FROM due WHERE run.id = due.id
RETURNING {now}, due.tried, {columns}
"""

# The pairs of queue and priority that there are, each by one look at the index `run_claim`.
# So a claim reads the runs that it takes, however many others are due or asleep.
_LEVELS_OF_ALL = """levels AS (
    (SELECT queue, priority FROM orchestrator_run WHERE due_at IS NOT NULL
        ORDER BY queue, priority LIMIT 1)
    UNION ALL
    SELECT next.queue, next.priority FROM levels CROSS JOIN LATERAL (
        SELECT run.queue, run.priority FROM orchestrator_run run WHERE run.due_at IS NOT NULL
            AND (run.queue, run.priority) > (levels.queue, levels.priority)
        ORDER BY run.queue, run.priority LIMIT 1
    ) next
),"""
_LEVELS_OF_SOME = """levels AS (
    SELECT mine.queue, first.priority FROM unnest(%(queues)s::text[]) AS mine(queue)
    CROSS JOIN LATERAL (
        SELECT run.priority FROM orchestrator_run run WHERE run.due_at IS NOT NULL
            AND run.queue = mine.queue ORDER BY run.priority LIMIT 1
    ) first
    UNION ALL
    SELECT levels.queue, next.priority FROM levels CROSS JOIN LATERAL (
        SELECT run.priority FROM orchestrator_run run WHERE run.due_at IS NOT NULL
            AND run.queue = levels.queue AND run.priority > levels.priority
        ORDER BY run.priority LIMIT 1
    ) next
),"""

# The oldest of each level, and of those the first. A priority counts as so much waiting.
# Rows are compared so that only `run_claim` has them in this order: with three conditions
# the planner may walk along `run_due` instead, past everything that is of another level.
_DUE = """
    SELECT oldest.id, '[]'::jsonb AS tried FROM levels CROSS JOIN LATERAL (
        SELECT run.id, run.due_at - run.priority * %(step)s::interval AS rank
        FROM orchestrator_run run
        WHERE run.due_at IS NOT NULL
            AND (run.queue, run.priority, run.due_at)
                >= (levels.queue, levels.priority, '-infinity'::timestamptz)
            AND (run.queue, run.priority, run.due_at) <= (levels.queue, levels.priority, {now})
            AND (run.workflow, run.version) IN
                (SELECT * FROM unnest(%(names)s::text[], %(versions)s::text[]))
        ORDER BY run.queue, run.priority, run.due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
    ) oldest ORDER BY oldest.rank LIMIT %(limit)s
"""

_NEXT = """
WITH RECURSIVE {levels} coming AS (
    SELECT first.due_at FROM levels CROSS JOIN LATERAL (
        SELECT run.due_at FROM orchestrator_run run
        WHERE run.due_at IS NOT NULL
            AND (run.queue, run.priority, run.due_at)
                > (levels.queue, levels.priority, {now} - %(tolerance)s::interval)
            AND (run.queue, run.priority) <= (levels.queue, levels.priority)
        ORDER BY run.queue, run.priority, run.due_at LIMIT 1
    ) first
)
SELECT min(due_at) FROM coming
"""

# A run that may be tried by other code says which has tried: see `records.Block`.
_BLOCKED = """
    SELECT run.id, run.error->'tried' AS tried FROM orchestrator_run run
    JOIN unnest(%(names)s::text[], %(versions)s::text[], %(fingerprints)s::text[])
        AS mine(workflow, version, fingerprint) USING (workflow, version)
    WHERE run.status = 'blocked' AND run.error ? 'tried'
        AND NOT run.error->'tried' ? mine.fingerprint
        AND (%(queues)s::text[] IS NULL OR run.queue = ANY(%(queues)s::text[]))
    ORDER BY run.id LIMIT %(limit)s FOR UPDATE OF run SKIP LOCKED
"""

_JSON = ("tags", "attributes", "in_flight")


def claim(
    *,
    limit: int,
    lease: timedelta,
    worker: str,
    queues: Queues,
    known: Sequence[tuple[str, str]],
    step: timedelta,
) -> list[Claim]:
    params = _params(queues, limit=limit, lease=lease, worker=worker, step=step)
    params |= {"names": [name for name, _ in known], "versions": [version for _, version in known]}
    return _claim(params, due=_DUE, levels=_levels(queues))


def claim_blocked(
    *, limit: int, lease: timedelta, worker: str, queues: Queues, codes: Sequence[Code]
) -> list[Claim]:
    params = _params(queues, limit=limit, lease=lease, worker=worker)
    for at, name in enumerate(("names", "versions", "fingerprints")):
        params[name] = [code[at] for code in codes]
    return _claim(params, due=_BLOCKED, levels="")


def next_coming(*, queues: Queues, tolerance: timedelta) -> datetime | None:
    params = _params(queues, tolerance=tolerance)
    [[due_at]] = rows(_NEXT, params, levels=_levels(queues))
    return due_at if due_at is None else due_at.astimezone(UTC)


def _levels(queues: Queues) -> str:
    return _LEVELS_OF_ALL if queues is None else _LEVELS_OF_SOME


def _params(queues: Queues, **params: Any) -> dict[str, Any]:
    return params | {"queues": None if queues is None else list(queues)}


def _claim(params: dict[str, Any], **parts: str) -> list[Claim]:
    columns = ", ".join(f"run.{name}" for name in COLUMNS)
    return [_read(row) for row in rows(_CLAIM, params, columns=columns, **parts)]


def _read(row: tuple[Any, ...]) -> Claim:
    at, tried, *values = row
    run = dict(zip(COLUMNS, values, strict=True))
    return claim_of(run | {name: json.loads(run[name]) for name in _JSON}, at, json.loads(tried))
