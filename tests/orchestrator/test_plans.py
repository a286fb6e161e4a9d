"""How PostgreSQL answers what the engine asks all the time: by indexes, among many runs."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orchestrator import Context, client, clock, schedule, workflow
from orchestrator.schedules import verbs
from orchestrator.store import pruning, ticks
from orchestrator.store import schedules as store

pytestmark = [pytest.mark.postgres, pytest.mark.django_db]

# Enough for the planner to prefer an index where there is one that fits.
MANY = 20_000

FILL = """
INSERT INTO orchestrator_run (
    id, workflow, version, status, epoch, owned, wake_seq, crashes, seq, rev, queue, priority,
    concurrency_key, tags, attributes, attempt, generation, parent_key, on_parent_cancel, input,
    waiting_on, in_flight, progress_text, logged, pause_requested, cancel_reason, worker,
    created_at, finished_at, schedule_id, scheduled_at, is_purged,
    state
)
SELECT gen_random_uuid(), 'w' || n %% 50, '1', CASE WHEN n %% 20 = 0 THEN 'waiting' ELSE
    'completed' END, 1, false, 0, 0, 0, 0, '', 0, '', '{}', '{}', 1, 1, '', 'cancel', 'null', '[]',
    '[]', '', 0, false, '', '', now() - n * interval '1 minute',
    CASE WHEN n %% 20 = 0 THEN NULL ELSE now() - n * interval '1 minute' END,
    CASE WHEN n %% 2 = 0 THEN %(schedule)s::uuid END, now() - n * interval '1 minute',
    false, ''
FROM generate_series(1, %(many)s) n
"""


@pytest.fixture
def many_runs(db) -> UUID:
    """Many runs, half of them of one schedule, which is returned."""

    @workflow(name="w")
    async def w(ctx: Context) -> None: ...

    made = schedule(w, every="1h")._row
    with connection.cursor() as cursor:
        cursor.execute(FILL, {"many": MANY, "schedule": made.id})
        cursor.execute("ANALYZE orchestrator_run")
    return made.id


def plans(ask: Callable[[], Any]) -> str:
    """The plans of all statements on runs that `ask` makes."""
    with CaptureQueriesContext(
        connection,
    ) as captured:
        ask()
    found = []
    for query in captured.captured_queries:
        if "orchestrator_run" in query["sql"]:
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN {query['sql']}")
                found += [row[0] for row in cursor.fetchall()]
    assert found
    return "\n".join(found)


def test_whether_a_schedule_has_a_run_in_progress_is_one_look_at_an_index(many_runs):
    plan = plans(lambda: store.is_busy(many_runs))

    assert "run_of_schedule_unfinished" in plan
    assert "Seq Scan" not in plan


def test_the_lines_of_schedules_are_found_by_indexes(many_runs):
    plan = plans(store.lines)

    assert "run_in_line" in plan
    assert not re.search(r"Seq Scan on orchestrator_run\b", plan)


def test_the_history_of_a_schedule_is_read_from_an_index(many_runs):
    plan = plans(lambda: verbs.runs(verbs.row_of("w"), 20))

    assert "run_of_schedule" in plan
    assert "Sort" not in plan


def test_old_runs_are_found_by_an_index(many_runs):
    before = clock.now() - timedelta(days=7)
    plan = plans(lambda: pruning.remove_runs("w7", before, 100, frozenset()))

    assert "run_ended" in plan
    assert not re.search(r"Seq Scan on orchestrator_run\b", plan)


def test_runs_that_have_their_payloads_yet_are_found_by_an_index(many_runs):
    before = clock.now() - timedelta(days=7)
    plan = plans(lambda: list(pruning.full_runs("w7", before).order_by("finished_at")[:100]))

    assert "run_ended" in plan
    assert "Sort" not in plan


def test_a_start_with_a_key_looks_for_its_tombstone_by_an_index(many_runs):
    plan = plans(lambda: client.start("w", idempotency_key="k"))

    assert "orchestrator_tombstone" in plan
    assert "Seq Scan" not in plan


# A thousand of them due, or soon, in two queues of four priorities.
DUE = """
UPDATE orchestrator_run SET due_at = now() + (random() - 0.5) * interval '1 day',
    queue = CASE WHEN random() < 0.5 THEN 'gpu' ELSE '' END, priority = -floor(random() * 4)
WHERE status = 'waiting'
"""


@pytest.mark.parametrize("queues", [None, ("", "gpu")])
def test_a_claim_reads_nothing_but_its_index(many_runs, queues):
    with connection.cursor() as cursor:
        cursor.execute(DUE)
        cursor.execute("ANALYZE orchestrator_run")
    plan = plans(
        lambda: ticks.claim(
            limit=10,
            lease=timedelta(minutes=1),
            worker="test",
            known=[("w0", "1"), ("w20", "1")],
            queues=queues,
            step=timedelta(seconds=10),
        )
    )

    assert set(re.findall(r"using (\w+) on orchestrator_run", plan)) == INDEXES_OF_A_CLAIM
    assert not re.search(r"Seq Scan on orchestrator_run\b", plan)
    assert "queue" in plan.partition("using run_claim")[2]


INDEXES_OF_A_CLAIM = {"run_claim", "orchestrator_run_pkey"}
