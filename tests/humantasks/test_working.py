"""Working time: what is counted in hours of work, on instants."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from humantasks import Sla
from humantasks.working import hours_of, length, offset

BERLIN = "Europe/Berlin"
WEEK = {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
OFFICE = hours_of(BERLIN, WEEK, ["2026-05-01"])
NIGHTS = hours_of(
    BERLIN,
    {day: [["00:00", "06:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")},
    [],
)


def at(text, hours=OFFICE):
    return datetime.fromisoformat(text).replace(tzinfo=hours.zone)


@pytest.mark.parametrize(
    ("start", "work", "end"),
    [
        # Fri 16 January 2026 is followed by a weekend, 30 April by a holiday.
        ("2026-01-16T15:00", "4bh", "2026-01-19T11:00"),
        ("2026-01-17T12:00", "1bh", "2026-01-19T10:00"),
        ("2026-04-30T16:00", "4bh", "2026-05-04T12:00"),
        ("2026-01-16T09:00", "8bh", "2026-01-16T17:00"),
        ("2026-01-16T08:00", "0.5bh", "2026-01-16T09:30"),
        ("2026-01-16T15:00", "1bd", "2026-01-19T15:00"),
        ("2026-01-16T20:00", "1bd", "2026-01-20T09:00"),
        ("2026-01-17T12:00", "2bd", "2026-01-21T09:00"),
        ("2026-04-30T16:00", "1bd", "2026-05-04T16:00"),
    ],
)
def test_work_is_counted_in_the_calendar(start, work, end):
    assert length(work).after(at(start), OFFICE) == at(end)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-03-29T00:30+01:00", "2026-03-29T04:30+02:00"),
        ("2026-10-25T00:30+02:00", "2026-10-25T02:30+01:00"),
    ],
)
def test_an_hour_is_an_hour_in_the_nights_when_clocks_change(start, end):
    found = length("3bh").after(datetime.fromisoformat(start), NIGHTS)

    assert found == datetime.fromisoformat(end)


def test_a_day_that_ends_earlier_ends_the_working_day():
    short = hours_of(BERLIN, WEEK | {"fri": [["09:00", "12:00"]]}, [])

    assert length("1bd").after(at("2026-01-15T15:00"), short) == at("2026-01-16T12:00")


def test_a_day_with_a_break_has_two_spans():
    breaks = hours_of(BERLIN, {"mon": [["09:00", "12:00"], ["13:00", "24:00"]]}, [])

    assert length("4bh").after(at("2026-01-19T09:00"), breaks) == at("2026-01-19T14:00")


def test_without_a_calendar_work_goes_on_around_the_clock():
    start = datetime(2026, 1, 17, 12, tzinfo=UTC)

    assert length("4bh").after(start, None) == start + timedelta(hours=4)
    assert length("2bd").after(start, None) == start + timedelta(days=2)
    assert length("36h").after(start, OFFICE) == start + timedelta(hours=36)


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 1), timezones=st.just(UTC)),
    st.integers(0, 60 * 40),
)
def test_what_was_worked_until_then_is_what_was_asked_for(start, minutes):
    work = timedelta(minutes=minutes)

    end = OFFICE.after(start, work)

    assert OFFICE.between(start, end) == work


@pytest.mark.parametrize(
    ("zone", "week", "holidays", "words"),
    [
        ("Mars/Base", WEEK, [], "no time zone 'Mars/Base'"),
        (BERLIN, {}, [], "hours are a mapping"),
        (BERLIN, {"monday": []}, [], "no day 'monday'"),
        (BERLIN, {"mon": []}, [], "no working hours"),
        (BERLIN, {"mon": [["17:00", "09:00"]]}, [], "begins before it ends"),
        (BERLIN, {"mon": [["09:00", "12:00"], ["11:00", "13:00"]]}, [], "begins before it ends"),
        (BERLIN, {"mon": "all day"}, [], r'write \[\["09:00"'),
        (BERLIN, WEEK, ["1 May"], "holidays are dates"),
    ],
)
def test_a_calendar_that_cannot_be_says_what_to_write(zone, week, holidays, words):
    with pytest.raises(ValueError, match=words):
        hours_of(zone, week, holidays)


@pytest.mark.parametrize("text", ["4 bananas", "-1bh", "1.5bd", "99999bd", ""])
def test_a_length_that_is_none_is_refused(text):
    with pytest.raises(ValueError, match=r"duration|whole|ten years|bananas"):
        length(text)


@pytest.mark.parametrize("text", ["1h", "-1h", "soon", ""])
def test_an_escalation_comes_after_the_due_time(text):
    with pytest.raises(ValueError, match="how long after it is due"):
        offset(text)


@pytest.mark.parametrize(
    ("given_sla", "words"),
    [
        ({"due": "2bd"}, "name it with calendar="),
        ({"due": "soon"}, "duration"),
        ({"escalate": [("+0", "")]}, "names no team"),
    ],
)
def test_an_sla_that_cannot_be_is_refused_at_once(given_sla, words):
    with pytest.raises(ValueError, match=words):
        Sla(**given_sla)
