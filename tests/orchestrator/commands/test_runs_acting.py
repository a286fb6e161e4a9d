"""`manage.py runs cancel|pause|resume|retry|fork`, and who is told of it."""

from __future__ import annotations

from uuid import uuid4

import pytest

from orchestrator import get_run, operating
from orchestrator.core.errors import UnknownRun
from orchestrator.operating import Operator, deeds


@pytest.fixture
def told(monkeypatch):
    """What a witness is told."""
    told = []
    monkeypatch.setattr(deeds, "_witnesses", [told.append])
    return told


def test_cancel_asks_a_run_to_stop(manage, runs, waiting, told):
    done = manage("runs", "cancel", waiting.id, "--reason", "a mistake")
    runs.drain()

    assert (done.status, done.out) == (0, f"{waiting.id}  asked to stop; it is waiting\n")
    assert waiting.refresh().status == "cancelled"
    [deed] = told
    assert (deed.verb, deed.reason, deed.is_refused) == ("cancel", "a mistake", False)
    assert "@" in deed.operator.label
    assert deed.operator.user is None


def test_pause_and_resume(manage, runs, waiting, told):
    paused = manage("runs", "pause", waiting.id, "--json").document
    resumed = manage("runs", "resume", waiting.id).out

    assert paused == {"id": str(waiting.id), "status": "paused", "applied": True, "detail": ""}
    assert resumed == f"{waiting.id}  goes on; it is pending\n"
    assert [(deed.before, deed.after) for deed in told] == [
        ("waiting", "paused"),
        ("paused", "pending"),
    ]


def test_retry_goes_on_from_the_failed_step(manage, runs, failed, told):
    done = manage("runs", "retry", failed.id)
    runs.drain()

    assert done.out == f"{failed.id}  goes on from its failed step; it is pending\n"
    assert failed.refresh().status == "waiting"


def test_retry_from_a_step_executes_it_again(manage, runs, failed, effect, told):
    manage("runs", "retry", failed.id, "--from", "pack")
    runs.drain()

    assert effect.calls == [8]
    assert (told[0].verb, told[0].detail) == ("retry from", "Step pack")


def test_fork_makes_a_run_with_what_came_before(manage, runs, waiting, effect, told):
    done = manage("runs", "fork", waiting.id, "sent", "--input", "9", "--json")
    runs.drain()

    made = get_run(done.document["id"])
    assert (made.input, made.status, made.steps[0].result) == (9, "waiting", 7)
    assert effect.calls == [7]
    assert done.document["forked_from"] == str(waiting.id)
    assert [(one.verb, one.run_id, one.detail) for one in told] == [
        ("start", made.id, f"Forked from the run {waiting.id} at step sent"),
        ("fork", waiting.id, f"Step sent: made the run {made.id}"),
    ]


def test_a_refusal_is_one_line_and_told_to_the_witness(manage, failed, told):
    done = manage("runs", "cancel", failed.id)

    assert (done.status, done.out) == (1, "")
    assert done.err == "CommandError: refused: The run has ended: failed\n"
    [deed] = told
    assert (deed.is_refused, deed.detail, deed.after) == (
        True,
        "The run has ended: failed",
        "failed",
    )


def test_several_runs_are_each_tried(manage, waiting, failed, told):
    done = manage("runs", "pause", failed.id, waiting.id)

    assert done.out.splitlines() == [
        f"{failed.id}  refused: a run that is failed cannot be paused",
        f"{waiting.id}  no further step starts; it is paused",
    ]
    assert (done.status, done.err) == (1, "CommandError: 1 of 2 were refused\n")


def test_a_refusal_in_json_says_why(manage, failed, told):
    done = manage("runs", "resume", failed.id, "--json")

    assert done.status == 1
    assert done.document["applied"] is False
    assert done.document["detail"] == "a run that is failed cannot be resumed"


def test_a_user_may_act_under_their_name(manage, waiting, alice, told):
    manage("runs", "pause", waiting.id, "--user", "alice")

    assert told[0].operator == Operator(label="alice", user=alice)


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["cancel", "nobody"], "no run has the id 'nobody': an id looks like"),
        (["cancel", str(uuid4())], "no run has the id "),
        (["cancel", str(uuid4()), "--user", "nobody"], "no user is called 'nobody'"),
        (["fork", str(uuid4()), "a", "--input", "{"], "--input is no JSON ("),
        (["retry", str(uuid4()), "--from", "a"], "no run has the id "),
    ],
)
def test_what_there_is_not_is_one_line_and_status_1(manage, words, error):
    done = manage("runs", *words)

    assert (done.status, done.out, done.err.count("\n")) == (1, "", 1)
    assert error in done.err


def test_an_input_that_does_not_fit_makes_no_run(manage, waiting, told):
    done = manage("runs", "fork", waiting.id, "sent", "--input", '"nine"')

    assert done.status == 1
    assert "input of parcel: " in done.err
    assert told == []


def test_an_input_may_come_from_the_input(manage, waiting, told):
    done = manage("runs", "fork", waiting.id, "sent", "--input", "-", "--json", stdin="11")

    assert get_run(done.document["id"]).input == 11


def test_a_step_that_there_is_not_is_told_with_those_that_there_are(manage, waiting, told):
    done = manage("runs", "fork", waiting.id, "odd")

    assert "refused: the run has no step 'odd'. It has: pack, sent" in done.err


def test_a_witness_that_fails_takes_the_deed_back(runs, waiting, monkeypatch):
    def fail(_deed: object) -> None:
        raise RuntimeError("the audit is full")

    monkeypatch.setattr(deeds, "_witnesses", [fail])
    with pytest.raises(RuntimeError):
        operating.pause(waiting.id, Operator(label="ada"))

    assert waiting.refresh().status == "waiting"


def test_a_run_that_there_is_not_is_told_to_nobody(transactional_db, told):
    with pytest.raises(UnknownRun):
        operating.cancel(uuid4(), Operator(label="ada"))

    assert told == []
