"""Durations: a timedelta, a number of seconds, or a string such as "1.5h"."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import datetime, timedelta

Duration = timedelta | int | float | str

_SECONDS = {
    ("ms", "msec", "msecs", "millisecond", "milliseconds"): 0.001,
    ("s", "sec", "secs", "second", "seconds"): 1,
    ("m", "min", "mins", "minute", "minutes"): 60,
    ("h", "hr", "hrs", "hour", "hours"): 3_600,
    ("d", "day", "days"): 86_400,
    ("w", "week", "weeks"): 604_800,
    ("mo", "month", "months"): 2_629_800,
    ("y", "yr", "yrs", "year", "years"): 31_557_600,
}
_UNITS = {alias: seconds for aliases, seconds in _SECONDS.items() for alias in aliases}
_PATTERN = re.compile(r"(\d+(?:\.\d+)?|\.\d+) ?([a-z]+)", re.IGNORECASE | re.ASCII)


def parse_duration(value: Duration) -> timedelta:
    """Return `value` as a non-negative timedelta. A bare number is in seconds.

    Raises ValueError, showing the value, for anything else.

    >>> parse_duration("1.5h")
    datetime.timedelta(seconds=5400)
    >>> parse_duration(".5 days")
    datetime.timedelta(seconds=43200)
    """
    try:
        seconds = _seconds(value)
        if not math.isfinite(seconds) or seconds < 0:
            raise ValueError(f"not a duration: {value!r}")
        return value if isinstance(value, timedelta) else timedelta(seconds=seconds)
    except OverflowError as error:
        raise ValueError(f"too long a duration: {_shown(value)}") from error


# Longer than anything: what is kept for so long is never removed.
FOREVER = timedelta.max


def parse_keeping(value: Duration) -> timedelta:
    """How long something is kept: a duration, or "forever". Raises ValueError."""
    return FOREVER if value == "forever" else parse_duration(value)


def duration_option(name: str, value: Duration) -> timedelta:
    """`parse_duration` of an option. Raises ValueError, which names the option too."""
    try:
        return parse_duration(value)
    except ValueError as error:
        raise ValueError(f"{name}= is {error}") from error


def keeping_option(name: str, value: Duration | None) -> timedelta | None:
    """`parse_keeping` of an option, if it is given. Raises as `duration_option`."""
    if value is None:
        return None
    return FOREVER if value == "forever" else duration_option(name, value)


def from_parts(parts: Mapping[str, float]) -> timedelta:
    """What `days=1, hours=2` and the like add up to.

    Raises TypeError for what is no number or no part, and ValueError for a sum that is
    negative or too long; both show the parts.
    """
    said = ", ".join(f"{name}={value!r}" for name, value in parts.items())
    try:
        return parse_duration(timedelta(**parts))
    except OverflowError as error:
        raise ValueError(f"too long a duration: {said}") from error
    except ValueError as error:
        raise ValueError(f"not a duration: {said}") from error
    except TypeError as error:
        raise TypeError(
            f"not a duration: {said} (numbers of weeks, days, hours, minutes, seconds or "
            "milliseconds)"
        ) from error


def later(instant: datetime, duration: Duration) -> datetime:
    """The instant `duration` after this one. Raises ValueError if there is none."""
    try:
        return instant + parse_duration(duration)
    except OverflowError as error:
        raise ValueError(f"too long a duration: {_shown(duration)}") from error


def _seconds(value: object) -> float:
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    return _parse(value) if isinstance(value, str) else math.nan


def _shown(value: object) -> str:
    # An integer of thousands of digits has no repr.
    return "a number of over 300 digits" if isinstance(value, int) else repr(value)


def _parse(text: str) -> float:
    match = _PATTERN.fullmatch(text)
    unit = _UNITS.get(match[2].lower()) if match else None
    if match is None or unit is None:
        raise ValueError(
            f"not a duration: {text!r} (a number and a unit, such as '30s', '1.5h' or '30d')"
        )
    return float(match[1]) * unit
