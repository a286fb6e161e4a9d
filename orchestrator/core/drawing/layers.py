"""A layout in layers of one level: which row everything is in, and which lines lead back.

What is written on an arrow is a knot of the layout like the boxes, and so is each row that
an arrow only passes. So nothing lies on anything else, by construction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Side = Literal["top", "bottom"]


@dataclass(slots=True, eq=False)
class Knot:
    """Something that has a place in a row: a box, a text, or a line that passes.

    `x` is where its lines meet it, with `left` and `right` of that its room.
    """

    height: float = 0.0
    left: float = 0.0
    right: float = 0.0
    # The ends of lines that come from outside are in the first row or in the last.
    pin: Side | None = None
    layer: int = 0
    x: float = 0.0
    is_line: bool = False

    def size(self, width: float, height: float) -> None:
        self.left = self.right = width / 2
        self.height = height


@dataclass(slots=True, eq=False)
class Line:
    """A line between two knots, with a text or without."""

    source: Knot
    target: Knot
    label: Knot | None = None
    # Whether it goes upwards.
    is_up: bool = False
    # What it goes through, from the top down; both ends included.
    chain: list[Knot] = field(default_factory=list)
    # Where it meets its ends, right or left of their middle.
    shifts: dict[Knot, float] = field(default_factory=dict)

    @property
    def upper(self) -> Knot:
        return self.target if self.is_up else self.source

    @property
    def lower(self) -> Knot:
        return self.source if self.is_up else self.target

    @property
    def span(self) -> int:
        """The rows that it needs."""
        return 1 if self.label is None else 2


def rank(knots: Sequence[Knot], lines: Sequence[Line]) -> None:
    """Give every knot its row, and say which lines go upwards. Needs no sizes."""
    _turn(knots, lines)
    above: dict[Knot, list[Line]] = defaultdict(list)
    below: dict[Knot, list[Line]] = defaultdict(list)
    for line in lines:
        above[line.lower].append(line)
        below[line.upper].append(line)
    order = _sorted(knots, above, below)
    first = int(any(one.pin == "top" for one in knots))
    for knot in order:
        rows = [line.upper.layer + line.span for line in above[knot]]
        knot.layer = 0 if knot.pin == "top" else max([first, *rows])
    for knot in reversed(order):
        # Nearer to what it leads to, if nothing leads to it.
        if not above[knot] and below[knot] and knot.pin is None and knot is not knots[0]:
            knot.layer = max(min(one.lower.layer - one.span for one in below[knot]), first)
    last = max((one.layer for one in knots if one.pin != "bottom"), default=0) + 1
    last = max([last, *(one.layer for one in knots)])
    for knot in knots:
        if knot.pin == "bottom":
            knot.layer = last


def _turn(knots: Sequence[Knot], lines: Sequence[Line]) -> None:
    """Find the lines that lead back, in the order of the document."""
    below: dict[Knot, list[Line]] = defaultdict(list)
    for line in lines:
        line.is_up = line.target.pin == "top" or line.source.pin == "bottom"
        if not line.is_up:
            below[line.source].append(line)
    on_path: dict[Knot, bool] = {}
    for knot in knots:
        if knot not in on_path:
            _visit(knot, below, on_path)


def _visit(knot: Knot, below: Mapping[Knot, list[Line]], on_path: dict[Knot, bool]) -> None:
    on_path[knot] = True
    for line in below[knot]:
        if on_path.get(line.target):
            line.is_up = True
        elif line.target not in on_path:
            _visit(line.target, below, on_path)
    on_path[knot] = False


def _sorted(
    knots: Sequence[Knot], above: Mapping[Knot, list[Line]], below: Mapping[Knot, list[Line]]
) -> list[Knot]:
    """The knots so that each comes after those above it."""
    waiting = {knot: len(above[knot]) for knot in knots}
    ready = [knot for knot in knots if not waiting[knot]]
    found: list[Knot] = []
    while ready:
        knot = ready.pop(0)
        found.append(knot)
        for line in below[knot]:
            waiting[line.lower] -= 1
            if not waiting[line.lower]:
                ready.append(line.lower)
    return found
