"""`manage.py workflows`, `send_event` and `timers`; and what all commands have in common."""

from __future__ import annotations

import os
import signal
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import OperationalError

from orchestrator import Context, clock, hints, workflow
from orchestrator.core.definition import registry
from orchestrator.engine import timers
from orchestrator.management.console import Command as Console
from orchestrator.management.console import table
from orchestrator.models import Run as Row

# ---- workflows ------------------------------------------------------------------------


@pytest.fixture
def versions(parcel):
    """A second version of `parcel`, which new runs take."""

    @workflow(name="parcel", version="2")
    async def parcel_2(ctx: Context, number: int = 1) -> None:
        await ctx.sleep("1h")


def test_versions_are_listed_with_their_open_runs(manage, runs, waiting, failed, versions):
    lines = manage("workflows", "list", "--json").lines

    found = [line for line in lines if line["workflow"] == "parcel"]
    assert [(one["version"], one["is_default"], one["open"]) for one in found] == [
        ("1", False, 1),
        ("2", True, 0),
    ]


def test_a_version_without_code_is_listed_while_runs_are_on_it(manage, waiting, versions):
    registry._by_name["parcel"].pop("1")

    rows = [line.split() for line in manage("workflows", "list").out.splitlines()]

    assert ["parcel", "1", "1", "no", "code", "here"] in rows
    assert ["parcel", "2", "0", "default"] in rows


# ---- send_event -----------------------------------------------------------------------


def test_an_event_goes_to_one_run(manage, waiting):
    done = manage("send_event", "sent", "--run", waiting.id, "--key", "by air", "--payload", "[1]")

    assert done.out == f"delivered to {waiting.id}\n"
    assert waiting.refresh().status == "completed"
    assert waiting.events[0].payload == [1]


def test_an_event_goes_to_all_that_wait_for_it(manage, waiting):
    done = manage("send_event", "sent", "--key", "by air", "--json")

    assert done.document == {"delivered": True, "reason": "", "run_ids": [str(waiting.id)]}


def test_an_event_for_nobody_is_kept_and_says_so(manage):
    done = manage("send_event", "odd", "--payload", "-", stdin='{"a": 1}')

    assert done.status == 0
    assert done.out.startswith("no run waits for it; it is kept until ")


def test_an_event_to_a_run_that_has_ended_is_refused(manage, failed):
    done = manage("send_event", "sent", "--run", failed.id)

    assert (done.status, done.out) == (1, "")
    assert done.err == "CommandError: not delivered: the run has failed\n"


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["@skip"], "an event's name is a text of 1 to 200 characters"),
        (["sent", "--payload", "{"], "--payload is no JSON ("),
        (["sent", "--run", "nobody"], "no run has the id 'nobody'"),
        (["sent", "--run", str(uuid4())], "not delivered: no run has this id"),
        (["sent", "--user", "nobody"], "no user is called 'nobody'"),
    ],
)
def test_a_wrong_event_is_one_line_and_status_1(manage, words, error):
    done = manage("send_event", *words)

    assert (done.status, done.err.count("\n")) == (1, 1)
    assert error in done.err


# ---- timers ---------------------------------------------------------------------------


@pytest.fixture
def sent():
    """The runs at which somebody has hinted."""
    found = []
    before = hints.connect(lambda run_id, *_: found.append(run_id))
    yield found
    hints.connect(before)


def later(run, seconds):
    Row.objects.filter(id=run.id).update(due_at=clock.now() + timedelta(seconds=seconds))


def test_a_look_hints_at_what_is_due(transactional_db, parcel, sent):
    runs = [parcel.start(number) for number in range(3)]
    later(runs[1], -60)
    later(runs[2], 60)
    sent.clear()

    found = timers.look()

    assert sent == [runs[1].id]
    assert found.due == 2
    assert timedelta(seconds=59) < found.late < timedelta(seconds=70)
    assert found.pause(timedelta(seconds=1)) == timedelta(seconds=1)


def test_each_queue_gets_a_hint(transactional_db, parcel, sent):
    runs = [parcel.start(number) for number in range(2)]
    Row.objects.filter(id=runs[1].id).update(queue="slow")
    sent.clear()

    timers.look()

    assert sorted(sent) == sorted(run.id for run in runs)


def test_with_nothing_due_it_waits_for_the_next_timer(transactional_db, parcel, sent):
    run = parcel.start(1)
    later(run, 30)
    sent.clear()

    found = timers.look()

    assert sent == []
    assert found.pause(timedelta(seconds=1)) == timedelta(seconds=1)
    assert timedelta(seconds=20) < found.pause(timedelta(hours=1)) <= timedelta(seconds=30)


def test_with_no_run_at_all_it_waits_the_whole_interval(transactional_db, sent):
    assert timers.look().pause(timedelta(hours=1)) == timedelta(hours=1)


def test_two_of_them_do_no_harm(runs, parcel, effect):
    run = parcel.start(1)
    timers.look()
    timers.look()

    assert run.refresh().status == "waiting"
    assert effect.calls == [1]


def test_one_look_is_printed(manage, parcel, sent):
    later(parcel.start(1), -60)

    assert manage("timers", "--once").out.startswith("1 due, the oldest for 1 m ")
    assert manage("timers", "--once", "--json").document["due"] == 1


def test_it_looks_until_it_is_told_to_stop(manage, parcel, monkeypatch, sent):
    looks = []
    real = timers.look

    def look():
        looks.append(1)
        if len(looks) == 1:
            raise OperationalError("the server\nis away")
        if len(looks) == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return real()

    monkeypatch.setattr(timers, "look", look)

    done = manage("timers", "--interval", "1ms")

    assert (done.status, len(looks)) == (0, 3)
    assert done.err == "no look: the server is away\n"


def test_an_interval_is_a_length_of_time(manage):
    assert manage("timers", "--interval", "often").status == 2


# ---- all of them ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "status", "printed"),
    [
        (KeyboardInterrupt(), 130, "\n"),
        (OperationalError("server closed\nthe connection"), 1, "server closed the connection\n"),
        (ValueError("odd"), 1, "CommandError: odd\n"),
    ],
)
def test_what_goes_wrong_is_no_traceback(manage, monkeypatch, error, status, printed):
    def fail(*args: object, **options: object) -> None:
        raise error

    monkeypatch.setattr("orchestrator.management.commands.runs.Command.handle", fail)

    done = manage("runs", "list")

    assert done.status == status
    assert done.err.endswith(printed)
    assert "Traceback" not in done.err


def test_a_table_in_a_terminal_is_cut_at_its_width():
    lines = list(table(("KEY", "SAYS"), [("a", "one\ntwo three")], width=10))

    assert lines == ["KEY  SAYS", "a    one …"]


def test_progress_is_for_people(capsys, monkeypatch):
    console = Console()
    console.progress("3 of 9")
    assert capsys.readouterr().err == ""

    monkeypatch.setattr(console.stderr, "isatty", lambda: True)
    console.progress("4 of 9")
    assert "4 of 9" in capsys.readouterr().err
