"""`manage.py prune`."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from orchestrator import Context, clock, workflow
from orchestrator.core.durations import parse_duration
from orchestrator.management.commands import prune
from orchestrator.models import Run as Row


def say(*args: str) -> str:
    out = StringIO()
    call_command("prune", *args, stdout=out)
    return out.getvalue()


def data(*args: str) -> Any:
    return json.loads(say(*args, "--json"))


@pytest.fixture
def old_runs(runs):
    """Two runs of one workflow and one of another, that ended 40 days ago."""

    @workflow(name="order")
    async def order(ctx: Context) -> None: ...

    @workflow(name="report", retention="1y")
    async def report(ctx: Context) -> None: ...

    for each in (order, order, report):
        runs.start(each)
    clock.move(parse_duration("40d"))


@pytest.fixture(autouse=True)
def _quiet(monkeypatch):
    """A slow machine would say how far it is."""
    monkeypatch.setattr(prune, "SAY_SECONDS", 60.0)


def test_it_says_how_far_it_is(old_runs, monkeypatch):
    monkeypatch.setattr(prune, "SAY_SECONDS", 0.0)

    assert say("--batch", "1").startswith("1 runs after ")


def test_it_says_what_it_has_removed(old_runs):
    assert say() == "removed 2 runs\n"
    assert say() == "removed nothing\n"
    assert Row.objects.get().workflow == "report"


def test_a_dry_run_removes_nothing(old_runs):
    assert say("--dry-run") == "would remove 2 runs\n"
    assert data("--dry-run", "--older-than", "30d")["removed"] == {"runs": 3}
    assert Row.objects.count() == 3


def test_an_age_on_the_command_line_wins_over_settings_and_workflows(old_runs):
    assert data("--older-than", "41d")["removed"].get("runs") is None
    assert data("--older-than", "39d")["removed"]["runs"] == 3


def test_payloads_alone(old_runs):
    assert data("--payloads", "--older-than", "30d")["removed"] == {"payloads": 3}
    assert Row.objects.filter(is_purged=True).count() == 3


def test_it_stops_at_the_time_limit_and_says_so(old_runs):
    assert "the next call goes on here" in say("--max-seconds", "0", "--batch", "1")
    assert Row.objects.count() == 2
    assert data("--batch", "1")["is_done"]
    assert Row.objects.count() == 1


def test_it_names_the_workflows_that_it_left_alone(old_runs):
    Row.objects.filter(workflow="order").update(workflow="elsewhere")

    assert "left alone, because they are not known here: elsewhere" in say()
    assert data()["left"] == ["elsewhere"]


@pytest.mark.parametrize(
    ("args", "answer"),
    [
        (["--older-than", "soon"], "not a duration: 'soon'"),
        (["--workflow", "x"], "'x' are kept is not known here"),
        (["--batch", "0"], "--batch is 1 or more"),
    ],
)
def test_wrong_options_are_refused(db, args, answer):
    with pytest.raises(CommandError, match=answer):
        say(*args)
