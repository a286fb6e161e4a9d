"""Reading runs: the list, one run, its parts, and what is not shown to whom."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from orchestrator import Context, Run, models, workflow
from orchestrator.core.ids import uuid7
from orchestrator.testing.runs import Runs
from tests.api.conftest import MakeProgram, Program, code_of


def ids(response: Any) -> list[str]:
    return [one["id"] for one in response.json()["items"]]


@pytest.fixture
def three(runs: Runs) -> list[Run[None]]:
    """Runs of two workflows, the oldest first."""

    @workflow(name="wait")
    async def wait(ctx: Context) -> None:
        await ctx.wait_for_event("go")

    @workflow(name="done")
    async def done(ctx: Context) -> None:
        pass

    first = runs.start(wait, attributes={"country": "DE", "vip": True}, idempotency_key="w-1")
    second = runs.start(wait, attributes={"country": "FR"}, tags={"team": "red"})
    return [first, second, runs.start(done, attributes={"country": "DE"})]


# ---- the list ------------------------------------------------------------------------


def test_the_list_is_newest_first(api: Program, three: list[Run[None]]) -> None:
    response = api.get("/runs")

    assert response.status_code == 200
    assert ids(response) == [str(run.id) for run in reversed(three)]


def test_a_line_says_what_a_run_waits_for(api: Program, waiting: Run[None]) -> None:
    [line] = api.get("/runs").json()["items"]

    assert (line["workflow"], line["version"], line["status"]) == ("signature", "2", "waiting")
    [wait] = line["waiting_on"]
    assert (wait["kind"], wait["name"]) == ("event", "document.signed")


def test_a_line_says_why_a_run_failed(api: Program, failed: Run[None]) -> None:
    [line] = api.get("/runs").json()["items"]

    assert line["error_line"] == "CardDeclined: no funds on card, token=•••• redacted"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"workflow": "wait"}, [1, 0]),
        ({"workflow": "nothing"}, []),
        ({"status": "completed"}, [2]),
        ({"status": ["completed", "waiting"]}, [2, 1, 0]),
        ({"attribute": "country:DE"}, [2, 0]),
        ({"attribute": ["country:DE", "vip:true"]}, [0]),
        ({"attribute": "country:D"}, []),
        ({"tag": "team:red"}, [1]),
        ({"tag": ["team:red", "team:blue"]}, []),
        ({"waiting_on": "event"}, [1, 0]),
        ({"waiting_on": "timer"}, []),
        ({"error": "builtins:ValueError"}, []),
        ({"idempotency_key": "w-1"}, [0]),
        ({"idempotency_key": "w-1", "workflow": "done"}, []),
        ({"workflow": "wait", "attribute": "country:FR", "status": "waiting"}, [1]),
    ],
)
def test_filters(
    query: dict[str, Any], expected: list[int], api: Program, three: list[Run[None]]
) -> None:
    assert ids(api.get("/runs", query)) == [str(three[number].id) for number in expected]


def test_a_filter_by_time_counts_from_when_a_run_was_made(
    api: Program, three: list[Run[None]]
) -> None:
    moment = three[1].created_at.isoformat()

    later = ids(api.get("/runs", {"started_after": moment}))
    before = ids(api.get("/runs", {"started_before": moment}))

    assert later == [str(three[2].id), str(three[1].id)]
    assert before == [str(three[0].id)]


def test_a_filter_by_time_keeps_up_with_a_clock_that_was_moved(
    api: Program, runs: Runs, three: list[Run[None]]
) -> None:
    runs.advance("30d")
    moment = three[0].created_at + timedelta(days=1)

    @workflow(name="late")
    async def late(ctx: Context) -> None:
        pass

    run = runs.start(late)

    assert ids(api.get("/runs", {"started_after": moment.isoformat()})) == [str(run.id)]


def test_children_of_a_run(api: Program, runs: Runs) -> None:
    @workflow(name="child")
    async def child(ctx: Context) -> None:
        pass

    @workflow(name="parent")
    async def parent(ctx: Context) -> None:
        await ctx.start_child(child)

    run = runs.start(parent)

    [line] = api.get("/runs", {"parent_id": str(run.id)}).json()["items"]
    assert (line["workflow"], line["parent_id"]) == ("child", str(run.id))


def test_pages_hold_each_run_once(api: Program, three: list[Run[None]]) -> None:
    first = api.get("/runs", {"limit": 2}).json()
    second = api.get("/runs", {"limit": 2, "cursor": first["next_cursor"]}).json()

    found = [one["id"] for one in first["items"] + second["items"]]
    assert found == [str(run.id) for run in reversed(three)]
    assert second["next_cursor"] is None


@pytest.mark.parametrize(
    "query",
    [
        {"status": "done"},
        {"limit": 0},
        {"limit": 201},
        {"limit": "many"},
        {"cursor": "x"},
        {"cursor": "W10"},
        {"attribute": "country"},
        {"attribute": [f"a:{number}" for number in range(6)]},
        {"started_after": "yesterday"},
        {"started_after": "2026-01-01T00:00:00"},
        {"started_after": "1767225600"},
        {"started_after": "0001-01-01T00:00:00+23:59"},
        {"parent_id": "x"},
        {"workflow": "a\x00b"},
        {"colour": "red"},
        {"order_by": "initiator__password"},
    ],
)
def test_a_filter_that_makes_no_sense_is_named(query: dict[str, Any], api: Program) -> None:
    response = api.get("/runs", query)

    assert (response.status_code, code_of(response)) == (422, "invalid")
    [error] = response.json()["errors"]
    assert error["loc"][:2] == ["query", next(iter(query))]


def test_a_cursor_of_another_list_is_refused(api: Program, waiting: Run[None]) -> None:
    cursor = api.get(f"/runs/{waiting.id}/timeline", {"limit": 1}).json()["next_cursor"]

    assert api.get("/runs", {"cursor": cursor}).status_code == 422


# ---- one run -------------------------------------------------------------------------


def test_a_run_has_the_names_of_the_library(api: Program, runs: Runs, waiting: Run[None]) -> None:
    runs.send_event(waiting, "other", {"note": "hello"}, event_id="e-1")

    body = api.get(f"/runs/{waiting.id}").json()

    assert (body["id"], body["status"], body["initiator"]) == (str(waiting.id), "waiting", "ana")
    assert body["input"] == {"id": "d-1", "password": "•••• redacted"}
    assert [step["key"] for step in body["steps"]] == ["draft", "document.signed"]
    assert body["steps"][0]["result"]["id"] == "d-1"
    [wait] = body["waiting_on"]
    assert (wait["name"], wait["detail"]["event_key"]) == ("document.signed", "d-1")
    [event] = body["events"]
    assert (event["name"], event["payload"], event["event_id"]) == (
        "other",
        {"note": "hello"},
        "e-1",
    )


def test_a_failed_run_says_where_and_why(api: Program, failed: Run[None]) -> None:
    error = api.get(f"/runs/{failed.id}").json()["error"]

    assert error["type"] == "tests.dashboard.conftest:CardDeclined"
    assert (error["message"], error["step"]) == (
        "no funds on card, token=•••• redacted",
        "charge",
    )
    assert "tok-4711" not in api.get(f"/runs/{failed.id}").content.decode()


def test_who_may_not_see_payloads_sees_none(
    program: MakeProgram, waiting: Run[None], failed: Run[None], runs: Runs
) -> None:
    runs.send_event(waiting, "other", {"note": "hello"})
    viewer = program("Viewer")

    for path in (
        f"/runs/{waiting.id}",
        f"/runs/{waiting.id}/events",
        f"/runs/{waiting.id}/logs",
        f"/runs/{waiting.id}/steps/draft",
        f"/runs/{failed.id}",
        f"/runs/{failed.id}/result",
        f"/runs/{failed.id}/steps/charge",
        "/runs",
    ):
        text = viewer.get(path).content.decode()
        assert "hello" not in text, path
        # With its quotes: an id may hold the same letters.
        assert '"d-1"' not in text.replace('"event_key":"d-1"', ""), path
        assert "no funds" not in text, path
    body = viewer.get(f"/runs/{waiting.id}").json()
    assert (body["payloads"], body["input"], body["output"]) == ("hidden", None, None)


def test_payloads_that_were_removed_are_no_nulls_of_the_run(
    api: Program, failed: Run[None]
) -> None:
    tag = api.get(f"/runs/{failed.id}").headers["ETag"]
    models.Run.objects.filter(id=failed.id).update(is_purged=True, input="null")

    response = api.get(f"/runs/{failed.id}", if_none_match=tag)

    assert (response.status_code, response.json()["payloads"]) == (200, "removed")


def test_a_long_result_is_left_to_its_step(api: Program, runs: Runs) -> None:
    @workflow(name="long")
    async def long(ctx: Context) -> None:
        await ctx.step("read", lambda: "x" * 20_000)

    run = runs.start(long)

    [step] = api.get(f"/runs/{run.id}").json()["steps"]
    whole = api.get(f"/runs/{run.id}/steps/read").json()

    assert (step["result"], step["result_length"]) == (None, 20_002)
    assert whole["result"] == "x" * 20_000


def test_a_long_payload_is_left_to_the_list_of_events(
    api: Program, runs: Runs, waiting: Run[None]
) -> None:
    for letter in "abc":
        runs.send_event(waiting, "news", letter * 600_000)

    events = api.get(f"/runs/{waiting.id}").json()["events"]
    first = api.get(f"/runs/{waiting.id}/events").json()
    second = api.get(f"/runs/{waiting.id}/events", {"cursor": first["next_cursor"]}).json()

    assert [(one["payload"], one["payload_length"]) for one in events] == [(None, 600_002)] * 3
    pages = [[one["payload"][0] for one in page["items"]] for page in (first, second)]
    assert pages == [["a", "b"], ["c"]]
    assert second["next_cursor"] is None


def test_a_step_shows_its_attempts(api: Program, failed: Run[None]) -> None:
    body = api.get(f"/runs/{failed.id}/steps/charge").json()

    assert [(one["number"], one["error"]) for one in body["made"]] == [
        (1, "CardDeclined"),
        (2, "CardDeclined"),
    ]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/runs/{other}", "unknown-run"),
        ("/runs/{other}/timeline", "unknown-run"),
        ("/runs/{other}/result", "unknown-run"),
        ("/runs/{run}/steps/nothing", "unknown-step"),
        ("/runs/{run}/steps/a%00b", "unknown-step"),
        ("/runs/42", "not-found"),
        ("/runs/{run}/everything", "not-found"),
    ],
)
def test_what_there_is_not(path: str, code: str, api: Program, waiting: Run[None]) -> None:
    response = api.get(path.format(run=waiting.id, other=uuid7()))

    assert (response.status_code, code_of(response)) == (404, code)


def test_an_outsider_cannot_tell_a_run_from_no_run(
    program: MakeProgram, waiting: Run[None]
) -> None:
    outsider = program("nobody")

    there, not_there = (outsider.get(f"/runs/{one}") for one in (waiting.id, uuid7()))

    assert there.status_code == not_there.status_code == 403
    assert there.content == not_there.content


# ---- what has not changed ------------------------------------------------------------


def test_a_run_that_has_not_changed_is_not_sent_again(
    api: Program, runs: Runs, waiting: Run[None], django_assert_num_queries: Any
) -> None:
    path = f"/runs/{waiting.id}"
    tag = api.get(path).headers["ETag"]

    with django_assert_num_queries(4):  # the token, two of permissions, the run
        same = api.get(path, if_none_match=f'"x", {tag}')
    runs.send_event(waiting, "other", {})
    changed = api.get(path, if_none_match=tag)

    assert (same.status_code, same.content) == (304, b"")
    assert same.headers["ETag"] == tag
    assert changed.status_code == 200


def test_who_sees_more_has_another_tag(program: MakeProgram, waiting: Run[None]) -> None:
    tag = program("Viewer").get(f"/runs/{waiting.id}").headers["ETag"]

    assert program("Operator").get(f"/runs/{waiting.id}", if_none_match=tag).status_code == 200


# ---- parts ---------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["timeline", "history", "events", "logs"])
def test_a_part_comes_in_pages(part: str, api: Program, runs: Runs) -> None:
    @workflow(name="busy")
    async def busy(ctx: Context) -> None:
        for number in range(5):
            ctx.logger.info("doing", number=number)
            await ctx.step("item", dict)
        await ctx.wait_for_event("never")

    run = runs.start(busy)
    for number in range(5):
        runs.send_event(run, "news", number)
    whole = api.get(f"/runs/{run.id}/{part}").json()["items"]

    found, cursor = [], None
    while len(found) < 20:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = api.get(f"/runs/{run.id}/{part}", query).json()
        found += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert len(whole) >= 5
    assert found == whole


def test_the_timeline_says_when_and_how_often(api: Program, failed: Run[None]) -> None:
    rows = api.get(f"/runs/{failed.id}/timeline").json()["items"]

    assert [(row["key"], row["status"], row["attempts"]) for row in rows] == [
        ("reserve", "completed", 1),
        ("charge", "failed", 2),
    ]
    assert [one["kind"] for one in rows[1]["segments"]].count("run") == 2


def test_the_log_is_redacted(api: Program, runs: Runs) -> None:
    @workflow(name="chatty")
    async def chatty(ctx: Context) -> None:
        ctx.logger.warning("called with token=abc", card="4711", total=3)

    run = runs.start(chatty)

    [line] = api.get(f"/runs/{run.id}/logs").json()["items"]
    assert (line["level"], line["step"]) == ("warning", None)
    assert line["message"] == "called with token=•••• redacted"
    assert line["fields"] == {"card": "•••• redacted", "total": 3}


# ---- how much it costs ---------------------------------------------------------------

# The token and its user, and the permissions: of the user, of the groups.
CALLER = 3


def test_a_list_is_one_query(
    api: Program, three: list[Run[None]], django_assert_num_queries: Any
) -> None:
    api.get("/runs")

    with django_assert_num_queries(CALLER + 1):
        api.get("/runs", {"attribute": "country:DE", "status": "waiting"})


def test_a_run_is_six_queries(
    api: Program, waiting: Run[None], django_assert_num_queries: Any
) -> None:
    api.get("/runs")

    # The row, its entries, its events, its payloads, and two for the event that it waits for.
    with django_assert_num_queries(CALLER + 6):
        api.get(f"/runs/{waiting.id}")


def test_a_list_does_not_read_payloads(api: Program, waiting: Run[None]) -> None:
    models.Run.objects.filter(id=waiting.id).update(input="not JSON")

    assert ids(api.get("/runs")) == [str(UUID(str(waiting.id)))]
