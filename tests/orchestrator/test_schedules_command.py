"""`manage.py schedules`."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from orchestrator import Context, schedule, workflow
from orchestrator.operating import deeds


def say(*args: str) -> str:
    out = StringIO()
    call_command("schedules", *args, stdout=out)
    return out.getvalue()


def data(*args: str) -> Any:
    return json.loads(say(*args, "--json"))


@pytest.fixture
def nightly(runs):
    @workflow(name="report")
    async def report(ctx: Context) -> None: ...

    return schedule(report, cron="0 3 * * *", tz="Europe/Berlin", name="nightly")


def test_list_shows_each_schedule_with_what_comes_next(nightly):
    head, line = say("list").splitlines()

    assert head.split()[:3] == ["NAME", "WORKFLOW", "STATE"]
    assert line.split()[:4] == ["nightly", "report", "active", "operator"]
    assert "At 03:00 every day (Europe/Berlin)" in line
    assert data("list")[0]["next_at"] == nightly.next_at.isoformat()


def test_list_leaves_out_what_has_ended_unless_asked(nightly):
    nightly.delete()

    assert say("list") == "none\n"
    assert data("list", "--all")[0]["state"] == "ended"


def test_pause_and_resume_are_done_and_shown(nightly, alice):
    assert (
        data("pause", "nightly", "--reason", "partner down", "--user", "alice")["state"] == "paused"
    )
    assert nightly.refresh()._row.paused_by == "alice"
    assert data("resume", "nightly")["state"] == "active"


def test_trigger_starts_a_run_and_show_has_it(nightly, alice):
    run = data("trigger", "nightly", "--user", "alice")

    assert data("show", "nightly")["runs"] == [run | {"status": "completed"}]
    assert run["id"] in say("show", "nightly")


def test_preview_has_the_zone_of_the_schedule(nightly):
    times = [one["time"] for one in data("preview", "nightly", "--count", "2")]

    assert [time[11:16] for time in times] == ["03:00", "03:00"]
    assert {time[19:] for time in times} <= {"+01:00", "+02:00"}
    assert len(say("preview", "nightly").splitlines()) == 6


def test_backfill_starts_what_was_missing(nightly):
    end = nightly.next_at - timedelta(days=1)
    span = ["--from", (end - timedelta(days=2)).isoformat(), "--to", end.isoformat()]

    assert len(data("backfill", "nightly", *span)) == 3
    assert data("backfill", "nightly", *span) == []


@pytest.mark.parametrize(
    ("args", "answer"),
    [
        (["show", "x"], "no schedule is called 'x'"),
        (["resume", "nightly"], "that is active cannot be resumed"),
        (["preview", "nightly", "--count", "0"], "a preview has 1 to"),
        (["fly", "nightly"], "invalid choice"),
        (
            ["backfill", "nightly", "--from", "2026-01-01", "--to", "2026-01-02"],
            "is no time with its zone",
        ),
    ],
)
def test_what_cannot_be_done_is_said_and_the_exit_status_is_not_zero(nightly, args, answer):
    with pytest.raises(CommandError, match=answer):
        say(*args)


def test_delete_ends_it(nightly):
    assert data("delete", "nightly")["state"] == "ended"


def test_put_makes_a_schedule_and_changes_it(nightly):
    made = data("put", "hourly", "--workflow", "report", "--every", "1h")
    changed = data(
        "put", "hourly", "--workflow", "report", "--cron", "0 * * * *", "--overlap", "queue"
    )

    assert (made["state"], made["when"], made["source"]) == ("active", "Every 1:00:00", "operator")
    assert (changed["when"], changed["overlap"]) == ("At the start of every hour (UTC)", "queue")


@pytest.mark.parametrize(
    ("args", "answer"),
    [
        (["--workflow", "report"], "one of the arguments --cron --every is required"),
        (["--workflow", "odd", "--every", "1h"], "odd"),
        (["--workflow", "report", "--every", "soon"], "soon"),
        (["--workflow", "report", "--every", "1h", "--tz", "UTC"], "tz= belongs to cron="),
        (["--workflow", "report", "--every", "1h", "--input", "{"], "--input is no JSON"),
    ],
)
def test_a_wrong_schedule_is_not_made(nightly, args, answer):
    with pytest.raises(CommandError, match=answer):
        say("put", "hourly", *args)

    assert [one["name"] for one in data("list")] == ["nightly"]


def test_what_is_done_to_a_schedule_is_told_to_the_witnesses(nightly, monkeypatch):
    told = []
    monkeypatch.setattr(deeds, "_witnesses", [told.append])

    say("pause", "nightly", "--reason", "too late")
    with pytest.raises(CommandError, match="refused: a schedule that is paused cannot be paused"):
        say("pause", "nightly")
    run = data("trigger", "nightly")

    assert [(one.verb, one.schedule, one.is_refused) for one in told] == [
        ("pause schedule", "nightly", False),
        ("pause schedule", "nightly", True),
        ("trigger schedule", "nightly", False),
    ]
    assert (told[0].reason, told[0].before, told[0].after) == ("too late", "active", "paused")
    assert str(told[2].run_id) == run["id"]
