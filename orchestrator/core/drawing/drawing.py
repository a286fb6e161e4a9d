"""A diagram with all its places: what the layout makes and `svg` writes down."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from orchestrator.core.drawing.picture import Arrow, Box
from orchestrator.core.drawing.text import width, wrapped

TITLE, SMALL = 13.0, 11.0
# Bold text is wider.
BOLD = 1.2
TITLE_LINE, SMALL_LINE = 17.0, 15.0
TITLE_LIMIT, SMALL_LIMIT, LABEL_LIMIT = 200.0, 210.0, 180.0
INSET = 12.0
# For the sign of the state that a machine is in, at the left of a title.
SIGN = 12.0
DOT, HISTORY = 12.0, 26.0
LOOP = 24.0
# Between the border of a box and what is inside it.
PADDING = 14.0

Point = tuple[float, float]
Direction = Literal["down", "up"]


@dataclass(frozen=True, slots=True)
class Measures:
    """The texts of a box in lines, and the room that they take."""

    title: Sequence[str]
    lines: Sequence[str]
    loop: Sequence[str]
    width: float
    height: float
    loop_width: float


@dataclass(frozen=True, slots=True)
class Placed:
    """A box and its corner, its size, and its texts."""

    box: Box
    x: float
    y: float
    width: float
    height: float
    measures: Measures


@dataclass(frozen=True, slots=True)
class Text:
    """What is written on an arrow: its corner and its size."""

    lines: Sequence[str]
    x: float
    y: float
    width: float
    height: float
    marks: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Stroke:
    """A part of an arrow's line: through these points, from the top down."""

    arrow: Arrow
    points: Sequence[Point]


@dataclass(frozen=True, slots=True)
class Head:
    """The head of an arrow: its tip, and where it points."""

    arrow: Arrow
    x: float
    y: float
    direction: Direction


@dataclass(slots=True)
class Drawing:
    """Everything, outer boxes first."""

    width: float
    height: float
    boxes: list[Placed] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)
    strokes: list[Stroke] = field(default_factory=list)
    heads: list[Head] = field(default_factory=list)
    # Boxes from which something leads to themselves, at their right side.
    loops: list[Placed] = field(default_factory=list)


def measured(box: Box) -> Measures:
    """The room that a box needs for its own texts."""
    if box.shape == "start":
        return Measures((), (), (), DOT, DOT, 0.0)
    if box.shape == "history":
        return Measures((box.title,), (), (), HISTORY, HISTORY, 0.0)
    title = wrapped(box.title, TITLE_LIMIT, BOLD * TITLE) if box.title else []
    lines = list(_all_wrapped(box.lines, SMALL_LIMIT))
    loop = list(_all_wrapped(box.loop, LABEL_LIMIT))
    widths = [BOLD * width(one, TITLE) + 2 * SIGN for one in title]
    widths += [width(one, SMALL) for one in lines]
    return Measures(
        title=title,
        lines=lines,
        loop=loop,
        width=max(widths, default=0.0) + 2 * INSET,
        height=len(title) * TITLE_LINE + len(lines) * SMALL_LINE + (14.0 if title else 0.0),
        loop_width=max((width(one, SMALL) for one in loop), default=0.0),
    )


def label_size(label: Sequence[str]) -> tuple[list[str], float, float]:
    """The lines of what is written on an arrow, and the room that they take."""
    lines = list(_all_wrapped(label, LABEL_LIMIT))
    broad = max((width(one, SMALL) for one in lines), default=0.0)
    return lines, broad + 8, len(lines) * SMALL_LINE + 4


def _all_wrapped(lines: Sequence[str], limit: float) -> Iterator[str]:
    for line in lines:
        yield from wrapped(line, limit, SMALL)
