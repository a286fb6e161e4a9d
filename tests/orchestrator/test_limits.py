"""Limits and back-pressure: what is too large, too many or too often is refused, with words."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

import pytest

from orchestrator import (
    Context,
    IdempotencyConflict,
    TooManyStarts,
    hints,
    schedule,
    send_event,
    start_many,
    workflow,
)
from orchestrator.core import body
from orchestrator.models import Event, LogLine
from orchestrator.models import Run as Row
from orchestrator.store import ticks

KIB = 1024


@pytest.fixture
def waiter():
    @workflow(name="waiter")
    async def waiter(ctx: Context) -> list[object]:
        await ctx.wait_for_event("begin")
        return [await ctx.wait_for_event("n") for _ in range(3)]

    return waiter


# ---- the mailbox -------------------------------------------------------------------------


def test_a_full_mailbox_takes_no_more_and_says_so(runs, waiter, settings):
    settings.ORCHESTRATOR_MAX_MAILBOX = 3
    run = runs.start(waiter)
    for number in range(3):
        assert run.send_event("n", number).delivered

    refused = run.send_event("n", 3)

    assert not refused.delivered
    assert refused.is_full
    assert refused.reason == (
        "the run's mailbox is full: 3 events wait in it (ORCHESTRATOR_MAX_MAILBOX)"
    )
    assert Event.objects.count() == 3


def test_a_mailbox_that_was_full_takes_events_again_when_some_are_consumed(runs, waiter, settings):
    settings.ORCHESTRATOR_MAX_MAILBOX = 3
    run = runs.start(waiter)
    for number in range(3):
        run.send_event("n", number)
    assert run.send_event("begin").is_full

    settings.ORCHESTRATOR_MAX_MAILBOX = 4
    runs.send_event(run, "begin")

    assert run.result() == [0, 1, 2]


def test_what_the_engine_sends_itself_has_a_place_in_a_full_mailbox(runs, settings, effect):
    settings.ORCHESTRATOR_MAX_MAILBOX = 1

    @workflow(name="child")
    async def child(ctx: Context) -> str:
        await ctx.sleep("1h")
        return "done"

    @workflow(name="parent")
    async def parent(ctx: Context) -> object:
        return await ctx.start_child(child)

    run = runs.start(parent)
    run.send_event("noise")
    runs.advance("1h")

    assert run.refresh().result() == "done"


def test_a_sleep_is_skipped_whatever_is_in_the_mailbox(runs, settings):
    settings.ORCHESTRATOR_MAX_MAILBOX = 1

    @workflow(name="sleeper")
    async def sleeper(ctx: Context) -> str:
        await ctx.sleep("1h")
        return "awake"

    run = runs.start(sleeper)
    run.send_event("noise")
    run.skip_sleep()
    runs.drain()

    assert run.refresh().result() == "awake"


def test_a_broadcast_passes_a_full_mailbox_over_and_comes_later(runs, waiter, settings):
    settings.ORCHESTRATOR_MAX_MAILBOX = 1
    run = runs.start(waiter)
    run.send_event("noise")

    assert not send_event("begin").delivered
    settings.ORCHESTRATOR_MAX_MAILBOX = 9
    runs.advance("1s")
    ticks.reconcile(is_start=False)
    runs.drain()

    assert run.refresh().waiting_on[0].name == "n"


# ---- how often runs are started ----------------------------------------------------------


@pytest.fixture
def rated(effect):
    @workflow(name="rated", start_rate="3/m")
    async def rated(ctx: Context, n: int = 0) -> int:
        return n

    return rated


def test_starts_above_the_rate_are_refused_with_the_time_to_wait(runs, rated):
    for number in range(3):
        rated.start(number)

    with pytest.raises(
        TooManyStarts, match="rated is started at most 3/m; the next may be in"
    ) as no:
        rated.start(3)

    assert timedelta(seconds=50) < no.value.retry_after <= timedelta(minutes=1)
    assert Row.objects.count() == 3


def test_after_that_time_the_next_may_start(runs, rated):
    for number in range(3):
        rated.start(number)
    runs.advance("30s")
    with pytest.raises(TooManyStarts) as no:
        rated.start()

    runs.advance(no.value.retry_after)

    assert rated.start().refresh().status == "completed"


def test_a_start_with_a_known_key_is_answered_above_the_rate(runs, rated):
    first, *_ = [rated.start(number, idempotency_key=f"k-{number}") for number in range(3)]

    assert rated.start(0, idempotency_key="k-0") == first
    with pytest.raises(IdempotencyConflict):
        rated.start(9, idempotency_key="k-0")
    with pytest.raises(TooManyStarts):
        rated.start(3, idempotency_key="k-3")


def test_starts_in_bulk_count_each(runs, rated):
    start_many(rated, [1, 2])

    with pytest.raises(TooManyStarts):
        start_many(rated, [3, 4])
    with pytest.raises(ValueError, match="so 4 at once never may be"):
        start_many(rated, [1, 2, 3, 4])
    assert len(start_many(rated, [3])) == 1
    assert Row.objects.count() == 3


def test_other_workflows_and_their_runs_are_not_counted(runs, rated, waiter):
    for number in range(3):
        rated.start(number)

    assert waiter.start().status
    assert not Row.objects.filter(workflow="waiter", rated_at__isnull=False).exists()


def test_a_schedule_above_the_rate_waits_and_says_why(runs, rated):
    made = schedule(rated, every="1h")
    for number in range(3):
        made.trigger(idempotency_key=f"k-{number}")
    before = made.next_at
    Row.objects.update(rated_at=before)
    runs.advance(before - Row.objects.first().created_at)

    assert made.refresh().error.startswith("TooManyStarts: rated is started at most 3/m")
    runs.advance("2m")
    assert (made.refresh().error, made.started) == ("", 1)


def test_a_wrong_rate_is_refused_at_import():
    with pytest.raises(ValueError, match="not a rate: 'often'"):
        workflow(name="w", start_rate="often")


# ---- sizes -------------------------------------------------------------------------------


def warnings_of(run) -> list[str]:
    lines = LogLine.objects.filter(run_id=run.id, level="warning").order_by("id")
    return list(lines.values_list("message", flat=True))


def test_a_large_result_leaves_a_warning_in_the_log_of_the_run(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step("small", lambda: "x" * 10 * KIB)
        await ctx.step("large", lambda: "x" * 70 * KIB)

    run = runs.start(w)

    assert run.status == "completed"
    assert warnings_of(run) == ["the result of 'large' is large: store a reference"]
    line = LogLine.objects.get(run_id=run.id)
    assert (line.key, line.fields["bytes"]) == ("large", 70 * KIB + 2)


def test_a_large_input_or_event_is_warned_of(runs, waiter, caplog):
    @workflow(name="w")
    async def w(ctx: Context, text: str) -> None: ...

    with caplog.at_level(logging.WARNING, "orchestrator"):
        runs.start(w, "x" * 70 * KIB)
        runs.start(waiter).send_event("n", "x" * 70 * KIB)

    assert "the input of w is large" in caplog.text
    assert "the payload of event n is large" in caplog.text


def test_a_journal_that_grows_too_large_stops_its_run_and_keeps_what_it_did(runs, settings, effect):
    settings.ORCHESTRATOR_MAX_JOURNAL = 100 * KIB

    @workflow(name="w")
    async def w(ctx: Context) -> int:
        for number in range(12):
            await ctx.step("s", lambda n=number: str(effect(n)) + "x" * 10 * KIB)
        return 12

    run = runs.start(w)

    assert run.status == "blocked"
    assert run.error["type"] == "JournalTooLarge"
    assert "ORCHESTRATOR_MAX_JOURNAL" in run.error["message"]
    assert "the journal grows large: store references, or use child runs" in warnings_of(run)
    assert effect.calls == list(range(10))

    settings.ORCHESTRATOR_MAX_JOURNAL = 200 * KIB
    run.resume()
    runs.drain()

    assert run.refresh().result() == 12
    assert effect.calls == list(range(12))


def test_a_run_whose_journal_is_too_large_is_not_replayed(runs, settings, effect):
    settings.ORCHESTRATOR_MAX_JOURNAL = 20 * KIB

    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step("s", lambda: "x" * 30 * KIB)
        effect("went on")

    run = runs.start(w)
    run.resume()
    runs.drain()

    assert run.refresh().status == "blocked"
    assert effect.calls == []


def test_a_long_journal_is_warned_of_long_before_its_end(runs, settings, effect):
    settings.ORCHESTRATOR_MAX_ENTRIES = 50

    @workflow(name="w")
    async def w(ctx: Context) -> None:
        for number in range(20):
            await ctx.step("s", effect, number)

    run = runs.start(w)

    assert warnings_of(run) == ["the journal grows long: let child runs do parts of it"]


# ---- at once -----------------------------------------------------------------------------


@pytest.fixture
def few_at_once(monkeypatch):
    assert body.MAX_PENDING == 2_000
    monkeypatch.setattr(body, "MAX_PENDING", 8)


def test_a_body_may_not_wait_for_too_many_things_at_once(runs, few_at_once):
    @workflow(name="greedy")
    async def greedy(ctx: Context, count: int) -> None:
        await asyncio.gather(*(ctx.sleep("1d", name=f"s{n}") for n in range(count)))

    assert runs.start(greedy, 8).status == "waiting"
    run = runs.start(greedy, 9)

    assert run.status == "failed"
    assert "a run waits for at most 8 steps, timers and events at once" in run.error["message"]


def test_many_one_after_the_other_are_not_too_many(runs, few_at_once):
    @workflow(name="patient")
    async def patient(ctx: Context) -> int:
        for _ in range(20):
            async with asyncio.timeout(60):
                await asyncio.gather(*(ctx.step("s", int) for _ in range(3)))
        return 1

    assert runs.start(patient).result() == 1


# ---- a fair share ------------------------------------------------------------------------


@pytest.fixture
def busy(effect):
    @workflow(name="busy")
    async def busy(ctx: Context, name: str) -> str:
        for number in range(10):
            await ctx.step("s", effect, f"{name}{number}")
        return name

    return busy


def test_a_busy_run_lets_others_have_its_place_when_it_is_crowded(runs, busy, effect, settings):
    settings.ORCHESTRATOR_BATCH = 1
    settings.ORCHESTRATOR_TICK_OUTCOMES = 4
    hints.connect(None)
    one, two = busy.start("a"), busy.start("b")
    runs.drain()

    assert "".join(effect.calls) == ("a0a1a2a3b0b1b2b3a4a5a6a7b4b5b6b7a8a9b8b9")
    assert (one.refresh().result(), two.refresh().result()) == ("a", "b")


def test_with_room_for_others_a_busy_run_keeps_its_place(runs, busy, effect, settings):
    settings.ORCHESTRATOR_TICK_OUTCOMES = 4

    run = runs.start(busy, "a")

    assert Row.objects.get(id=run.id).epoch == 2  # one claim, and the end


def test_a_busy_run_makes_way_after_its_time_too(runs, busy, settings):
    settings.ORCHESTRATOR_BATCH = 1
    settings.ORCHESTRATOR_TICK_TIME = "0s"

    run = runs.start(busy, "a")

    assert run.result() == "a"
    assert Row.objects.get(id=run.id).epoch > 5


def test_a_run_does_not_make_way_between_an_intent_and_its_step(runs, settings, effect):
    settings.ORCHESTRATOR_BATCH = 1
    settings.ORCHESTRATOR_TICK_OUTCOMES = 1

    @workflow(name="once")
    async def once(ctx: Context) -> list[object]:
        return [await ctx.step("s", effect, n, at_most_once=True) for n in range(4)]

    assert runs.start(once).result() == [0, 1, 2, 3]
    assert effect.calls == [0, 1, 2, 3]
