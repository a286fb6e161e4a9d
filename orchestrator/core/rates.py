"""Rates: so many in so long, such as "100/m"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from orchestrator.core.durations import parse_duration

# To say no, as many starts are looked at.
MAX_COUNT = 10_000
MAX_WINDOW = timedelta(days=31)

_PATTERN = re.compile(r"(\d+) ?/ ?([\d.]* ?[a-z]+)", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `count` in any time as long as `window`."""

    count: int
    window: timedelta
    text: str

    def __str__(self) -> str:
        return self.text


def parse_rate(text: str) -> Rate:
    """Return what `"100/m"`, `"5/s"` or `"1000/15m"` says. Raises ValueError."""
    match = _PATTERN.fullmatch(str(text).strip())
    if match is None or len(match[1]) > len(str(MAX_COUNT)):
        raise ValueError(f"not a rate: {text!r} (a number, / and a time, such as '100/m' or '5/s')")
    unit = match[2].strip()
    window = parse_duration(unit if unit[0].isdigit() or unit[0] == "." else f"1{unit}")
    count = int(match[1])
    if not 1 <= count <= MAX_COUNT or not timedelta(0) < window <= MAX_WINDOW:
        raise ValueError(
            f"a rate is 1 to {MAX_COUNT:,} in at most {MAX_WINDOW.days} days, not {text!r}"
        )
    return Rate(count, window, match[0])
