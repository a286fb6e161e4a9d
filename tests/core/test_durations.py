"""Durations: what is one, how long it is, and what is refused with the text in the message."""

from __future__ import annotations

import enum
import math
from datetime import timedelta

import pytest

from orchestrator import Retry, workflow
from orchestrator.core.durations import parse_duration

SECONDS = {
    0.001: "ms msec msecs millisecond milliseconds",
    1: "s sec secs second seconds",
    60: "m min mins minute minutes",
    3_600: "h hr hrs hour hours",
    86_400: "d day days",
    604_800: "w week weeks",
    2_629_800: "mo month months",
    31_557_600: "y yr yrs year years",
}
UNITS = [(unit, seconds) for seconds, units in SECONDS.items() for unit in units.split()]


@pytest.mark.parametrize(("unit", "seconds"), UNITS)
def test_every_unit_in_every_case_with_and_without_a_space(unit, seconds):
    for spelled in (unit, unit.upper(), unit.title()):
        assert parse_duration(f"3{spelled}") == timedelta(seconds=3 * seconds)
        assert parse_duration(f"3 {spelled}") == timedelta(seconds=3 * seconds)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.5h", timedelta(minutes=90)),
        (".5h", timedelta(minutes=30)),
        ("0.5 days", timedelta(hours=12)),
        ("0s", timedelta(0)),
        ("007s", timedelta(seconds=7)),
        ("0.25ms", timedelta(microseconds=250)),
        ("1.1s", timedelta(seconds=1, microseconds=100_000)),
        ("365.25d", timedelta(seconds=31_557_600)),
    ],
)
def test_decimals(text, expected):
    assert parse_duration(text) == expected


class Pause(enum.IntEnum):
    SHORT = 5


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, timedelta(0)),
        (90, timedelta(seconds=90)),
        (0.5, timedelta(milliseconds=500)),
        (-0.0, timedelta(0)),
        (Pause.SHORT, timedelta(seconds=5)),
    ],
)
def test_a_bare_number_is_in_seconds(value, expected):
    assert parse_duration(value) == expected


def test_a_timedelta_is_itself():
    value = timedelta(days=2, microseconds=1)

    assert parse_duration(value) is value
    assert parse_duration(timedelta(0)) == timedelta(0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "s",
        "5",
        "5.0",
        "-5s",
        "+5s",
        "5  s",
        " 5s",
        "5s ",
        "5s\n",
        "5\ts",
        "5\u00a0s",
        "5.s",
        ".s",
        ".",
        "1..5s",
        "1,5s",
        "1_000s",
        "1e3s",
        "0x10s",
        "5 fortnights",
        "5 m s",
        "1h30m",
        "P1D",
        "nan s",
        "infs",
        "infinity",
        "\u0663s",  # a digit elsewhere in Unicode
        "5\u017f",  # a letter that folds to s
        "5\x00s",
    ],
)
def test_any_other_text_is_refused_and_shown(text):
    with pytest.raises(ValueError, match="not a duration") as refusal:
        parse_duration(text)

    assert repr(text) in str(refusal.value)


@pytest.mark.parametrize(
    "value",
    [
        True,
        False,
        None,
        -1,
        -0.001,
        timedelta(microseconds=-1),
        math.nan,
        math.inf,
        -math.inf,
        b"5s",
        ["5s"],
        5j,
        "1" * 400 + "s",
    ],
    ids=lambda value: repr(value)[:20],
)
def test_what_is_no_length_of_time_is_refused(value):
    with pytest.raises(ValueError, match="duration"):
        parse_duration(value)


@pytest.mark.parametrize(
    "value",
    [1e15, 10**15, "9999999999y", "99999999999999999999d", 10**400],
    ids=lambda value: repr(value)[:20],
)
def test_what_is_too_long_is_refused(value):
    with pytest.raises(ValueError, match="duration"):
        parse_duration(value)


def test_the_refusal_says_how_to_write_one():
    with pytest.raises(ValueError, match=r"'30s', '1\.5h' or '30d'"):
        parse_duration("half an hour")


@pytest.mark.parametrize("option", ["timeout", "retention", "payload_retention"])
def test_an_option_of_a_workflow_that_is_no_duration_is_named(option):
    with pytest.raises(ValueError, match=f"{option}= is not a duration: 'soon'"):
        workflow(name="w", **{option: "soon"})


def test_an_option_of_a_retry_that_is_no_duration_is_named():
    with pytest.raises(ValueError, match="max_delay= is not a duration: 'soon'"):
        Retry(max_delay="soon")
