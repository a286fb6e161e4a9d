"""The axis of a run's timeline: which pauses are cut out of it, and where a moment falls.

A cut has a fixed width. What the cuts leave is shared by the clusters of work between them, by the
square root of their length; inside a cluster the axis is linear.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

LEAST_CLUSTER = 1.0  # percent
ALL_CUTS = 45.0
KEPT = 0.05  # of the busy time: a gap shorter than this is never cut

Interval = tuple[float, float]


@dataclass(frozen=True)
class Piece:
    """A stretch of the axis that is linear: a cluster of work, or a cut."""

    start: float
    end: float
    x: float
    width: float
    is_cut: bool = False


def cuts_of(busy: Sequence[Interval], begin: float, end: float) -> list[Interval]:
    """The idle gaps to cut: the longest first, until the remaining idle time is no longer than the
    busy time. Where nothing executes at all, there is nothing to make room for, and no cut."""
    work = sum(stop - start for start, stop in busy)
    if work <= 0:
        return []
    gaps = sorted(_gaps(busy, begin, end), key=lambda gap: gap[0] - gap[1])
    idle = sum(stop - start for start, stop in gaps)
    chosen: list[Interval] = []
    for start, stop in gaps:
        if idle <= work or stop - start < work * KEPT:
            break
        chosen.append((start, stop))
        idle -= stop - start
    return sorted(chosen)


def cut_width(seconds: float) -> float:
    """How wide a cut is drawn, in percent, before all of them are made to fit.

    >>> cut_width(1), cut_width(100), cut_width(10**9)
    (3.5, 5.5, 10.0)
    """
    return min(max(3.5 + math.log10(seconds), 1.0), 10.0)


def union(intervals: Iterable[Interval]) -> list[Interval]:
    merged: list[Interval] = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def _gaps(busy: Sequence[Interval], begin: float, end: float) -> list[Interval]:
    edges = [begin, *(edge for interval in busy for edge in interval), end]
    return [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b > a]


def axis_pieces(
    begin: float, end: float, cuts: Sequence[Interval], busy: Sequence[Interval]
) -> tuple[Piece, ...]:
    """The axis from left to right, clusters and cuts. A moment of work is a cluster too."""
    edges = [begin, *(edge for cut in cuts for edge in cut), end]
    clusters = [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    moments = {start for start, _ in busy}
    clusters = [(a, b) for a, b in clusters if b > a or a in moments] or [(begin, end)]
    cut_widths = _cut_widths(cuts)
    widths = _shares([math.sqrt(b - a) for a, b in clusters], 100 - sum(cut_widths))
    parts = [(*span, width, False) for span, width in zip(clusters, widths, strict=True)]
    parts += [(*span, width, True) for span, width in zip(cuts, cut_widths, strict=True)]
    x, pieces = 0.0, []
    for start, stop, width, is_cut in sorted(parts):
        pieces.append(Piece(start, stop, x, width, is_cut))
        x += width
    return tuple(pieces)


def _cut_widths(cuts: Sequence[Interval]) -> list[float]:
    widths = [cut_width(end - start) for start, end in cuts]
    scale = min(1.0, ALL_CUTS / sum(widths)) if widths else 1.0
    return [width * scale for width in widths]


def _shares(weights: Sequence[float], room: float) -> list[float]:
    """Divides the room by weight, but gives each at least a sliver."""
    least = min(LEAST_CLUSTER, room / len(weights))
    spare = room - least * len(weights)
    total = sum(weights) or 1.0
    shares = [least + spare * weight / total for weight in weights]
    return shares if sum(weights) else [room / len(weights)] * len(weights)


class Axis:
    """From a moment to its place."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self.pieces = pieces

    def x(self, moment: float) -> float:
        piece = self.piece(moment)
        length = piece.end - piece.start
        share = (moment - piece.start) / length if length else 0.0
        return piece.x + piece.width * min(max(share, 0.0), 1.0)

    def piece(self, moment: float) -> Piece:
        """The piece that holds the moment; at a border, the cluster rather than the cut."""
        holding = [p for p in self.pieces if p.start <= moment <= p.end]
        if holding:
            return min(holding, key=lambda p: p.is_cut)
        return self.pieces[0] if moment < self.pieces[0].start else self.pieces[-1]
