"""Sleeps and durations: nothing held but a row, never early, once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from orchestrator import ActionRefused, Context, parse_duration, workflow


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("100ms", 0.1),
        ("1.5 msec", 0.0015),
        ("2msecs", 0.002),
        ("3 millisecond", 0.003),
        ("4milliseconds", 0.004),
        ("5s", 5),
        ("0.25sec", 0.25),
        ("30 secs", 30),
        ("1second", 1),
        ("2 seconds", 2),
        ("2m", 120),
        ("1.5min", 90),
        ("3 mins", 180),
        ("1 MINUTE", 60),
        ("2Minutes", 120),
        ("1h", 3_600),
        (".5h", 1_800),
        ("2hr", 7_200),
        ("3 hrs", 10_800),
        ("1hour", 3_600),
        ("2 hours", 7_200),
        ("0d", 0),
        ("1 day", 86_400),
        ("30d", 2_592_000),
        ("2days", 172_800),
        ("1w", 604_800),
        ("1 week", 604_800),
        ("2weeks", 1_209_600),
        ("1mo", 2_629_800),
        ("1 month", 2_629_800),
        ("2 months", 5_259_600),
        ("1y", 31_557_600),
        ("1yr", 31_557_600),
        ("2 yrs", 63_115_200),
        ("1year", 31_557_600),
        ("10 years", 315_576_000),
        (5, 5),
        (0.5, 0.5),
        (timedelta(days=1), 86_400),
    ],
)
def test_a_duration_is_a_number_and_a_unit(text, seconds):
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "value",
    [
        *("", " ", "5", "h", "-1h", "+1h", "1 h 2 m", "1h2m", "1  h", " 1h", "1h ", "1e3s"),
        *("1,5h", "1.h", "one hour", "1fortnight", "½h", "\u0661h"),
        *(float("nan"), float("inf"), -1, None, True),
    ],
)
def test_anything_else_is_refused_and_shown(value):
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - the text differs
        parse_duration(value)

    assert repr(value) in str(raised.value)


@pytest.mark.parametrize(
    ("sleep", "length"),
    [
        (lambda ctx: ctx.sleep("30d"), timedelta(days=30)),
        (lambda ctx: ctx.sleep(days=1, hours=2), timedelta(hours=26)),
        (lambda ctx: ctx.sleep(timedelta(minutes=5)), timedelta(minutes=5)),
        (lambda ctx: ctx.sleep(90), timedelta(seconds=90)),
        (lambda ctx: ctx.sleep_until(ctx.now() + timedelta(weeks=1)), timedelta(weeks=1)),
        (lambda ctx: asyncio.sleep(3_600), timedelta(hours=1)),
    ],
)
def test_a_sleep_takes_its_length_in_many_forms(runs, sleep, length):
    @workflow(name="w")
    async def w(ctx: Context) -> str:
        await sleep(ctx)
        return "woke"

    run = runs.start(w)
    [wait] = run.waiting_on
    assert (run.status, wait.kind, wait.until - wait.since) == ("waiting", "timer", length)

    runs.advance(length - timedelta(seconds=10))
    assert run.refresh().status == "waiting"
    runs.advance("10s")
    assert run.refresh().result() == "woke"


def test_a_sleep_may_have_a_name(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.sleep("1h", name="trial")
        await ctx.sleep_until(ctx.now() + timedelta(hours=1), name="grace")

    run = runs.start(w)
    runs.advance("1h")

    assert [(step.key, step.kind) for step in run.refresh().steps] == [
        ("trial", "sleep"),
        ("grace", "sleep"),
    ]


def test_a_sleep_until_an_instant_that_is_past_goes_on_at_once(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> str:
        await ctx.sleep_until(datetime(2020, 1, 1, tzinfo=UTC))
        return "woke"

    assert runs.start(w).result() == "woke"


def test_a_sleep_of_no_length_goes_on_at_once(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> str:
        await ctx.sleep(0)
        await asyncio.sleep(0)
        return "woke"

    assert runs.start(w).result() == "woke"


@pytest.mark.parametrize(
    ("sleep", "what"),
    [
        (lambda ctx: ctx.sleep("soon"), "'soon'"),
        (lambda ctx: ctx.sleep(-1), "-1"),
        (lambda ctx: ctx.sleep(), "days=1"),
        (lambda ctx: ctx.sleep("1h", days=1), "days=1"),
        (lambda ctx: ctx.sleep(fortnights=1), "fortnights"),
        (lambda ctx: ctx.sleep(days=-1), "-1"),
        (lambda ctx: ctx.sleep(days=1e9), "too long"),
        (lambda ctx: ctx.sleep(days=float("nan")), "days=nan"),
        (lambda ctx: ctx.sleep(days="1"), "days='1'"),
        (lambda ctx: ctx.sleep("9999y"), "'9999y'"),
        (lambda ctx: ctx.sleep_until(datetime(2030, 1, 1)), "time zone"),
        (lambda ctx: ctx.sleep_until("tomorrow"), "'tomorrow'"),
    ],
)
def test_a_sleep_that_no_clock_can_end_is_refused(runs, sleep, what):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await sleep(ctx)

    run = runs.start(w)

    assert run.status == "failed"
    assert what in run.error["message"]


def test_a_sleep_is_over_once_and_not_slept_again_on_replay(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.sleep("1d")
        await ctx.wait_for_event("go")

    run = runs.start(w)
    runs.advance("1d")
    [sleep, wait] = run.refresh().steps
    assert (sleep.status, wait.status) == ("completed", "open")

    runs.send_event(run, "go")
    assert run.status == "completed"


def test_a_sleep_keeps_the_end_that_it_had_when_its_length_is_changed(runs):
    length = ["1h"]

    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.sleep(length[0])

    run = runs.start(w)
    length[0] = "1w"
    runs.advance("1h")

    assert run.refresh().status == "completed"


def test_a_sleep_that_ended_while_no_worker_was_there_ends_as_soon_as_one_is(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> str:
        await ctx.sleep("1h")
        return "woke"

    runs.crash_at("after_park")
    run = runs.start(w)
    runs.advance("1y")

    assert run.refresh().result() == "woke"


def test_sleeps_that_follow_each_other_are_over_when_their_sum_is(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> str:
        for number in range(4):
            await ctx.step("work", effect, number)
            await ctx.sleep("1h")
        return await ctx.wait_for_event("never", timeout="1h", default="done")

    run = runs.start(w)
    runs.advance("4h")
    assert run.refresh().waiting_on[0].kind == "event"
    runs.advance("1h")

    assert run.refresh().result() == "done"


def test_sleeps_side_by_side_end_one_after_the_other(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        async def nap(hours: int) -> None:
            await ctx.sleep(hours=hours)
            await ctx.step("woke", effect, hours)

        await asyncio.gather(nap(3), nap(1), nap(2))

    runs.start(w)
    runs.advance("4h")

    assert effect.calls == [1, 2, 3]


def test_a_sleep_is_skipped(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> str:
        await ctx.sleep("30d")
        return "woke"

    run = runs.start(w)
    run.skip_sleep()

    assert run.refresh().result() == "woke"


def test_the_sleep_with_a_key_is_skipped_and_no_other(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await asyncio.gather(ctx.sleep("1d", name="a"), ctx.sleep("1d", name="b"))

    run = runs.start(w)
    run.skip_sleep("b")

    assert {step.key: step.status for step in run.refresh().steps} == {
        "a": "open",
        "b": "completed",
    }


def test_a_run_that_does_not_sleep_cannot_be_woken(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.wait_for_event("go")

    run = runs.start(w)

    with pytest.raises(ActionRefused, match="sleep"):
        run.skip_sleep()
    assert run.refresh().status == "waiting"
