"""How PostgreSQL answers the filters of the runs list: by indexes, in their order."""

from __future__ import annotations

import pytest
from django.db import connection
from django.http import QueryDict

from dashboard.filtering import RunFilter
from dashboard.queries import filters
from orchestrator import seeding
from orchestrator.models import Run

pytestmark = [pytest.mark.postgres, pytest.mark.django_db]

# Enough for the planner to prefer an index where there is one that fits.
MANY = 20_000

FILTERS = {
    "": "orchestrator_run_pkey",
    "status=failed": "run_by_status",
    "status=failed&status=blocked": "run_by_status",
    "status=human": "run_by_wait",
    "workflow=nightly-report": "run_by_workflow",
    "workflow=refund&status=failed": "run_by_workflow",
    "workflow=nightly-report&version=9": "run_by_version",
    "attribute=country:SE": "run_by_attribute",
    "attribute=country:DE&status=failed": "orchestrator_run",
    "tag=team:red": "run_by_tag",
    "wait=event": "run_by_wait",
    "error=builtins:KeyError": "run_by_error_type",
    "error=0123456789ab": "run_by_error",
    "created=1h": "orchestrator_run_pkey",
    "ended=1h": "run_by_end",
    "q=invoice-run-0000017": "run_idempotency_key",
    "q=89abcdef": "run_by_short_id",
    "q=country:DE": "run_by_attribute",
}


@pytest.fixture
def many_runs(db: None) -> None:
    list(seeding.fill(MANY))
    seeding.settle()


def test_every_filter_is_answered_by_its_index(many_runs: None) -> None:
    found = {query: plan(query) for query in FILTERS}

    for query, index in FILTERS.items():
        assert index in found[query], query
        assert "Seq Scan on orchestrator_run" not in found[query], query


def test_a_page_far_back_is_read_from_there(many_runs: None) -> None:
    ids = list(Run.objects.order_by("-id").values_list("id", flat=True))
    wanted = RunFilter(QueryDict("workflow=refund")).wanted()
    text, params = filters.newest(wanted, 51, before=ids[MANY // 2])

    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {text}", params)
        [(explained,)] = cursor.fetchall()

    assert most_rows(explained[0]["Plan"]) < MANY / 10


def plan(query: str) -> str:
    text, params = filters.newest(RunFilter(QueryDict(query)).wanted(), 51)
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {text}", params)
        return "\n".join(row[0] for row in cursor.fetchall())


def most_rows(node: dict[str, object]) -> int:
    """The most rows that any part of the plan has handed on or thrown away."""
    own = int(node["Actual Rows"]) + int(node.get("Rows Removed by Filter", 0))  # type: ignore[call-overload]
    parts: list[dict[str, object]] = node.get("Plans", [])  # type: ignore[assignment]
    return max([own, *map(most_rows, parts)])
