"""The runs list: what a line says, filters, pages, and the live rows."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from dashboard.queries import runs as queries
from humantasks import human_task
from orchestrator import Context, Retry, Run, clock, workflow
from orchestrator.core.ids import uuid7
from orchestrator.models import Run as Row
from orchestrator.testing.runs import Runs
from tests.dashboard.conftest import HTMX

RUNS = "/ops/runs/"


def ids(response: object) -> list[UUID]:
    return [row.id for row in response.context["rows"]]


def many(number: int, **fields: object) -> list[UUID]:
    """Runs as they may be in the table, oldest first."""
    made = [
        Row(
            id=uuid7(),
            workflow="import",
            version="1",
            input="null",
            created_at=clock.now(),
            **{"status": "completed", **fields},
        )
        for _ in range(number)
    ]
    return sorted(row.id for row in Row.objects.bulk_create(made))


def test_a_line_says_what_a_run_is_and_what_it_waits_for(
    operator: Client, waiting: Run[None]
) -> None:
    page = " ".join(re.sub(r"<[^>]+>", " ", operator.get(RUNS).content.decode()).split())

    assert "Waiting for event signature 2" in page
    assert waiting.id.hex[-8:] in page
    # Five days, less what the test has taken.
    assert re.search("document.signed times out in [45] d", page)
    assert "ana" in page


def test_a_failed_run_shows_its_error_in_one_line(operator: Client, failed: Run[None]) -> None:
    page = operator.get(RUNS).content.decode()

    assert "CardDeclined: no funds on card, token=•••• redacted" in page
    assert "o-1" in page
    assert "tok-4711" not in page


def test_who_may_not_see_payloads_sees_the_type_of_the_error(
    viewer: Client, failed: Run[None]
) -> None:
    page = viewer.get(RUNS).content.decode()

    assert "CardDeclined" in page
    assert "no funds" not in page


def test_a_retrying_run_shows_its_next_attempt(operator: Client, runs: Runs) -> None:
    def pull() -> None:
        raise ConnectionError("down")

    @workflow(name="sync")
    async def sync(ctx: Context) -> None:
        await ctx.step("pull", pull, retry=Retry(initial_delay="10m"))

    runs.start(sync)

    page = operator.get(RUNS).content.decode()

    assert "Retrying" in page
    assert "attempt 2" in page


def test_filters(operator: Client, waiting: Run[None], failed: Run[None]) -> None:
    def found(query: str) -> list[UUID]:
        return ids(operator.get(f"{RUNS}?{query}"))

    assert found("") == [failed.id, waiting.id]
    assert found("status=failed") == [failed.id]
    assert found("status=failed&status=waiting") == [failed.id, waiting.id]
    assert found("status=human") == []
    assert found("workflow=signature") == [waiting.id]
    assert found(f"q={waiting.id}") == [waiting.id]
    assert found(f"q={waiting.id.hex}") == [waiting.id]
    assert found("q=o-1") == [failed.id]
    assert found("q=o-1&workflow=order") == [failed.id]
    assert found("q=o") == []
    assert found("ended=1h") == [failed.id]


def test_runs_that_need_a_person(operator: Client, runs: Runs, waiting: Run[None]) -> None:
    @workflow(name="kyc")
    async def kyc(ctx: Context) -> None:
        await human_task(ctx, "review", type="kyc-review", assign_to="compliance-team")

    run = runs.start(kyc)

    assert ids(operator.get(f"{RUNS}?status=human")) == [run.id]
    assert ids(operator.get(f"{RUNS}?status=waiting")) == [waiting.id]
    run.cancel("enough")
    assert ids(operator.get(f"{RUNS}?status=human")) == []


def test_a_filter_that_cannot_be_is_left_out_and_said(operator: Client, waiting: Run[None]) -> None:
    response = operator.get(RUNS, {"status": "no-such", "q": "a\x00b", "before": "x"})

    assert response.status_code == 422
    assert ids(response) == [waiting.id]
    assert "It is left out." in response.content.decode()


def test_an_unknown_filter_is_named_with_those_there_are(
    operator: Client, waiting: Run[None]
) -> None:
    response = operator.get(RUNS, {"status": ["failed", "broken", "odd"], "ended": "1y"})

    page = response.content.decode()
    assert response.status_code == 422
    assert "“broken”, “odd” is unknown. There is: human, blocked, failed," in page
    assert "“1y” is unknown. There is: 1h, 24h, 7d, 30d." in page
    # What is known of it still counts.
    assert "No run matches" in page


def test_a_workflow_that_never_was_is_told_from_one_without_code(
    operator: Client, waiting: Run[None]
) -> None:
    Row.objects.filter(id=waiting.id).update(workflow="of-last-year")

    unknown = operator.get(RUNS, {"workflow": "no-such"})

    assert unknown.status_code == 422
    assert "“no-such” is unknown." in unknown.content.decode()
    assert operator.get(RUNS, {"workflow": "of-last-year"}).status_code == 200
    assert operator.get(RUNS, {"workflow": "signature"}).status_code == 200


def test_a_list_without_matches_offers_the_way_back(operator: Client, waiting: Run[None]) -> None:
    page = operator.get(f"{RUNS}?status=paused").content.decode()

    assert "No run matches" in page
    assert f'href="{RUNS}"' in page


def test_every_run_is_on_exactly_one_page(operator: Client) -> None:
    made = many(120)
    seen: list[UUID] = []
    query = ""
    while True:
        response = operator.get(f"{RUNS}?{query}")
        seen += ids(response)
        many(1)  # what comes meanwhile moves no page
        if not (query := response.context["pager"]["older"]):
            break

    assert seen == list(reversed(made))


def test_newer_leads_back_the_same_way(operator: Client) -> None:
    many(120)
    first = operator.get(RUNS)
    second = operator.get(f"{RUNS}?{first.context['pager']['older']}")
    third = operator.get(f"{RUNS}?{second.context['pager']['older']}")

    back = operator.get(f"{RUNS}?{third.context['pager']['newer']}")
    start = operator.get(f"{RUNS}?{back.context['pager']['newer']}")

    assert ids(back) == ids(second)
    assert ids(start) == ids(first)
    assert start.context["pager"]["newer"] == ""


def test_a_changed_filter_drops_the_cursor(operator: Client) -> None:
    many(60)
    second = operator.get(f"{RUNS}?{operator.get(RUNS).context['pager']['older']}")

    links = [chip.query for chip in second.context["chips"]] + [second.context["any_status"]]

    assert not any("before" in link or "after" in link for link in links)
    assert 'name="before"' not in second.content.decode()


def test_counts_stop_at_the_cap(operator: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    many(55)
    monkeypatch.setattr(queries, "CAP", 51)
    monkeypatch.setattr("dashboard.views.runs.CAP", 51)

    assert "50 of 51+" in operator.get(f"{RUNS}?status=completed").content.decode()
    assert "50 runs" in operator.get(RUNS).content.decode()


def test_rows_that_have_not_changed_are_not_sent_again(
    operator: Client, waiting: Run[None], runs: Runs
) -> None:
    page = operator.get(RUNS)
    live, tag = page.context["live_url"], page.context["tag"]

    unchanged = operator.get(live, headers={**HTMX, "X-Seen": tag})
    runs.send_event(waiting, "document.signed", {}, key="d-1")
    changed = operator.get(live, headers={**HTMX, "X-Seen": tag})
    again = operator.get(live, headers={**HTMX, "X-Seen": changed.context["tag"]})

    assert (unchanged.status_code, unchanged.content) == (204, b"")
    assert changed.status_code == 200
    assert "Completed" in changed.content.decode()
    assert again.status_code == 204


def test_new_runs_are_announced_and_not_inserted(operator: Client, waiting: Run[None]) -> None:
    page = operator.get(RUNS)
    many(2)

    part = operator.get(page.context["live_url"], headers={**HTMX, "X-Seen": page.context["tag"]})

    assert ids(part) == [waiting.id]
    assert "2 new runs" in part.content.decode()


def test_a_later_page_announces_nothing(operator: Client) -> None:
    many(60)
    second = operator.get(f"{RUNS}?{operator.get(RUNS).context['pager']['older']}")
    many(1)

    answer = operator.get(
        second.context["live_url"], headers={**HTMX, "X-Seen": second.context["tag"]}
    )

    assert answer.status_code == 204


def test_a_row_that_left_the_filter_stays_until_the_reader_goes_on(
    operator: Client, waiting: Run[None]
) -> None:
    page = operator.get(f"{RUNS}?status=waiting")
    waiting.cancel("enough")

    part = operator.get(page.context["live_url"], headers={**HTMX, "X-Seen": page.context["tag"]})

    assert ids(part) == [waiting.id]
    assert "Cancelled" in part.content.decode()


def test_ids_that_are_none_are_refused(operator: Client) -> None:
    assert operator.get(f"{RUNS}rows/?shown=abc").status_code == 400


def test_htmx_gets_a_part_and_an_address_without_empty_fields(
    operator: Client, waiting: Run[None]
) -> None:
    response = operator.get(f"{RUNS}?q=&workflow=signature&ended=", headers=HTMX)

    assert response.content.decode().lstrip().startswith('<div class="stack" id="runs"')
    assert response.headers["HX-Push-Url"] == f"{RUNS}?workflow=signature"
    assert "HX-Request" in response.headers["Vary"]


def test_going_back_gets_the_whole_page(operator: Client, waiting: Run[None]) -> None:
    back = operator.get(RUNS, headers={**HTMX, "HX-History-Restore-Request": "true"})

    assert "<!doctype html>" in back.content.decode()


def test_a_list_reads_no_payload(operator: Client, waiting: Run[None], failed: Run[None]) -> None:
    page = operator.get(RUNS).content.decode()

    assert "hunter2" not in page
    assert "Traceback" not in page


def test_the_number_of_queries(operator: Client) -> None:
    def asked(address: str, headers: dict[str, str] | None = None) -> int:
        with CaptureQueriesContext(connection) as captured:
            operator.get(address, headers=headers)
        return sum(not re.match("BEGIN|COMMIT", one["sql"]) for one in captured.captured_queries)

    many(60, finished_at=clock.now(), started_at=clock.now() - timedelta(seconds=3))
    first = operator.get(RUNS)
    older = first.context["pager"]["older"]
    # On PostgreSQL 1 sets the limit of the page.
    limit = connection.vendor == "postgresql"

    # Session 1, user 1, their permissions 2, saved lists 1, the page 1, the numbers of the
    # inbox 1.
    assert asked(RUNS) == 7 + limit
    # The capped count comes with the page.
    assert asked(f"{RUNS}?status=completed&{older}") == 7 + limit
    # Session 1, user 1, permissions 2, what would be on the page 1, the shown rows' change 1.
    seen = {**HTMX, "X-Seen": first.context["tag"]}
    assert asked(first.context["live_url"], seen) == 6
