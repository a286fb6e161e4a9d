"""Working time: calendars with hours and holidays, and times counted in them.

Plain data and arithmetic on instants: an hour is an hour, also in the nights in which clocks
are put forward or back. Importing it needs no configured Django.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from orchestrator.core.durations import parse_duration

# A calendar that has no hours in so long has none at all.
MAX_DAYS = 3_700
MAX_SPAN = timedelta(days=3_650)
ZERO = timedelta(0)
_WORKING = re.compile(r"(\d{1,5}(?:\.\d{1,4})?)\s*(bh|bd)", re.IGNORECASE | re.ASCII)
_OFFSET = re.compile(r"([+-])\s*(.+)", re.ASCII)

Span = tuple[time, time]


@dataclass(frozen=True, slots=True)
class Hours:
    """When people work: spans by weekday (0 is Monday), in a time zone, but on no holiday."""

    zone: ZoneInfo
    week: Mapping[int, Sequence[Span]]
    holidays: frozenset[date] = field(default=frozenset())

    def after(self, start: datetime, work: timedelta) -> datetime:
        """The instant at which so much has been worked since `start`."""
        left = work
        for begin, end in self._spans(start):
            if left <= end - begin:
                return begin + left
            left -= end - begin
        raise ValueError("the calendar has no working hours")

    def days_after(self, start: datetime, days: int) -> datetime:
        """The same time of day so many working days later, or when that day's work ends.

        What comes outside of working hours counts from when work begins again.
        """
        first = next(self._spans(start), None)
        if first is None:
            raise ValueError("the calendar has no working hours")
        begin = first[0].astimezone(self.zone)
        day, left = begin.date(), days
        while left:
            day += timedelta(days=1)
            left -= bool(self._of_day(day))
            if (day - begin.date()).days > MAX_DAYS:
                raise ValueError("the calendar has no working hours")
        spans = self._of_day(day)
        wanted = datetime.combine(day, begin.time(), self.zone).astimezone(UTC)
        return max(spans[0][0], min(wanted, spans[-1][1]))

    def between(self, start: datetime, end: datetime) -> timedelta:
        """How much is worked from `start` to `end`."""
        found = ZERO
        for begin, stop in self._spans(start):
            if begin >= end:
                break
            found += min(stop, end) - begin
        return found

    def _spans(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The spans of work from `start` on, as instants in UTC."""
        start = start.astimezone(UTC)
        # The day before may last over midnight in UTC, but not in its own zone.
        day = start.astimezone(self.zone).date()
        for number in range(MAX_DAYS):
            for begin, end in self._of_day(day + timedelta(days=number)):
                if end > start:
                    yield max(begin, start), end

    def _of_day(self, day: date) -> list[tuple[datetime, datetime]]:
        if day in self.holidays:
            return []
        return [
            (self._instant(day, begin), self._instant(day, end))
            for begin, end in self.week.get(day.weekday(), ())
        ]

    def _instant(self, day: date, at: time) -> datetime:
        return datetime.combine(day, at, self.zone).astimezone(UTC)


def hours_of(zone: str, week: Any, holidays: Any) -> Hours:
    """Hours from plain values: `{"mon": [["09:00", "17:00"]], …}` and `["2026-05-01", …]`.

    Raises ValueError with what is wrong.
    """
    try:
        found = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(
            f"there is no time zone {zone!r}: write one such as Europe/Berlin"
        ) from error
    if not isinstance(week, Mapping) or not week:
        raise ValueError(
            f'hours are a mapping such as {{"mon": [["09:00", "17:00"]]}}, not {week!r}'
        )
    if unknown := sorted(str(name) for name in week if name not in DAYS):
        raise ValueError(f"there is no day {unknown[0]!r}: the days are {', '.join(DAYS)}")
    spans = {DAYS.index(name): _spans_of(name, given) for name, given in week.items()}
    if not any(spans.values()):
        raise ValueError("the calendar has no working hours")
    return Hours(found, spans, frozenset(_days_of(holidays)))


DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _spans_of(name: str, given: Any) -> list[Span]:
    found: list[Span] = []
    try:
        for begin, end in given:
            found.append((time.fromisoformat(begin), _end(end)))
    except (TypeError, ValueError) as error:
        raise ValueError(f'{name}: write [["09:00", "12:00"], …], not {given!r}') from error
    ends = [time.min, *(at for span in found for at in span)]
    if any(one > other for one, other in itertools.pairwise(ends)) or any(
        begin == end for begin, end in found
    ):
        raise ValueError(f"{name}: each span begins before it ends, and after the one before it")
    return found


def _end(text: str) -> time:
    return time.max if text == "24:00" else time.fromisoformat(text)


def _days_of(given: Any) -> list[date]:
    try:
        return [date.fromisoformat(one) for one in given]
    except (TypeError, ValueError) as error:
        raise ValueError(f'holidays are dates such as "2026-05-01", not {given!r}') from error


# ---- lengths ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Length:
    """A length of time: of the clock, or of work, in hours or in whole days."""

    time: timedelta = ZERO
    work: timedelta = ZERO
    days: int = 0

    def after(self, start: datetime, hours: Hours | None) -> datetime:
        """The instant so much later. Without a calendar, work goes on around the clock."""
        if self.days:
            return hours.days_after(start, self.days) if hours else start + timedelta(self.days)
        if self.work:
            return hours.after(start, self.work) if hours else start + self.work
        return start + self.time


def length(text: Any) -> Length:
    """A length such as `"4bh"` (hours of work), `"2bd"` (working days), or any duration.

    Raises ValueError for what is none.
    """
    found = _WORKING.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is None:
        return Length(time=_bounded(parse_duration(text), text))
    number, unit = found[1], found[2].lower()
    if unit == "bh":
        return Length(work=_bounded(timedelta(hours=float(number)), text))
    if "." in number:
        raise ValueError(f"{text!r}: working days are whole; write hours as bh")
    return Length(days=_bounded(timedelta(days=int(number)), text).days)


def _bounded(found: timedelta, text: Any) -> timedelta:
    if not ZERO <= found <= MAX_SPAN:
        raise ValueError(f"{text!r} is longer than ten years")
    return found


def offset(text: str) -> Length:
    """How long after something: `"+1bd"`, `"+0"`. Raises ValueError for what is none."""
    found = _OFFSET.fullmatch(text.strip())
    if found is None or found[1] == "-":
        raise ValueError(f"{text!r}: write how long after it is due, such as '+0' or '+1bd'")
    return Length() if found[2].strip() == "0" else length(found[2])
