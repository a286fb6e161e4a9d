"""Schedules: their times, what overlaps, what is made up for."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from orchestrator import Context, clock, hints, schedule, workflow
from orchestrator.core.definition import registry
from orchestrator.models import Run as Row
from orchestrator.schedules import firing

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def report():
    @workflow(name="report")
    async def report(ctx: Context, region: str = "all") -> list[object]:
        return [region, ctx.scheduled_at]

    return report


@pytest.fixture
def long():
    """A workflow whose runs end when they are told to."""

    @workflow(name="long")
    async def long(ctx: Context) -> datetime | None:
        await ctx.wait_for_event("end")
        return ctx.scheduled_at

    return long


def statuses(name: str) -> list[str]:
    """Of a schedule's runs, by their times."""
    rows = Row.objects.filter(schedule__name=name).order_by("scheduled_at")
    return list(rows.values_list("status", flat=True))


def times(name: str) -> list[datetime]:
    rows = Row.objects.filter(schedule__name=name).order_by("scheduled_at")
    return list(rows.values_list("scheduled_at", flat=True))


def test_a_run_is_started_at_each_time_and_knows_it(runs, report):
    hourly = schedule(report, every="1h", input="DE")
    first = hourly.next_at
    runs.advance("2h")

    later, earlier = hourly.runs()
    assert earlier.result() == ["DE", first]
    assert later.result() == ["DE", first + HOUR]
    assert later.scheduled_at == first + HOUR
    assert later.initiator == "schedule report"


def test_a_run_of_no_schedule_has_no_time(runs, report):
    assert runs.start(report).result() == ["all", None]


def test_nothing_is_started_before_the_time(runs, report):
    hourly = schedule(report, every="1h")
    runs.drain()

    assert hourly.runs() == []
    assert clock.now() < hourly.next_at


def test_a_workflow_with_a_key_of_its_own_is_started_at_each_time(runs):
    @workflow(name="keyed", idempotency_key="k-{input}")
    async def keyed(ctx: Context, n: int) -> int:
        return n

    schedule(keyed, every="1h", input=1)
    runs.advance("3h")

    assert statuses("keyed") == ["completed"] * 3


def test_a_time_is_taken_by_the_newest_version(runs, report):
    hourly = schedule(report, every="1h")

    @workflow(name="report", version="2")
    async def newer(ctx: Context, region: str = "all") -> str:
        return "new"

    runs.advance("1h")

    assert hourly.runs()[0].result() == "new"


# ---- overlap -----------------------------------------------------------------------------


def test_skip_lets_times_go_while_a_run_has_not_ended(runs, long):
    hourly = schedule(long, every="1h", overlap="skip")
    runs.advance("3h")
    assert statuses("long") == ["waiting"]
    assert hourly.refresh().skipped == 2

    runs.send_event(hourly.runs()[0], "end")
    runs.advance("1h")

    assert statuses("long") == ["completed", "waiting"]
    assert (hourly.refresh().started, hourly.skipped) == (2, 2)


def test_allow_begins_beside(runs, long):
    schedule(long, every="1h", overlap="allow")
    runs.advance("3h")

    assert statuses("long") == ["waiting"] * 3


def test_queue_lets_each_time_wait_for_the_one_before(runs, long):
    hourly = schedule(long, every="1h", overlap="queue")
    first = hourly.next_at
    runs.advance("3h")
    assert statuses("long") == ["waiting", "scheduled", "scheduled"]

    runs.send_event(hourly.runs()[2], "end")

    assert statuses("long") == ["completed", "waiting", "scheduled"]
    runs.send_event(hourly.runs()[1], "end")
    assert hourly.runs()[1].refresh().result() == first + HOUR


def test_a_run_in_line_says_so_and_an_event_does_not_call_it(runs, long):
    hourly = schedule(long, every="1h", overlap="queue")
    runs.advance("2h")
    behind = hourly.runs()[0]
    [wait] = behind.waiting_on

    delivery = runs.send_event(behind, "end")

    assert (wait.kind, wait.name, wait.detail) == ("concurrency", "long", {"limit": 1})
    assert delivery.delivered
    assert statuses("long") == ["waiting", "scheduled"]


def test_a_run_in_line_that_is_cancelled_gives_its_place_to_the_next(runs, long):
    hourly = schedule(long, every="1h", overlap="queue")
    runs.advance("3h")
    _, second, first = hourly.runs()

    second.cancel()
    runs.send_event(first, "end")

    assert statuses("long") == ["completed", "cancelled", "waiting"]


def test_the_line_stands_still_while_the_schedule_is_paused(runs, long):
    hourly = schedule(long, every="1h", overlap="queue")
    runs.advance("2h")
    hourly.pause()
    runs.send_event(hourly.runs()[1], "end")
    assert statuses("long") == ["completed", "scheduled"]

    hourly.resume()
    runs.drain()

    assert statuses("long") == ["completed", "waiting"]


# ---- downtime ----------------------------------------------------------------------------


def away(length: timedelta) -> None:
    """Nobody looks for so long."""
    clock.move(length)


@pytest.mark.parametrize(
    ("catch_up", "started", "missed"), [("one", 1, 6), ("all", 7, 0), ("none", 0, 7)]
)
def test_after_a_week_what_is_made_up_for_is_what_the_policy_says(
    runs, report, catch_up, started, missed
):
    daily = schedule(report, cron="0 3 * * *", overlap="allow", catch_up=catch_up)
    first = daily.next_at
    away(first + 6 * DAY + HOUR - clock.now())
    runs.drain()

    assert times("report") == [first + number * DAY for number in range(7)][7 - started :]
    assert (daily.refresh().started, daily.missed) == (started, missed)
    assert daily.next_at == first + 7 * DAY


def test_all_comes_in_bounded_portions(runs, report, monkeypatch):
    monkeypatch.setattr(firing, "MAX_TIMES", 3)
    daily = schedule(report, every="1d", overlap="allow", catch_up="all")
    away(7 * DAY)
    hints.connect(None)

    assert firing.fire_due() == 1
    assert len(times("report")) == 3
    runs.drain()
    assert len(times("report")) == daily.refresh().started == 7


def test_all_with_queue_makes_up_for_each_in_its_order(runs, long):
    daily = schedule(long, every="1d", overlap="queue", catch_up="all")
    away(3 * DAY)
    runs.drain()

    assert statuses("long") == ["waiting", "scheduled", "scheduled"]
    assert daily.refresh().started == 3


def test_all_with_skip_starts_the_first_and_lets_the_others_go(runs, long):
    daily = schedule(long, every="1d", overlap="skip", catch_up="all")
    first = daily.next_at
    away(3 * DAY)
    runs.drain()

    assert times("long") == [first]
    assert daily.refresh().skipped == 2


def test_a_clock_that_goes_back_starts_nothing_twice(runs, report):
    hourly = schedule(report, every="1h", overlap="allow")
    first = hourly.next_at
    runs.advance("2h")
    clock.move(-2 * HOUR)
    runs.advance("3h")

    assert times("report") == [first, first + HOUR, first + 2 * HOUR]
    assert hourly.refresh().started == 3


def test_a_time_that_was_decided_finds_its_run_even_if_it_comes_again(runs, report):
    hourly = schedule(report, every="1h")
    runs.advance("1h")
    [row] = Row.objects.filter(schedule__name="report")

    again, is_new = firing.start(row.schedule, row.scheduled_at, in_line=False)

    assert (again.id, is_new) == (row.id, False)
    assert len(hourly.runs()) == 1


# ---- what goes wrong ---------------------------------------------------------------------


def to_next(runs, made) -> None:
    runs.advance(made.next_at - clock.now())


def test_a_schedule_whose_workflow_is_not_known_here_is_left_to_others(runs, report):
    hourly = schedule(report, every="1h")

    del registry._by_name["report"]
    runs.advance("2h")

    assert firing.next_due() is None
    assert (hourly.refresh().started, hourly.missed, hourly.error) == (0, 0, "")


def test_an_input_that_the_code_no_longer_takes_is_shown_and_tried_again_later(runs, report):
    hourly = schedule(report, every="1h", input="DE")
    first = hourly.next_at
    good = registry._by_name.pop("report")

    @workflow(name="report")
    async def strict(ctx: Context, region: int) -> int:
        return region

    to_next(runs, hourly)
    assert hourly.refresh().error.startswith("InvalidInput: input of report")
    assert hourly.runs() == []

    registry._by_name["report"] = good
    runs.advance("1m")

    assert hourly.refresh().error == ""
    assert times("report") == [first]


def test_one_bad_schedule_does_not_hold_up_the_others(runs, report):
    @workflow(name="bad")
    async def bad(ctx: Context, n: int) -> int:
        return n

    schedule(bad, every="1h", input=1)
    bad.definition.__dict__["input_adapter"] = None
    to_next(runs, schedule(report, every="1h"))

    assert statuses("bad") == []
    assert statuses("report") == ["completed"]


def test_a_time_and_its_run_are_one_transaction(runs, report, monkeypatch):
    hourly = schedule(report, every="1h")
    away(HOUR)
    monkeypatch.setattr(firing.starting, "start", lambda *args, **options: 1 / 0)

    firing.fire_due()

    assert (hourly.refresh().started, hourly.last_at) == (0, None)
    assert hourly.error.startswith("ZeroDivisionError")
