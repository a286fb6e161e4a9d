"""`manage.py runs show`, and why a run does not move."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from orchestrator import Context, Retry, clock, workflow
from orchestrator.core.definition import registry
from orchestrator.models import Run as Row


def test_a_run_is_shown_with_its_steps(manage, waiting):
    text = manage("runs", "show", waiting.id).out

    assert f"run         {waiting.id}\n" in text
    assert "workflow    parcel 1\n" in text
    assert "initiator   ada\n" in text
    assert "attributes  country=DE\n" in text
    assert "input       7\n" in text
    assert "pack  step   completed  1" in text
    assert "sent  event  open" in text


def test_the_document_has_the_names_of_the_api(manage, runs, waiting):
    runs.send_event(waiting, "sent", {"by": "air"}, key="by air")

    found = manage("runs", "show", waiting.id, "--json").document

    assert (found["status"], found["input"], found["output"]) == ("completed", 7, 7)
    assert [(step["key"], step["status"], step["result"]) for step in found["steps"]] == [
        ("pack", "completed", 7),
        ("sent", "completed", {"by": "air"}),
        ("ship", "completed", 7),
    ]
    [event] = found["events"]
    assert (event["name"], event["payload"], event["consumed_by"]) == (
        "sent",
        {"by": "air"},
        "sent",
    )
    assert (found["standing"], found["diagnoses"]) == ([], [])


def test_a_run_that_failed_shows_the_traceback(manage, failed):
    text = manage("runs", "show", failed.id).out

    assert "It failed (step pack): ConnectionError: the tape is out\nTraceback" in text
    assert "Why it does not move" not in text


def test_a_long_value_is_cut(manage, runs, parcel):
    @workflow(name="w")
    async def w(ctx: Context, text: str) -> None: ...

    text = manage("runs", "show", runs.start(w, "x" * 5_000).id).out

    assert "… 3,002 more characters" in text


def test_a_purged_run_says_that_its_payloads_are_gone(manage, failed):
    Row.objects.filter(id=failed.id).update(is_purged=True)

    text = manage("runs", "show", failed.id).out

    assert "payloads  purged by retention\n" in text
    assert "input" not in text


@pytest.mark.parametrize("name", ["nobody", uuid4()])
def test_a_run_that_there_is_not(manage, name):
    done = manage("runs", "show", name)

    assert done.status == 1
    assert done.err.startswith("CommandError: no run has the id ")
    assert done.err.count("\n") == 1


# ---- why it does not move -------------------------------------------------------------


def why(manage, run):
    """What `show` says of it."""
    found = manage("runs", "show", run.id, "--json").document
    return [*found["standing"], *(f"{one['title']}. {one['text']}" for one in found["diagnoses"])]


def test_a_wait_is_a_sentence(manage, waiting):
    [sentence] = why(manage, waiting)

    assert sentence.startswith("It waits for the event sent, for ")


def test_a_sleep_says_how_long_still(manage, runs):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.sleep("30d", name="a month")

    [sentence] = why(manage, runs.start(w))

    assert sentence.startswith("It sleeps (a month), for ")
    assert sentence.endswith(" (in 29 d).") or sentence.endswith(" (in 30 d).")


def test_a_retry_says_what_failed(manage, runs):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step("charge", str, retry=Retry(initial_delay="1h"))

    runs.fail(step="charge", error=ConnectionError("down"))

    [sentence] = why(manage, runs.start(w))

    assert sentence.startswith("It waits to try charge again, which failed: down, for ")


def test_a_paused_run_says_how_it_goes_on(manage, waiting):
    waiting.pause()

    assert f"It is paused. It goes on with: manage.py runs resume {waiting.id}" in why(
        manage, waiting
    )


def test_a_blocked_run_says_what_differs(manage, runs, parcel, waiting):
    registry._by_name.pop("parcel")

    @workflow(name="parcel")
    async def other(ctx: Context, number: int = 1) -> None:
        await ctx.step("wrap", str)

    runs.send_event(waiting, "sent")

    found = why(manage, waiting)

    assert found[0].startswith("It is blocked: NonDeterminism: journal position 1")
    assert found[1] == "The journal has step 'pack'; the code asked for step 'wrap'."


def test_a_run_that_was_asked_to_stop_says_why(manage, runs, parcel, waiting):
    runs.crash_at("after_claim")
    waiting.cancel("too late")

    assert "It was asked to stop: too late; its body has yet to be told." in why(manage, waiting)
    runs.drain()


def test_a_run_that_nobody_takes_says_so(manage, parcel):
    run = parcel.start(1)
    Row.objects.filter(id=run.id).update(due_at=clock.now() - timedelta(minutes=1))

    text = manage("runs", "show", run.id).out

    assert "No worker has taken it for 1 m 0 s. It is due, and nobody looks." in text


def test_a_run_whose_worker_died_says_so(manage, runs, parcel):
    runs.crash_at("before_body", step="pack")
    run = runs.start(parcel)
    Row.objects.filter(id=run.id).update(due_at=clock.now() - timedelta(minutes=1))

    text = manage("runs", "show", run.id).out

    assert "\nNow\n" in text
    assert "holds it." in text
    assert "The lease of its worker has been over for 1 m 0 s." in text
    runs.drain()


def test_an_event_with_another_key_says_so(manage, runs, waiting):
    runs.send_event(waiting, "sent", key="by sea")

    assert (
        "sent has come, with the key by sea. The run waits for sent with the key by air"
        in (why(manage, waiting)[-1])
    )


def test_a_version_without_code_says_so(manage, waiting):
    registry._by_name.pop("parcel")

    assert why(manage, waiting)[-1].startswith("There is no code for parcel 1 here. ")


def test_a_run_for_later_says_when(manage, parcel):
    [sentence] = why(manage, parcel.start(1, delay="2h"))

    assert sentence in ("It is to begin in 1 h.", "It is to begin in 2 h.")
