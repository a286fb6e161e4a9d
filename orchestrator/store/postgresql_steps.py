"""Steps that were handed out, on PostgreSQL: one statement for each thing that is done."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from orchestrator.models import REPORT
from orchestrator.store.handed import COLUMNS, GATHER, Heard, Reported, Task
from orchestrator.store.records import Queues
from orchestrator.store.sql import rows

_CLAIM = """
WITH due AS ({due})
UPDATE orchestrator_steptask task SET epoch = task.epoch + 1, owned = true,
    crashes = task.crashes + task.owned::int, due_at = {now} + %(lease)s, worker = %(worker)s,
    started_at = {now}
FROM due WHERE task.id = due.id
RETURNING {now}, {columns}
"""

_FREE = """task.due_at <= {now} AND (task.workflow, task.version) IN
        (SELECT * FROM unnest(%(names)s::text[], %(versions)s::text[]))"""

_DUE_IN_ALL = f"""
    SELECT task.id FROM orchestrator_steptask task WHERE {_FREE}
    ORDER BY task.rank_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
"""

_DUE_IN_SOME = f"""
    SELECT first.id FROM unnest(%(queues)s::text[]) AS mine(queue) CROSS JOIN LATERAL (
        SELECT task.id, task.rank_at FROM orchestrator_steptask task
        WHERE task.queue = mine.queue AND {_FREE}
        ORDER BY task.rank_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
    ) first ORDER BY first.rank_at LIMIT %(limit)s
"""

_BEAT = """
WITH mine AS (
    SELECT task.id, held.details FROM orchestrator_steptask task
    JOIN unnest(%(ids)s::bigint[], %(epochs)s::bigint[], %(details)s::jsonb[])
        AS held(id, epoch, details) USING (id)
    WHERE task.epoch = held.epoch AND task.owned
    ORDER BY task.id FOR UPDATE OF task
)
UPDATE orchestrator_steptask task SET due_at = {now} + %(lease)s,
    details = coalesce(mine.details, task.details)
FROM mine WHERE task.id = mine.id
RETURNING task.id
"""

# The run first, then its tasks in the order of their ids; what is not ours any more is in
# none of the others.
_REPORT = """
WITH held AS (
    SELECT due_at FROM orchestrator_run WHERE id = %(run)s FOR NO KEY UPDATE
), ended AS (
    SELECT task.id, ended.name, ended.report FROM orchestrator_steptask task
    JOIN unnest(%(ids)s::bigint[], %(epochs)s::bigint[], %(names)s::text[], %(reports)s::text[])
        AS ended(id, epoch, name, report) USING (id)
    CROSS JOIN held
    WHERE task.run_id = %(run)s AND task.epoch = ended.epoch AND task.owned
    ORDER BY task.id FOR UPDATE OF task
), done AS (
    DELETE FROM orchestrator_steptask task USING ended WHERE task.id = ended.id
    RETURNING task.id, ended.name, ended.report
), woken AS (
    UPDATE orchestrator_run run SET rev = run.rev + 1, wake_seq = run.wake_seq + counted.number,
        due_at = CASE WHEN run.owned OR run.status IN ('scheduled', 'paused', 'blocked')
            THEN run.due_at
            WHEN EXISTS (SELECT 1 FROM orchestrator_steptask other WHERE other.run_id = run.id
                AND other.id <> ALL(%(ids)s::bigint[]))
            THEN least(run.due_at, {now} + %(gather)s) ELSE {now} END
    FROM (SELECT count(*) AS number FROM done) AS counted
    WHERE run.id = %(run)s AND counted.number > 0 AND run.status NOT IN ({final})
    RETURNING run.queue, run.due_at, run.owned
), stored AS (
    INSERT INTO orchestrator_event (run_id, name, payload, sent_by, created_at)
    SELECT %(run)s, done.name, done.report, %(worker)s, {now}
    FROM done CROSS JOIN woken ORDER BY done.id
){lines}
SELECT done.id, woken.queue,
    NOT woken.owned AND woken.due_at IS NOT NULL
        AND (held.due_at IS NULL OR woken.due_at < held.due_at)
FROM done CROSS JOIN woken CROSS JOIN held
"""

_LINES = """, lines AS (
    INSERT INTO orchestrator_logline (run_id, key, attempt, level, message, fields, at)
    SELECT %(run)s, line.key, line.attempt, line.level, line.message, line.fields, line.at
    FROM unnest(%(l_task)s::bigint[], %(l_key)s::text[], %(l_attempt)s::int[], %(l_level)s::text[],
        %(l_message)s::text[], %(l_fields)s::jsonb[], %(l_at)s::timestamptz[])
        WITH ORDINALITY AS line(task, key, attempt, level, message, fields, at, place)
    JOIN done ON done.id = line.task ORDER BY line.place
)"""


def claim(
    *,
    limit: int,
    lease: timedelta,
    worker: str,
    queues: Queues,
    known: Sequence[tuple[str, str]],
) -> list[Task]:
    params = {
        "limit": limit,
        "lease": lease,
        "worker": worker,
        "queues": None if queues is None else list(queues),
        "names": [name for name, _ in known],
        "versions": [version for _, version in known],
    }
    due = _DUE_IN_ALL if queues is None else _DUE_IN_SOME
    columns = ", ".join(f"task.{name}" for name in COLUMNS)
    return [_read(row) for row in rows(_CLAIM, params, due=due, columns=columns)]


def _read(row: tuple[Any, ...]) -> Task:
    at, *values = row
    task = dict(zip(COLUMNS, values, strict=True))
    details = None if task["details"] is None else json.loads(task["details"])
    return Task(at=at, **task | {"details": details})


def beat(held: Sequence[tuple[int, int, str | None]], *, lease: timedelta) -> set[int]:
    ids, epochs, details = zip(*held, strict=True)
    params = {"lease": lease, "ids": list(ids), "epochs": list(epochs), "details": list(details)}
    return {task_id for (task_id,) in rows(_BEAT, params)}


def report(run_id: UUID, worker: str, reported: Sequence[Reported]) -> list[Heard]:
    params: dict[str, Any] = {
        "run": run_id,
        "worker": worker,
        "gather": GATHER,
        "ids": [one.task.id for one in reported],
        "epochs": [one.task.epoch for one in reported],
        "names": [f"{REPORT}{one.task.key}" for one in reported],
        "reports": [one.report for one in reported],
    }
    has_lines = any(one.lines for one in reported)
    if has_lines:
        params |= _line_params(reported)
    found = rows(_REPORT, params, lines=_LINES if has_lines else "")
    return [Heard(*row) for row in found]


def _line_params(reported: Sequence[Reported]) -> dict[str, Any]:
    lines = [(one.task.id, line) for one in reported for line in one.lines]
    params: dict[str, Any] = {"l_task": [task_id for task_id, _ in lines]}
    for name in ("key", "attempt", "level", "message", "at"):
        params[f"l_{name}"] = [getattr(line, name) for _, line in lines]
    params["l_fields"] = [json.dumps(line.fields, ensure_ascii=False) for _, line in lines]
    return params
