"""The page of trends."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from orchestrator import Run
from orchestrator.models import Run as Row
from orchestrator.store import stats
from orchestrator.testing.runs import Runs
from tests.dashboard.conftest import HTMX

TRENDS = "/ops/trends/"


@pytest.fixture
def counted(runs: Runs, waiting: Run[None], failed: Run[None]) -> None:
    """The minutes of two runs are counted."""
    runs.advance("3m")
    while stats.count():
        pass


def test_it_shows_what_was_counted(operator: Client, counted: None, failed: Run[None]) -> None:
    page = operator.get(f"{TRENDS}?range=1h")
    trends = page.context["trends"]

    assert {one.what: one.total for one in trends.courses} == {
        "created": 2,
        "completed": 0,
        "failed": 1,
    }
    order = trends.workflows[0]
    assert (order.workflow, order.failed, order.rate, order.median) == ("order", 1, 100.0, None)
    [cause] = trends.causes
    signature = Row.objects.get(id=failed.id).error_signature
    assert (cause.signature, cause.type, cause.number) == (signature, "CardDeclined", 1)
    alike = operator.get(f"/ops/runs/?error={cause.signature}")
    assert [row.id for row in alike.context["rows"]] == [failed.id]
    assert "no funds" not in page.content.decode()


@pytest.mark.parametrize("name", ["1h", "24h", "7d", "30d", "odd"])
def test_each_range_has_its_points(name: str, operator: Client, counted: None) -> None:
    page = operator.get(f"{TRENDS}?range={name}")

    trends = page.context["trends"]
    assert page.status_code == 200
    assert {len(one.numbers) for one in trends.courses} == {len(trends.starts)}
    assert 40 <= len(trends.starts) <= 60


def test_it_says_when_nothing_is_counted_yet(operator: Client) -> None:
    assert "Nothing is counted yet" in operator.get(TRENDS).content.decode()


def test_an_unchanged_page_is_not_sent_again(operator: Client, counted: None) -> None:
    tag = operator.get(TRENDS).context["tag"]

    assert operator.get(TRENDS, headers={**HTMX, "X-Seen": tag}).status_code == 204
    assert "<!doctype" not in operator.get(TRENDS, headers=HTMX).content.decode()


def test_it_takes_no_more_than_eight_queries(operator: Client, counted: None) -> None:
    # The first page of a session writes it.
    operator.get(TRENDS)
    with CaptureQueriesContext(connection) as captured:
        operator.get(f"{TRENDS}?range=24h")

    # Session, user, permissions 2, the numbers of the inbox; by time, by workflow, errors.
    assert len(captured) == 8
