"""`manage.py runs list`."""

from __future__ import annotations

from datetime import timedelta

import pytest

from orchestrator import clock
from orchestrator.models import Run as Row


def test_runs_are_listed_newest_first_with_what_they_wait_for(manage, waiting, failed):
    done = manage("runs", "list")

    head, first, second = done.out.splitlines()
    assert head.split() == ["ID", "WORKFLOW", "VERSION", "STATUS", "CREATED", "ABOUT"]
    assert first.split()[:4] == [str(failed.id), "parcel", "1", "failed"]
    assert first.endswith("ConnectionError: the tape is out")
    assert second.split()[:4] == [str(waiting.id), "parcel", "1", "waiting"]
    assert second.endswith("event sent")
    assert {line.index("STATUS") for line in (head,)} == {first.index("failed")}
    assert done.status == 0


def test_a_line_of_json_has_the_names_of_the_api(manage, waiting):
    [line] = manage("runs", "list", "--json").lines

    assert line["id"] == str(waiting.id)
    assert (line["workflow"], line["version"], line["status"]) == ("parcel", "1", "waiting")
    assert (line["initiator"], line["attributes"]) == ("ada", {"country": "DE"})
    assert [(wait["kind"], wait["name"]) for wait in line["waiting_on"]] == [("event", "sent")]
    assert set(line) == {
        *("id", "workflow", "version", "status", "rev", "idempotency_key", "initiator"),
        *("parent_id", "attributes", "tags", "created_at", "started_at", "finished_at"),
        *("waiting_on", "error_line"),
    }


def ids(done):
    return [line["id"] for line in done.lines]


@pytest.mark.parametrize(
    "filters",
    [
        ["--status", "waiting"],
        ["--status", "waiting", "--status", "paused"],
        ["--attribute", "country=DE"],
        ["--workflow", "parcel", "--attribute", "country=DE", "--since", "1h"],
    ],
)
def test_filters_narrow_the_list(manage, waiting, failed, filters):
    assert ids(manage("runs", "list", "--json", *filters)) == [str(waiting.id)]


def test_all_attributes_must_fit(manage, waiting):
    filters = ["--attribute", "country=DE", "--attribute", "country=FR"]

    assert ids(manage("runs", "list", "--json", *filters)) == []


def test_since_is_a_length_of_time_or_a_time(manage, waiting, failed):
    Row.objects.filter(id=waiting.id).update(created_at=clock.now() - timedelta(minutes=30))
    at = (clock.now() - timedelta(minutes=5)).isoformat()

    assert ids(manage("runs", "list", "--json", "--since", "10m")) == [str(failed.id)]
    assert ids(manage("runs", "list", "--json", "--since", at)) == [str(failed.id)]
    assert len(ids(manage("runs", "list", "--json", "--since", "1h"))) == 2


def test_the_list_is_as_long_as_one_asks(manage, waiting, failed):
    assert ids(manage("runs", "list", "--json", "--limit", "1")) == [str(failed.id)]


def test_nothing_found_is_said_beside_the_output(manage, transactional_db):
    done = manage("runs", "list")

    assert (done.status, done.out, done.err) == (0, "", "no run is like that\n")


@pytest.mark.parametrize(
    ("filters", "words"),
    [
        (["--status", "odd"], "no status is called 'odd'. Known: scheduled, pending"),
        (["--workflow", "odd"], "no workflow is called 'odd'. Known: "),
        (["--attribute", "odd"], "an attribute is written key=value, not 'odd'"),
        (["--since", "odd"], "--since takes a duration such as 2h, or a time such as"),
        (["--since", "2026-01-05T09:00"], "--since takes a duration such as 2h"),
        (["--since", "2026-13-05T09:00Z"], "--since takes a duration such as 2h"),
    ],
)
def test_a_wrong_filter_is_one_line_and_status_1(manage, filters, words):
    done = manage("runs", "list", *filters)

    assert (done.status, done.out) == (1, "")
    assert words in done.err
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("words", [[], ["dance"], ["list", "--limit", "0"], ["list", "--odd"]])
def test_wrong_usage_is_status_2(manage, words):
    done = manage("runs", *words)

    assert done.status == 2
    assert done.err.startswith("usage: manage.py runs")
