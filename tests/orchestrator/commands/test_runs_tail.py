"""`manage.py runs tail` and `runs export-history`."""

from __future__ import annotations

import json
import sys

import pytest

from orchestrator import Context, Retry, workflow
from orchestrator.testing import InvalidHistory, replay_check


def test_a_run_that_has_ended_is_told_from_the_beginning(manage, runs, waiting):
    runs.send_event(waiting, "sent", key="by air")

    done = manage("runs", "tail", waiting.id)

    assert [line.split("  ", 1)[1].strip() for line in done.out.splitlines()] == [
        "step  pack  completed",
        "step  sent  completed",
        "step  ship  completed",
        "run   completed",
    ]
    assert done.status == 0


def test_what_happens_meanwhile_is_told_as_it_happens(manage, runs, waiting, monkeypatch):
    """Whoever reads that the run waits sends it what it waits for."""
    written = sys.stdout.write

    def write(text: str) -> int:
        if "event sent" in text and waiting.status == "waiting":
            runs.send_event(waiting, "sent", key="by air")
        return written(text)

    monkeypatch.setattr("django.core.management.base.OutputWrapper.write", _through(write))

    done = manage("runs", "tail", waiting.id, "--interval", "0")

    assert [line.split("  ", 1)[1].strip() for line in done.out.splitlines()] == [
        "step  pack  completed",
        "step  sent  begins",
        "run   waiting: event sent",
        "step  sent  completed",
        "step  ship  completed",
        "run   completed",
    ]


def _through(write):
    return lambda self, text="", style_func=None, ending="\n": write(f"{text}{ending}")


def test_attempts_and_the_log_are_told(manage, runs):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        ctx.logger.info("begins", items=2)
        await ctx.step("charge", str, retry=Retry(max_attempts=2, initial_delay="1s"))

    runs.fail(step="charge", times=2, error=ConnectionError("down"))
    run = runs.start(w)
    runs.advance("1m")

    done = manage("runs", "tail", run.id, "--json")

    assert [
        (line["about"], line["name"], line["status"], line["detail"]) for line in done.lines
    ] == [
        ("log", "", "info", "begins items=2"),
        ("step", "charge", "failed", "down"),
        ("run", "", "failed", "ConnectionError: down"),
    ]
    assert (done.status, done.err) == (1, "CommandError: the run is failed\n")


def test_a_run_that_there_is_not_is_not_followed(manage):
    assert manage("runs", "tail", "nobody").status == 1


def test_an_interval_is_a_number(manage):
    assert manage("runs", "tail", "x", "--interval", "often").status == 2


# ---- export-history -------------------------------------------------------------------


def test_a_history_is_written_to_the_output_and_replays(manage, waiting):
    done = manage("runs", "export-history", waiting.id)

    assert replay_check(done.out).then == "waits"


def test_a_history_is_written_to_a_file(manage, waiting, tmp_path):
    path = tmp_path / "history.json"

    done = manage("runs", "export-history", waiting.id, "-o", path, "--json")

    assert done.document == {"id": str(waiting.id), "output": str(path), "entries": 2}
    assert replay_check(path).outcomes == 1


def test_a_history_without_payloads_says_so(manage, waiting):
    done = manage("runs", "export-history", waiting.id, "--no-payloads")

    assert "input" not in json.loads(done.out)["run"]
    with pytest.raises(InvalidHistory):
        replay_check(done.out)


def test_a_file_that_cannot_be_written_is_one_line(manage, waiting, tmp_path):
    done = manage("runs", "export-history", waiting.id, "-o", tmp_path / "no" / "folder.json")

    assert done.status == 1
    assert done.err.endswith("cannot be written: No such file or directory\n")
