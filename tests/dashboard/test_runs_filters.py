"""What the runs list is narrowed by, and what is said of a filter that cannot be."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.db.utils import ProgrammingError
from django.test import Client

from dashboard.queries.limits import TookTooLong, within
from orchestrator import Context, Retry, Run, workflow
from orchestrator.models import Run as Row
from orchestrator.testing.runs import Runs
from tests.dashboard.conftest import CardDeclined
from tests.dashboard.test_runs_list import RUNS, ids, many


@pytest.fixture
def labelled(transactional_db: None) -> Run[None]:
    """A run with attributes and tags, which fails."""

    def pay(number: int) -> None:
        raise CardDeclined(f"card {number} was declined")

    @workflow(name="labelled", version="7", tags={"team": "red"})
    async def labelled(ctx: Context) -> None:
        await ctx.step("pay", pay, 12, retry=Retry(max_attempts=1))

    return labelled.start(attributes={"country": "DE", "card": "4711"}, tags={"urgent": True})


@pytest.mark.parametrize(
    "query",
    [
        "attribute=country:DE",
        "attribute=country=DE&attribute=&attribute=card:4711",
        "tag=team:red",
        "tag=team:red&attribute=country:DE&status=failed",
        "q=country:DE",
        "q=urgent:true",
        "q=tag:team:red",
        "q=wf:labelled",
        "q=status:failed",
        "q=error:tests.dashboard.conftest:CardDeclined",
        "error=tests.dashboard.conftest:CardDeclined",
        "workflow=labelled&version=7",
        "workflow=labelled&created=1h&since=2026-01-01T10:00",
        "status=failed&status=completed&created=24h",
    ],
)
def test_a_run_is_found_by(
    query: str, operator: Client, labelled: Run[None], runs: Runs, waiting: Run[None]
) -> None:
    runs.drain()

    assert ids(operator.get(f"{RUNS}?{query}")) == [labelled.id]


@pytest.mark.parametrize(
    "query",
    [
        "attribute=country:FR",
        "tag=country:DE",
        "attribute=country:DE&attribute=card:1",
        "workflow=labelled&version=8",
        "created=1h&until=2026-01-01T10:00",
        "wait=timer",
    ],
)
def test_a_run_is_not_found_by(query: str, operator: Client, labelled: Run[None]) -> None:
    response = operator.get(f"{RUNS}?{query}")

    assert (response.status_code, ids(response)) == (200, [])


def test_runs_with_the_same_error_and_the_children_of_a_run(
    operator: Client, labelled: Run[None], runs: Runs, waiting: Run[None]
) -> None:
    runs.drain()
    Row.objects.filter(id=waiting.id).update(parent_id=labelled.id)
    signature = Row.objects.get(id=labelled.id).error_signature

    alike = operator.get(f"{RUNS}?error={signature}")
    children = operator.get(f"{RUNS}?parent={labelled.id}")

    assert ids(alike) == [labelled.id]
    assert ids(children) == [waiting.id]
    # Both can be taken away again.
    assert [one.query for one in alike.context["active"]] == [""]
    assert [one.query for one in children.context["active"]] == [""]


def test_a_run_is_found_by_the_end_of_its_id(operator: Client, waiting: Run[None]) -> None:
    assert ids(operator.get(f"{RUNS}?q={waiting.id.hex[-8:].upper()}")) == [waiting.id]


def test_runs_by_what_they_wait_for(
    operator: Client, waiting: Run[None], failed: Run[None]
) -> None:
    assert ids(operator.get(f"{RUNS}?wait=event")) == [waiting.id]
    assert ids(operator.get(f"{RUNS}?wait=event&status=failed")) == []


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("attribute=country", "“country” is not written as name:value."),
        ("attribute=a:%00", "Null characters are not allowed."),
        ("version=1", "It is a version of which workflow?"),
        ("since=soon", "Enter a valid date/time."),
        ("wait=rain", "“rain” is unknown. There is: human_task, event,"),
        ("cols=size", "“size” is unknown. There is: state, started,"),
        ("parent=1", "Enter a valid UUID."),
        ("&".join(f"tag=a{n}:1" for n in range(6)), "At most 5 of them hold at once."),
    ],
)
def test_what_is_wrong_in_a_filter_is_said(
    query: str, said: str, operator: Client, waiting: Run[None]
) -> None:
    response = operator.get(f"{RUNS}?{query}")

    assert response.status_code == 422
    assert said in response.content.decode()
    assert ids(response) == [waiting.id]


def test_columns_are_chosen_in_the_address(operator: Client, labelled: Run[None]) -> None:
    page = operator.get(f"{RUNS}?cols=attributes&cols=attempt")
    text = page.content.decode()

    assert ">Attempt</th>" in text
    assert ">Took</th>" not in text
    assert 'href="/ops/runs/?attribute=country%3ADE"' in text
    # A secret's value leads nowhere.
    assert "4711" not in text
    assert "cols=attributes&cols=attempt" in page.context["live_url"]


def test_every_run_of_a_workflow_is_on_exactly_one_page_whatever_its_status(
    operator: Client,
) -> None:
    made = [one for status in ("completed", "failed", "waiting") for one in many(40, status=status)]
    seen: list[UUID] = []
    query = "workflow=import"
    while query:
        response = operator.get(f"{RUNS}?{query}")
        seen += ids(response)
        query = response.context["pager"]["older"]

    assert seen == sorted(made, reverse=True)
    assert response.context["pager"]["summary"] == "20 of 120"


@pytest.mark.sqlite
def test_a_list_that_takes_too_long_offers_spans_of_time(
    operator: Client, waiting: Run[None], monkeypatch: pytest.MonkeyPatch
) -> None:
    many(300)
    monkeypatch.setattr("dashboard.views.runs.LIMIT", timedelta(0))
    monkeypatch.setattr("dashboard.queries.limits._INSTRUCTIONS", 1)

    response = operator.get(f"{RUNS}?workflow=import")

    page = response.content.decode()
    assert response.status_code == 200
    assert "These filters take the database too long." in page
    assert "?workflow=import&amp;created=24h" in page
    # The next one is not stopped.
    monkeypatch.undo()
    assert ids(operator.get(f"{RUNS}?workflow=signature")) == [waiting.id]


@pytest.mark.postgres
def test_the_database_is_stopped_after_the_limit_and_not_for_the_next(
    transactional_db: None,
) -> None:
    def sleep(seconds: float) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(%s)", [seconds])

    with pytest.raises(TookTooLong), within(timedelta(milliseconds=20)):
        sleep(5)

    sleep(0.03)
    with pytest.raises(ProgrammingError), within(timedelta(seconds=1)):
        Row.objects.extra(where=["no_such_column"]).first()
