"""From a layout to a drawing: the places of all boxes, texts and lines on the paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.core.drawing.drawing import (
    LOOP,
    PADDING,
    SMALL_LINE,
    Direction,
    Drawing,
    Head,
    Placed,
    Point,
    Stroke,
    Text,
    label_size,
)
from orchestrator.core.drawing.layers import Knot, Side

if TYPE_CHECKING:
    from orchestrator.core.drawing.levels import Layout, Level, Part


def draw(layout: Layout, level: Level, x: float, y: float, drawn: Drawing) -> None:
    """Put a level on the paper, with its corner at this place."""
    for box, knot in level.knots.items():
        width, height = layout.sizes[box]
        top = y + _upper(level, knot, height)
        placed = Placed(box, x + knot.x - knot.left, top, width, height, layout.measures[box])
        drawn.boxes.append(placed)
        if placed.measures.loop:
            _add_loop(placed, drawn)
        if (inner := layout.levels.get(box)) is not None:
            aside, below = layout.insets[box]
            draw(layout, inner, placed.x + aside, placed.y + below, drawn)
    for part in level.parts:
        _Tracer(layout, level, part, x, y).trace(drawn)


def _upper(level: Level, knot: Knot, height: float) -> float:
    """The upper edge of what is so high, in the middle of its row."""
    top, row_height = level.bands[knot.layer]
    return top + (row_height - height) / 2


def _add_loop(placed: Placed, drawn: Drawing) -> None:
    drawn.loops.append(placed)
    lines, width = placed.measures.loop, placed.measures.loop_width
    height = len(lines) * SMALL_LINE
    top = placed.y + (placed.height - height) / 2
    drawn.texts.append(Text(lines, placed.x + placed.width + LOOP, top, width, height))


class _Tracer:
    """Draws one part of an arrow."""

    def __init__(self, layout: Layout, level: Level, part: Part, x: float, y: float) -> None:
        self._layout, self._level, self._part = layout, level, part
        self._x, self._y = x, y

    def trace(self, drawn: Drawing) -> None:
        """From the top down; what is written on it is in between."""
        line, arrow = self._part.line, self._part.arrow
        points: list[Point] = []
        for knot in line.chain:
            if knot is line.label:
                text = self._text(knot)
                drawn.texts.append(text)
                above, below = self._points(knot)
                drawn.strokes.append(Stroke(arrow, [*points, above, (above[0], text.y)]))
                points = [(below[0], text.y + text.height), below]
            else:
                points += self._points(knot)
        drawn.strokes.append(Stroke(arrow, points))
        if self._ends_here:
            tip = self._tip(line.target, "bottom" if line.is_up else "top")
            direction: Direction = "up" if line.is_up else "down"
            drawn.heads.append(Head(arrow, self._place(line.target), tip, direction))

    @property
    def _ends_here(self) -> bool:
        """Whether the arrow ends here, and not in a box inside or around."""
        part = self._part
        return part.target_port is None and (part.target or self._level.box) is part.arrow.target

    def _text(self, knot: Knot) -> Text:
        lines, width, height = label_size(self._part.arrow.label)
        top = self._y + _upper(self._level, knot, height)
        left = self._place(knot) - width / 2
        return Text(lines, left, top, width, height, self._part.arrow.marks)

    def _points(self, knot: Knot) -> list[Point]:
        """Where the line goes in the row of a knot: straight down."""
        place, (top, height) = self._place(knot), self._level.bands[knot.layer]
        begin, end = self._y + top, self._y + top + height
        if knot is self._part.line.upper:
            begin = self._tip(knot, "bottom")
        elif knot is self._part.line.lower:
            end = self._tip(knot, "top")
        return [(place, begin), (place, end)] if begin != end else [(place, begin)]

    def _place(self, knot: Knot) -> float:
        return self._x + knot.x + self._part.line.shifts.get(knot, 0.0)

    def _tip(self, knot: Knot, side: Side) -> float:
        """The height at which the line meets its end: the side of a box, or the border around."""
        part, layout, level = self._part, self._layout, self._level
        box = part.source if knot is part.line.source else part.target
        if box is None:
            return self._border(knot)
        _, height = layout.sizes[box]
        above = self._y + _upper(level, knot, height)
        return above if side == "top" else above + height

    def _border(self, port: Knot) -> float:
        if port.pin == "top":
            return self._y - self._layout.insets[self._level.box][1]
        return self._y + self._level.height + PADDING
