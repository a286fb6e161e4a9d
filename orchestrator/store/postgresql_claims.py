"""Taking runs on PostgreSQL: one statement, whatever their number."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from orchestrator.store.claims import COLUMNS, claim_of
from orchestrator.store.records import Claim
from orchestrator.store.sql import rows
from orchestrator.store.workers import Code

_CLAIM = """
WITH due AS ({due})
UPDATE orchestrator_run run SET
    epoch = run.epoch + 1, crashes = run.crashes + run.owned::int, owned = true,
    due_at = {now} + %(lease)s, status = 'running', worker = %(worker)s,
    error = CASE WHEN run.status = 'blocked' THEN NULL ELSE run.error END,
    started_at = coalesce(run.started_at, {now}), rev = run.rev + 1
FROM due WHERE run.id = due.id
RETURNING {now}, due.tried, {columns}
"""

_DUE = """
    SELECT id, '[]'::jsonb AS tried FROM orchestrator_run
    WHERE due_at <= {now}
        AND (workflow, version) IN (SELECT * FROM unnest(%(names)s::text[], %(versions)s::text[]))
    ORDER BY due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
"""

# A run that may be tried by other code says which has tried: see `records.Block`.
_BLOCKED = """
    SELECT run.id, run.error->'tried' AS tried FROM orchestrator_run run
    JOIN unnest(%(names)s::text[], %(versions)s::text[], %(fingerprints)s::text[])
        AS mine(workflow, version, fingerprint) USING (workflow, version)
    WHERE run.status = 'blocked' AND run.error ? 'tried'
        AND NOT run.error->'tried' ? mine.fingerprint
    ORDER BY run.id LIMIT %(limit)s FOR UPDATE OF run SKIP LOCKED
"""

_JSON = ("tags", "attributes", "in_flight")


def claim(
    *, limit: int, lease: timedelta, worker: str, known: Sequence[tuple[str, str]]
) -> list[Claim]:
    params = {"names": [name for name, _ in known], "versions": [version for _, version in known]}
    return _claim(_DUE, params | {"limit": limit, "lease": lease, "worker": worker})


def claim_blocked(
    *, limit: int, lease: timedelta, worker: str, codes: Sequence[Code]
) -> list[Claim]:
    names = ("names", "versions", "fingerprints")
    params: dict[str, Any] = {name: [code[at] for code in codes] for at, name in enumerate(names)}
    return _claim(_BLOCKED, params | {"limit": limit, "lease": lease, "worker": worker})


def _claim(due: str, params: dict[str, Any]) -> list[Claim]:
    columns = ", ".join(f"run.{name}" for name in COLUMNS)
    found = rows(_CLAIM, params, due=due, columns=columns)
    return [_read(row) for row in found]


def _read(row: tuple[Any, ...]) -> Claim:
    at, tried, *values = row
    run = dict(zip(COLUMNS, values, strict=True))
    return claim_of(run | {name: json.loads(run[name]) for name in _JSON}, at, json.loads(tried))
