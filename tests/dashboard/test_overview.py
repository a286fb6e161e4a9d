"""The overview: what is under way, and what wants attention."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from humantasks import human_task
from orchestrator import Context, Run, workflow
from orchestrator.models import Run as Row
from orchestrator.testing.runs import Runs
from tests.dashboard.conftest import HTMX, LoggedIn

OVERVIEW = "/ops/"


def test_it_counts_what_is_under_way_and_leads_to_the_lists(
    operator: Client, runs: Runs, waiting: Run[None], failed: Run[None]
) -> None:
    @workflow(name="kyc")
    async def kyc(ctx: Context) -> None:
        await human_task(ctx, "review", type="kyc-review", assign_to="compliance-team")

    runs.start(kyc)
    kyc.start(delay="1d")

    response = operator.get(OVERVIEW)

    counts = {
        stat.word: (stat.number, stat.href)
        for stat in (*response.context["attention"], *response.context["now"])
    }
    runs_page = reverse("dashboard:runs")
    assert counts["Needs a person"] == ("1", f"{runs_page}?status=human")
    assert counts["Waiting"] == ("1", f"{runs_page}?status=waiting")
    assert counts["Scheduled"] == ("1", f"{runs_page}?status=scheduled")
    assert counts["Queued"] == ("0", f"{runs_page}?status=queued")
    assert counts["Failed in the last 24 h"] == ("1", f"{runs_page}?status=failed&ended=24h")
    for _, href in counts.values():
        assert operator.get(href).status_code == 200


def test_each_number_is_the_length_of_its_list(
    operator: Client, waiting: Run[None], failed: Run[None]
) -> None:
    stats = operator.get(OVERVIEW).context["attention"] + operator.get(OVERVIEW).context["now"]

    for stat in stats:
        assert len(operator.get(stat.href).context["rows"]) == int(stat.number)


def test_an_old_failure_is_no_longer_news(operator: Client, runs: Runs, failed: Run[None]) -> None:
    runs.advance("25h")

    response = operator.get(OVERVIEW)

    assert response.context["overview"].failed == 0
    assert "Nothing has failed" in response.content.decode()


def test_it_says_when_no_worker_takes_due_runs(operator: Client, waiting: Run[None]) -> None:
    row = Row.objects.get(id=waiting.id)
    Row.objects.filter(id=row.id).update(due_at=row.created_at - timedelta(minutes=3))

    page = operator.get(OVERVIEW).content.decode()

    assert "No worker takes 1 due run" in page
    assert "manage.py worker" in page


def test_it_is_a_part_of_a_page_for_htmx_and_nothing_when_nothing_is_new(
    operator: Client, waiting: Run[None]
) -> None:
    tag = operator.get(OVERVIEW).context["tag"]

    part = operator.get(OVERVIEW, headers=HTMX)
    unchanged = operator.get(OVERVIEW, headers={**HTMX, "X-Seen": tag})
    waiting.cancel("enough")
    changed = operator.get(OVERVIEW, headers={**HTMX, "X-Seen": tag})

    assert part.content.decode().lstrip().startswith('<div class="stack" id="overview"')
    assert (unchanged.status_code, unchanged.content) == (204, b"")
    assert changed.status_code == 200


def test_it_works_when_there_is_nothing_yet(operator: Client) -> None:
    assert operator.get(OVERVIEW).status_code == 200


def test_a_failure_shows_its_type_alone_to_who_may_not_see_payloads(
    viewer: Client, failed: Run[None]
) -> None:
    page = viewer.get(OVERVIEW).content.decode()

    assert "CardDeclined" in page
    assert "no funds" not in page


def test_the_number_of_queries(
    operator: Client, failed: Run[None], django_assert_num_queries: pytest.FixtureRequest
) -> None:
    operator.get(OVERVIEW)

    # Session 1, user 1, their permissions 2; due runs that nobody takes 1, active runs by
    # status 1, failures of the last day, listed and counted, 1; the numbers of the inbox 1.
    with django_assert_num_queries(8):
        operator.get(OVERVIEW)


def test_it_is_the_same_for_a_viewer(logged_in: LoggedIn) -> None:
    assert logged_in("Viewer").get(OVERVIEW).status_code == 200
