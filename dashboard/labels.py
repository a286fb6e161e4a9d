"""What stands above the timeline of a run: clock times, and the lengths of what is cut out.

A label never leaves the chart and never touches another. The server does not know how wide the
chart is drawn, so it counts with the narrowest one that the style sheet allows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Literal

from dashboard.axis import Piece

# Pixels: the chart in static/orchestrator/ui.css is at least so wide, also beside the panel of a
# step, and a letter at most, in any font.
CHART = 400
CHART_BESIDE_PANEL = 300
LETTER = 6.6
# Between the place and a text that starts there, so that it does not stick to a line.
NUDGE = 4
WHOLE = 100.0  # percent
APART = 2.0
MINUTE = 60
HOUR = 3600


@dataclass(frozen=True)
class Label:
    """A text at x percent of the chart; `align` is the text-anchor of SVG."""

    x: float
    text: str
    align: Literal["start", "middle", "end"]
    chart: int

    @property
    def width(self) -> float:
        """In percent of the narrowest chart, at most."""
        return (self.nudge + len(self.text) * LETTER) / self.chart * WHOLE

    @property
    def nudge(self) -> int:
        return NUDGE if self.align == "start" else 0

    @property
    def left(self) -> float:
        return self.x - self.width * {"start": 0.0, "middle": 0.5, "end": 1.0}[self.align]

    @property
    def right(self) -> float:
        return self.left + self.width

    def fits(self, others: Iterable[Label]) -> bool:
        """Whether it is inside of the chart, and beside all of the others."""
        is_apart = all(
            self.left - one.right >= APART or one.left - self.right >= APART for one in others
        )
        return is_apart and self.left >= 0 and self.right <= WHOLE


def clocks(pieces: Sequence[Piece], zone: tzinfo, chart: int) -> tuple[Label, ...]:
    """The clock at the start of each cluster, and at the end of the axis, where there is room."""
    span = pieces[-1].end - pieces[0].start
    found: list[Label] = []
    date = ""
    for piece in pieces:
        here = datetime.fromtimestamp(piece.start, zone)
        label = Label(round(piece.x, 4), _moment(here, span, date), "start", chart)
        if not piece.is_cut and label.fits(found):
            found.append(label)
            date = _date(here)
    end = datetime.fromtimestamp(pieces[-1].end, zone)
    last = Label(WHOLE, _moment(end, span, date), "end", chart)
    return (*found, last) if last.fits(found) else tuple(found)


def lengths(cuts: Iterable[tuple[float, float, str]], chart: int) -> tuple[Label, ...]:
    """The lengths of the cuts, given the middle, the seconds and the text of each.

    Where they would touch, the longer pause keeps its label.
    """
    found: list[Label] = []
    for middle, _seconds, text in sorted(cuts, key=lambda cut: -cut[1]):
        label = _inside(middle, text, chart)
        if label.fits(found):
            found.append(label)
    return tuple(sorted(found, key=lambda label: label.x))


def _inside(middle: float, text: str, chart: int) -> Label:
    """A label around the middle, or at the end of the chart that it would leave."""
    label = Label(middle, text, "middle", chart)
    if label.left < 0:
        return Label(0.0, text, "start", chart)
    return Label(WHOLE, text, "end", chart) if label.right > WHOLE else label


def _moment(here: datetime, span: float, date: str) -> str:
    """The time of day, and the date when it is another one than before."""
    return _clock(here, span) if _date(here) == date else f"{_date(here)}, {_clock(here, span)}"


def _date(here: datetime) -> str:
    return f"{here.day} {here:%b}"


def _clock(here: datetime, span: float) -> str:
    """The time of day, as precise as the length of the whole axis asks for."""
    if span < MINUTE:
        return f"{here:%H:%M:%S}.{here.microsecond // 100000}"
    return f"{here:%H:%M:%S}" if span < HOUR else f"{here:%H:%M}"
