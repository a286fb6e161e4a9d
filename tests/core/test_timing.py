"""When the times of a schedule come, and which times are made up for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.scheduling import due_times
from orchestrator.core.timing import Timing, timing

BERLIN = ZoneInfo("Europe/Berlin")
WEEK = timedelta(weeks=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def berlin(cron: str) -> Timing:
    return timing(cron=cron, every=None, tz="Europe/Berlin")


def shown(when: Timing, after: datetime, count: int) -> list[str]:
    return [
        f"{time.astimezone(when.zone):%m-%d %H:%M}" for time in islice(when.times(after), count)
    ]


def test_a_cron_expression_is_read_by_the_clock_on_the_wall():
    summer, winter = berlin("0 9 * * 1-5"), berlin("0 9 * * 1-5")

    assert summer.after(at("2026-07-03 12:00")) == at("2026-07-06 07:00")
    assert winter.after(at("2026-12-04 12:00")) == at("2026-12-07 08:00")


def test_a_time_that_is_skipped_in_spring_comes_once_right_after_the_gap():
    daily = berlin("30 2 * * *")

    assert shown(daily, at("2026-03-27 12:00"), 3) == ["03-28 02:30", "03-29 03:00", "03-30 02:30"]


def test_a_time_that_comes_twice_in_autumn_is_taken_once():
    daily = berlin("30 2 * * *")
    first, second, third = islice(daily.times(at("2026-10-24 12:00")), 3)

    assert [first, second, third] == [
        at("2026-10-25 00:30"),  # 02:30 in summer time; an hour later it is 02:30 again
        at("2026-10-26 01:30"),
        at("2026-10-27 01:30"),
    ]
    between = at("2026-10-25 01:10")  # the second 02:10
    assert daily.after(between) == second
    assert daily.latest(between) == first


def test_every_hour_means_every_hour_when_the_clocks_change():
    hourly = berlin("0 * * * *")
    spring = list(hourly.between(at("2026-03-28 23:00"), at("2026-03-29 21:59")))
    autumn = list(hourly.between(at("2026-10-24 22:00"), at("2026-10-25 22:59")))

    assert (len(spring), len(autumn)) == (23, 25)
    assert {b - a for a, b in pairwise(autumn)} == {timedelta(hours=1)}


def test_an_interval_is_counted_from_midnight_and_remembers_nothing():
    quarter = timing(cron=None, every="15m", tz=None)

    assert quarter.after(at("2026-05-01 10:07")) == at("2026-05-01 10:15")
    assert quarter.after(at("2026-05-01 10:15")) == at("2026-05-01 10:30")
    assert quarter.latest(at("2026-05-01 10:15")) == at("2026-05-01 10:15")
    assert quarter.latest(at("2026-05-01 10:14:59")) == at("2026-05-01 10:00")


crons = st.sampled_from(
    [
        "*/7 * * * *",
        "0 * * * *",
        "30 2 * * *",
        "0,30 1-3 * * *",
        "15 3 1 * *",
        "0 0 * * 7",
        "*/20 2 L * *",
    ]
)
zones = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"])
instants = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))


@given(crons, zones, instants)
def test_the_latest_time_is_the_one_before_the_next(cron, zone, instant):
    when = timing(cron=cron, every=None, tz=zone)
    latest = when.latest(instant)

    assert latest <= instant
    assert when.after(latest) == when.after(instant) > instant


@given(crons, zones, instants)
def test_times_come_in_order_and_each_once(cron, zone, instant):
    times = list(islice(timing(cron=cron, every=None, tz=zone).times(instant), 30))

    assert times == sorted(set(times))
    assert times[0] > instant


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ({}, "give cron= or every="),
        ({"cron": "* * * * *", "every": "1h"}, "give cron= or every="),
        ({"cron": "every day"}, "Write five fields"),
        ({"cron": "61 * * * *"}, "Bad minute"),
        ({"cron": "0 0 30 2 *"}, "Bad day-of-month"),
        ({"cron": "0 0 * 2 1#5,1#6"}, "Bad day-of-week"),
        ({"cron": 5}, "cron= is a text"),
        ({"cron": "0 9 * * *" + " " * 300}, "cron= is a text"),
        ({"cron": "0 9 * * *", "tz": "Europe/Nowhere"}, "is not a time zone"),
        ({"cron": "0 9 * * *", "tz": "../etc/passwd"}, "is not a time zone"),
        ({"cron": "0 9 * * *", "tz": ""}, "is not a time zone"),
        ({"cron": "0 9 * * *", "tz": 1}, "is not a time zone"),
        ({"every": "1h", "tz": "UTC"}, "tz= belongs to cron="),
        ({"every": "10ms"}, "at least a second"),
        ({"every": "20y"}, "at most ten years"),
        ({"every": "soon"}, "not a duration"),
        ({"every": True}, "not a duration"),
    ],
)
def test_a_wrong_timing_says_what_to_write(asked, answer):
    with pytest.raises(ValueError, match=answer):
        timing(**{"cron": None, "every": None, "tz": None} | asked)


def test_a_timing_says_in_words_when_it_is():
    assert berlin("0 9 * * 1-5").words == "At 09:00 on Monday through Friday (Europe/Berlin)"
    assert timing(cron=None, every="15m", tz=None).words == "Every 0:15:00"


# ---- what is made up for -----------------------------------------------------------------

HOURLY = timing(cron="0 * * * *", every=None, tz=None)
GRACE = timedelta(minutes=1)
FIRST = at("2026-05-01 10:00")


def due(catch_up: str, now: datetime, limit: int = 100, when: Timing = HOURLY):
    return due_times(when, catch_up, next_at=FIRST, now=now, grace=GRACE, limit=limit)


@pytest.mark.parametrize("catch_up", ["one", "all", "none"])
def test_a_time_in_time_is_taken_whatever_the_policy(catch_up):
    found = due(catch_up, FIRST + timedelta(seconds=1))

    assert found.times == [FIRST]
    assert (found.missed, found.last_at, found.next_at) == (0, FIRST, at("2026-05-01 11:00"))


def test_one_takes_the_last_of_a_week_and_counts_the_others_as_missed():
    found = due("one", FIRST + WEEK + timedelta(minutes=5))

    assert found.times == [FIRST + WEEK]
    assert found.missed == 7 * 24
    assert found.next_at == FIRST + WEEK + timedelta(hours=1)


def test_all_takes_them_in_their_order_so_many_at_a_time():
    found = due("all", FIRST + WEEK, limit=50)

    assert found.times == [FIRST + timedelta(hours=number) for number in range(50)]
    assert (found.missed, found.next_at) == (0, FIRST + timedelta(hours=50))


def test_none_lets_a_late_time_go():
    found = due("none", FIRST + timedelta(hours=2, minutes=5))

    assert (found.times, found.missed) == ([], 3)
    assert found.next_at == FIRST + timedelta(hours=3)


def test_none_still_takes_the_last_one_when_that_is_in_time():
    found = due("none", FIRST + timedelta(hours=2, seconds=30))

    assert (found.times, found.missed) == ([FIRST + timedelta(hours=2)], 2)


def test_a_week_of_seconds_is_counted_up_to_a_thousand_and_costs_little():
    secondly = timing(cron=None, every="1s", tz=None)

    assert due("one", FIRST + WEEK, when=secondly).missed == 999


@pytest.mark.parametrize("catch_up", ["one", "all", "none"])
def test_a_time_that_the_zone_no_longer_has_stands(catch_up):
    odd = FIRST + timedelta(minutes=30)
    found = due_times(HOURLY, catch_up, next_at=odd, now=odd, grace=GRACE, limit=9)

    assert found.times == [odd]
    assert found.next_at == at("2026-05-01 11:00")
