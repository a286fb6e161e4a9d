"""When the times of a schedule come: by a cron expression in a time zone, or at an interval.

Times are instants in UTC. A cron expression is read by the clock on the wall of its zone:
what falls into the hour that is skipped in spring comes once, right after it, and what
falls into the hour that comes twice in autumn comes once, in the first of the two. An
expression that says "every minute" or "every hour" follows real time through both.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import takewhile
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from orchestrator.core.durations import Duration, parse_duration

MAX_CRON = 200
MAX_TZ = 64
MIN_EVERY = timedelta(seconds=1)
MAX_EVERY = timedelta(days=3660)

# Intervals are counted from here, so they need no memory of when they began.
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """The times of one schedule. Make it with `timing`, which checks."""

    cron: str = ""
    every: timedelta | None = None
    tz: str = "UTC"

    def times(self, after: datetime) -> Iterator[datetime]:
        """The times after that instant, without end, in order and each once."""
        if self.every is not None:
            return self._at_intervals(after, self.every)
        return self._by_cron(after)

    def after(self, instant: datetime) -> datetime:
        """The first time after `instant`."""
        return next(self.times(instant))

    def between(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """The times from `start` to `end`, both included."""
        return takewhile(lambda time: time <= end, self.times(start - _MOMENT))

    def latest(self, instant: datetime) -> datetime:
        """The last time that is not after `instant`."""
        if self.every is not None:
            return _EPOCH + (instant - _EPOCH) // self.every * self.every
        # Backwards, cronsim knows less of clocks that change: so only far enough back, at
        # least two steps, and forwards from there.
        back = CronSim(self.cron, instant.astimezone(self.zone) + _MOMENT, reverse=True)
        next(back)
        return next(found[-1] for start in back if (found := [*self.between(start, instant)]))

    @property
    def zone(self) -> tzinfo:
        return UTC if self.tz == "UTC" else ZoneInfo(self.tz)

    @property
    def words(self) -> str:
        """In English: `At 09:00 on Monday through Friday (Europe/Berlin)`."""
        if self.every is not None:
            return f"Every {self.every}"
        return f"{CronSim(self.cron, _EPOCH).explain()} ({self.tz})"

    def _at_intervals(self, after: datetime, every: timedelta) -> Iterator[datetime]:
        number = (after - _EPOCH) // every
        while True:
            number += 1
            yield _EPOCH + number * every

    def _by_cron(self, after: datetime) -> Iterator[datetime]:
        last = after.astimezone(UTC)
        for found in CronSim(self.cron, after.astimezone(self.zone)):
            # In the second of two equal hours, the clock on the wall leads to the first.
            if (time := found.astimezone(UTC)) > last:
                last = time
                yield time


def timing(*, cron: str | None, every: Duration | None, tz: str | None) -> Timing:
    """The times that an author has asked for. Raises ValueError, saying what to write."""
    if (cron is None) == (every is None):
        raise ValueError("give cron= or every=: one of the two")
    if every is not None:
        if tz is not None:
            raise ValueError("tz= belongs to cron=; an interval is the same in every time zone")
        return Timing(every=_checked_every(every))
    assert cron is not None
    made = Timing(cron=_checked_cron(cron), tz=_checked_tz("UTC" if tz is None else tz))
    if next(made.times(_EPOCH), None) is None:
        raise ValueError(f"cron={cron!r}: no calendar has such a day")
    return made


def _checked_every(every: Duration) -> timedelta:
    length = parse_duration(every)
    if not MIN_EVERY <= length <= MAX_EVERY:
        raise ValueError(f"every= is at least a second and at most ten years, not {every!r}")
    return length


def _checked_cron(cron: object) -> str:
    if not isinstance(cron, str) or len(cron) > MAX_CRON:
        raise ValueError(f"cron= is a text of at most {MAX_CRON} characters")
    text = " ".join(cron.split())
    try:
        CronSim(text, _EPOCH)
    except (CronSimError, ValueError, AssertionError) as error:
        raise ValueError(
            f"cron={cron!r}: {str(error) or 'not understood'}. Write five fields: minute, hour, "
            "day of the month, month, day of the week, such as '0 9 * * 1-5'"
        ) from error
    return text


def _checked_tz(tz: object) -> str:
    message = (
        f"tz={tz!r} is not a time zone that this machine knows. Write a name such as "
        "'Europe/Berlin', or install the package tzdata"
    )
    if not isinstance(tz, str) or len(tz) > MAX_TZ:
        raise ValueError(message)
    try:
        ZoneInfo(tz)
    except (LookupError, ValueError, OSError) as error:
        raise ValueError(message) from error
    return tz
