"""`manage.py replay_check`: of files, and of every open run before a deploy."""

from __future__ import annotations

import pytest

from orchestrator import Context, clock, workflow
from orchestrator.core.definition import registry
from orchestrator.models import Entry
from orchestrator.models import Run as Row


@pytest.fixture
def file(manage, waiting, tmp_path):
    path = tmp_path / "waiting.json"
    manage("runs", "export-history", waiting.id, "-o", path)
    return path


@pytest.fixture
def changed(waiting):
    """Today's code of `parcel` wraps before it packs."""
    registry._by_name.pop("parcel")

    @workflow(name="parcel")
    async def changed(ctx: Context, number: int = 1) -> None:
        await ctx.step("wrap", str)

    return changed


def test_files_that_replay_are_counted(manage, file):
    done = manage("replay_check", file, file)

    assert (done.status, done.out) == (0, "2 replayed, all of them well\n")


def test_a_file_that_does_not_replay_is_told(manage, file, changed):
    done = manage("replay_check", file, "--json")

    [line] = done.lines
    assert (line["replays"], line["source"], line["position"]) == (False, str(file), 1)
    assert (line["expected"], line["got"]) == ("step 'pack'", "step 'wrap'")
    assert (done.status, done.err) == (1, "CommandError: 1 of 1 do not replay\n")


def test_what_is_no_history_is_told_and_the_others_are_replayed(manage, file, tmp_path):
    (tmp_path / "odd.json").write_text("{}")

    done = manage("replay_check", tmp_path / "odd.json", "no.json", file, "--json")

    assert [line["replays"] for line in done.lines] == [False, False, True]
    assert "this is no history" in done.lines[0]["error"]
    assert "cannot be read" in done.lines[1]["error"]
    assert done.status == 1


@pytest.mark.parametrize("words", [[], ["--open", "a.json"]])
def test_files_or_open_runs_not_neither_or_both(manage, words):
    done = manage("replay_check", *words)

    assert (done.status, done.err) == (2, "CommandError: give files, or --open\n")


# ---- open runs ------------------------------------------------------------------------


def everything():
    """All that is in the tables of runs and journals."""
    return list(Row.objects.order_by("id").values()), list(Entry.objects.order_by("pk").values())


def test_open_runs_are_replayed_and_left_as_they_are(manage, runs, parcel, waiting, failed):
    for number in range(4):
        runs.start(parcel, number)
    parcel.start(5, delay="1h")
    before = everything()

    done = manage("replay_check", "--open", "--batch", "2")

    assert (done.status, done.out) == (0, "5 replayed, all of them well\n")
    assert everything() == before


def test_an_open_run_that_today_s_code_cannot_go_on_with_stops_a_deploy(manage, waiting, changed):
    done = manage("replay_check", "--open")

    assert done.status == 1
    assert f"parcel 1, run {waiting.id}: journal position 1: " in done.out
    assert done.err == "CommandError: 1 of 1 do not replay\n"


def test_an_open_run_whose_version_is_gone_stops_a_deploy(manage, waiting):
    registry._by_name.pop("parcel")

    done = manage("replay_check", "--open")

    assert done.status == 1
    assert f"parcel 1, run {waiting.id}: no workflow is called 'parcel'" in done.out


def test_only_one_workflow_may_be_looked_at(manage, runs, waiting, changed):
    @workflow(name="other")
    async def other(ctx: Context) -> None:
        await ctx.sleep("1h")

    runs.start(other)

    assert manage("replay_check", "--open", "--workflow", "other").status == 0
    assert manage("replay_check", "--open", "--workflow", "parcel").status == 1
    assert (
        "no workflow is called 'odd'" in manage("replay_check", "--open", "--workflow", "odd").err
    )


def test_a_run_that_a_worker_holds_is_replayed_too(manage, runs, parcel):
    runs.crash_at("before_body", step="pack")
    run = runs.start(parcel)
    assert run.status == "running"

    done = manage("replay_check", "--open", "--json")

    assert [line["replays"] for line in done.lines] == [True]
    runs.drain()
    assert clock.skew() == clock.ZERO
