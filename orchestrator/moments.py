"""Times and lengths of time as people read them, the same on pages and in a terminal."""

from __future__ import annotations

from datetime import datetime, timedelta

SECOND = 1000  # ms
MINUTE = 60  # s


def duration(value: timedelta | float) -> str:
    """A length of time in the two units that matter; seconds when a number.

    >>> [duration(s) for s in (0, 0.0004, 0.02, 1.4, 59.96, 723, 5400)]
    ['0 ms', '<1 ms', '20 ms', '1.4 s', '1 m 0 s', '12 m 3 s', '1 h 30 m']
    >>> duration(timedelta(days=30, hours=2))
    '30 d 2 h'
    >>> duration(-3)  # clocks that disagree
    '≈0 ms'
    """
    seconds = value.total_seconds() if isinstance(value, timedelta) else float(value)
    if seconds < 0:
        return "≈0 ms"
    milliseconds = round(seconds * SECOND)
    if milliseconds < SECOND:
        return "<1 ms" if seconds and not milliseconds else f"{milliseconds} ms"
    if round(seconds, 1) < MINUTE:
        return f"{seconds:.1f} s"
    return _two_units(round(seconds))


def _two_units(seconds: int) -> str:
    for size, unit, part, smaller in ((86400, "d", 3600, "h"), (3600, "h", 60, "m")):
        if seconds >= size:
            return f"{seconds // size} {unit} {seconds % size // part} {smaller}"
    return f"{seconds // 60} m {seconds % 60} s"


def relative(then: datetime, now: datetime) -> str:
    """How long ago, or how long from now, in one unit. `ui.js` counts on in the same words.

    >>> noon = datetime.fromisoformat("2026-01-05T12:00Z")
    >>> relative(noon - timedelta(minutes=3), noon), relative(noon + timedelta(days=30), noon)
    ('3 m ago', 'in 30 d')
    >>> relative(noon - timedelta(milliseconds=200), noon)
    'now'
    """
    seconds = round((now - then).total_seconds())
    if seconds == 0:
        return "now"
    size = _one_unit(abs(seconds))
    return f"{size} ago" if seconds > 0 else f"in {size}"


def _one_unit(seconds: int) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
