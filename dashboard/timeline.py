"""The timeline of a run: where each bar goes, so that 20 ms and 30 days are both legible.

Plain Python, no Django. Time in which nothing executes is *idle*; long idle time is cut out of the
axis and drawn as a band of fixed width with its real length written on it. Work is never cut.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise
from typing import Literal

from dashboard.axis import Axis, Interval, Piece, axis_pieces, cuts_of, union
from dashboard.labels import CHART, Label, clocks, lengths
from humantasks.present import NOTHING, duration

Mode = Literal["compressed", "linear", "sequence"]

BUSY = frozenset({"run", "compensation"})
LEAST_BAR = 0.35  # percent, about 3 px on a laptop
ROOMY = 2.5
ROW = 28  # px, the height of a table row
AXIS = 40


@dataclass(frozen=True)
class Segment:
    """A stretch of a step's life; `end` is None while it lasts.

    Kinds: run, compensation (busy); queue, backoff, sleep, event, human, child (idle).
    """

    kind: str
    start: datetime
    end: datetime | None = None
    failed: bool = False


@dataclass(frozen=True)
class Row:
    """One step. `bracket` is "first", "inside" or "last" for siblings that run in parallel."""

    key: str
    name: str
    kind: str
    status: str
    attempts: int = 1
    segments: tuple[Segment, ...] = ()
    depth: int = 0
    bracket: str = ""
    inherited: bool = False
    note: str = ""


@dataclass(frozen=True)
class Bar:
    kind: str
    x: float
    width: float
    failed: bool = False
    open: bool = False

    @property
    def end(self) -> float:
        return round(self.x + self.width, 4)

    @property
    def middle(self) -> float:
        return round(self.x + self.width / 2, 4)

    @property
    def roomy(self) -> bool:
        """Wide enough to carry the cross of a failed attempt inside."""
        return self.width >= ROOMY


@dataclass(frozen=True)
class PlacedRow:
    row: Row
    y: int
    bars: tuple[Bar, ...]
    seconds: float | None

    @property
    def took(self) -> str:
        return NOTHING if self.seconds is None else duration(self.seconds)


@dataclass(frozen=True)
class Cut:
    x: float
    width: float
    seconds: float
    label: str

    @property
    def middle(self) -> float:
        return round(self.x + self.width / 2, 4)


@dataclass(frozen=True)
class Layout:
    mode: Mode
    rows: tuple[PlacedRow, ...]
    cuts: tuple[Cut, ...]
    ticks: tuple[Label, ...]
    gap_labels: tuple[Label, ...]
    caption: str
    cut_seconds: float
    now_x: float | None
    pieces: tuple[Piece, ...] = field(repr=False, default=())

    @property
    def height(self) -> int:
        return AXIS + ROW * len(self.rows)

    @property
    def zigzag(self) -> str:
        """The path of a torn edge over the full height, around x = 0."""
        steps = range(AXIS - 4, self.height, 8)
        return f"M0 {AXIS - 8}" + "".join(f"L{3 if i % 2 else -3} {y}" for i, y in enumerate(steps))


def timeline(
    rows: Sequence[Row],
    now: datetime,
    mode: Mode = "compressed",
    *,
    queued_at: datetime | None = None,
    zone: tzinfo = UTC,
    chart: int = CHART,
) -> Layout:
    """Places the rows, in the order given.

    `queued_at` is when the run was created: its wait for a worker comes first. `chart` is how
    many pixels the chart is wide at least, for its labels.
    """
    if mode == "sequence":
        return _sequence(rows)
    spans = [_span(segment, now) for row in rows for segment in row.segments]
    if not spans:
        return _empty(rows, mode)
    first = min(start for start, _ in spans)
    begin = min(first, queued_at.timestamp()) if queued_at else first
    end = max(end for _, end in spans)
    busy = union(_busy(rows, now))
    cuts = cuts_of(busy, begin, end) if mode == "compressed" else []
    pieces = axis_pieces(begin, end, cuts, busy)
    return _layout(rows, now, mode, pieces, zone=zone, chart=chart)


def _busy(rows: Iterable[Row], now: datetime) -> list[Interval]:
    segments = (segment for row in rows for segment in row.segments)
    return [_span(segment, now) for segment in segments if segment.kind in BUSY]


def _span(segment: Segment, now: datetime) -> Interval:
    start = segment.start.timestamp()
    end = (segment.end or now).timestamp()
    return start, max(start, end)  # clocks of two workers may disagree


def _placed(axis: Axis, segment: Segment, now: datetime) -> Bar:
    start, end = _span(segment, now)
    left, right = axis.x(start), axis.x(end)
    home = axis.piece(start)
    least = min(LEAST_BAR, home.width)
    if right - left < least:
        left = min(left, home.x + home.width - least)
        right = left + least
    return _bar(segment, left, right - left)


def _bar(segment: Segment, x: float, width: float) -> Bar:
    return Bar(segment.kind, round(x, 4), round(width, 4), segment.failed, segment.end is None)


def _layout(
    rows: Sequence[Row],
    now: datetime,
    mode: Mode,
    pieces: tuple[Piece, ...],
    *,
    zone: tzinfo,
    chart: int,
) -> Layout:
    axis = Axis(pieces)
    placed = [
        _place(row, i, now, tuple(_placed(axis, segment, now) for segment in row.segments))
        for i, row in enumerate(rows)
    ]
    cuts = tuple(_cut(piece) for piece in pieces if piece.is_cut)
    lasts = any(segment.end is None for row in rows for segment in row.segments)
    return Layout(
        mode=mode,
        rows=tuple(placed),
        cuts=cuts,
        ticks=clocks(pieces, zone, chart),
        gap_labels=lengths(((cut.middle, cut.seconds, cut.label) for cut in cuts), chart),
        caption=_caption(mode, cuts),
        cut_seconds=sum(cut.seconds for cut in cuts),
        now_x=round(axis.x(now.timestamp()), 4) if lasts else None,
        pieces=pieces,
    )


def _place(row: Row, i: int, now: datetime, bars: tuple[Bar, ...]) -> PlacedRow:
    spans = [_span(segment, now) for segment in row.segments]
    took = max(b for _, b in spans) - min(a for a, _ in spans) if spans else None
    return PlacedRow(row, AXIS + ROW * i, bars, took)


def _cut(piece: Piece) -> Cut:
    length = piece.end - piece.start
    return Cut(round(piece.x, 4), round(piece.width, 4), length, duration(length))


def _caption(mode: Mode, cuts: Sequence[Cut]) -> str:
    if mode == "sequence":
        return "One column for each step, in order; widths say nothing about time"
    if not cuts:
        return "Time axis linear" if mode == "linear" else "No pause is long enough to cut out"
    pauses = f"{len(cuts)} pause" + ("s" if len(cuts) > 1 else "")
    return f"Time axis compressed: {pauses}, {duration(sum(cut.seconds for cut in cuts))}"


def _sequence(rows: Sequence[Row]) -> Layout:
    share = 100 / max(len(rows), 1)
    placed = []
    for i, row in enumerate(rows):
        part = share / max(len(row.segments), 1)
        bars = (_bar(s, i * share + n * part, part) for n, s in enumerate(row.segments))
        placed.append(PlacedRow(row, AXIS + ROW * i, tuple(bars), _closed_seconds(row)))
    return Layout("sequence", tuple(placed), (), (), (), _caption("sequence", ()), 0.0, None)


def _closed_seconds(row: Row) -> float | None:
    ends = [segment.end for segment in row.segments if segment.end]
    if not ends or len(ends) < len(row.segments):
        return None
    took = max(ends) - min(segment.start for segment in row.segments)
    return max(took, timedelta()).total_seconds()


def _empty(rows: Sequence[Row], mode: Mode) -> Layout:
    placed = tuple(PlacedRow(row, AXIS + ROW * i, (), None) for i, row in enumerate(rows))
    return Layout(mode, placed, (), (), (), "No step has started", 0.0, None)


def brackets(groups: Sequence[object]) -> list[str]:
    """The brackets of rows in order, given each row's parallel group (None for none).

    >>> brackets([None, "a", "a", "a", None, "b", "b"])
    ['', 'first', 'inside', 'last', '', 'first', 'last']
    """
    around = [None, *groups, None]
    marks = []
    for (before, here), after in zip(pairwise(around[:-1]), around[2:], strict=True):
        alone = here is None or here not in (before, after)
        edge = "first" if here != before else "last" if here != after else "inside"
        marks.append("" if alone else edge)
    return marks
