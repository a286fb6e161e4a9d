"""`manage.py schedules`."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from orchestrator import Context, schedule, workflow


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

    assert head.split()[:3] == ["name", "workflow", "state"]
    assert line.split()[:4] == ["nightly", "report", "active", "operator"]
    assert "At 03:00 every day (Europe/Berlin)" in line
    assert data("list")[0]["next_at"] == nightly.next_at.isoformat()


def test_list_leaves_out_what_has_ended_unless_asked(nightly):
    nightly.delete()

    assert say("list") == "none\n"
    assert data("list", "--all")[0]["state"] == "ended"


def test_pause_and_resume_are_done_and_shown(nightly):
    assert data("pause", "nightly", "--reason", "partner down", "--by", "dana")["state"] == "paused"
    assert nightly.refresh()._row.paused_by == "dana"
    assert data("resume", "nightly")["state"] == "active"


def test_trigger_starts_a_run_and_show_has_it(nightly):
    run = data("trigger", "nightly", "--by", "dana")

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
            "needs a time zone",
        ),
    ],
)
def test_what_cannot_be_done_is_said_and_the_exit_status_is_not_zero(nightly, args, answer):
    with pytest.raises(CommandError, match=answer):
        say(*args)


def test_delete_ends_it(nightly):
    assert data("delete", "nightly")["state"] == "ended"
