"""The layout of boxes in boxes: each level is laid out in layers, the inner ones first.

An arrow that leaves a box from inside it, or leads into one, is cut at each border that it
crosses. There it has a port, which is a knot of the inner level and a place on the side of
the box in the outer one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from orchestrator.core.drawing import layers, rows, tracing
from orchestrator.core.drawing.drawing import (
    LOOP,
    PADDING,
    SMALL_LINE,
    Drawing,
    Measures,
    label_size,
    measured,
)
from orchestrator.core.drawing.layers import Knot, Line, Side
from orchestrator.core.drawing.picture import Arrow, Box, Picture

ROW_GAP, MOST_ROW_GAP = 24.0, 60.0


@dataclass(slots=True, eq=False)
class Part:
    """The part of an arrow that is in one level: between two boxes, or a box and the border.

    A port is where an end goes on inside its box.
    """

    arrow: Arrow
    line: Line
    source: Box | None
    target: Box | None
    source_port: Knot | None = None
    target_port: Knot | None = None


@dataclass(slots=True, eq=False)
class Level:
    """What is directly inside a box."""

    box: Box
    knots: dict[Box, Knot] = field(default_factory=dict)
    ports: list[Knot] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    rows: list[list[Knot]] = field(default_factory=list)
    # Where each row begins, and how high it is.
    bands: list[tuple[float, float]] = field(default_factory=list)
    width: float = 0.0
    height: float = 0.0

    @property
    def lines(self) -> list[Line]:
        return [part.line for part in self.parts]

    def port(self, pin: Side) -> Knot:
        port = Knot(left=1, right=1, pin=pin, is_line=True)
        self.ports.append(port)
        return port


class Layout:
    """Where everything in a picture goes."""

    def __init__(self, picture: Picture) -> None:
        self.measures: dict[Box, Measures] = {}
        self.levels: dict[Box, Level] = {}
        # How far the inside of a box is from its left side and its upper one.
        self.insets: dict[Box, tuple[float, float]] = {}
        # Their sizes, without what leads from them to themselves.
        self.sizes: dict[Box, tuple[float, float]] = {}
        self.root = picture.root
        for box in self.root.walk():
            self.measures[box] = measured(box)
            if box.inside or box is self.root:
                self.levels[box] = Level(box, {one: Knot() for one in box.inside})
        self._cut(picture.arrows)
        self._lay(self.levels[self.root])

    def drawing(self) -> Drawing:
        level = self.levels[self.root]
        drawn = Drawing(level.width + 2 * PADDING, level.height + 2 * PADDING)
        tracing.draw(self, level, PADDING, PADDING, drawn)
        return drawn

    # ---- cutting arrows at borders, from the outside in ------------------------------

    def _cut(self, arrows: Sequence[Arrow]) -> None:
        by_level: dict[Box, list[Arrow]] = defaultdict(list)
        for arrow in arrows:
            by_level[_level_of(arrow)].append(arrow)
        for box in self.root.walk():
            if (level := self.levels.get(box)) is not None:
                for arrow in by_level[box]:
                    self._add(level, arrow)
                layers.rank([*level.knots.values(), *level.ports], level.lines)
                for part in level.parts:
                    self._go_in(part)

    def _add(self, level: Level, arrow: Arrow) -> None:
        """The part of an arrow in the level of both its ends, with what is written on it."""
        source, target = _child(level.box, arrow.source), _child(level.box, arrow.target)
        line = Line(
            level.knots[source] if source else level.port("top"),
            level.knots[target] if target else level.port("bottom"),
            Knot() if arrow.label else None,
        )
        level.parts.append(Part(arrow, line, source, target))

    def _go_in(self, part: Part) -> None:
        """Go on inside the boxes in which the arrow begins and ends."""
        arrow, is_up = part.arrow, part.line.is_up
        if part.source is not None and part.source is not arrow.source:
            level = self.levels[part.source]
            inner = _child(level.box, arrow.source)
            assert inner is not None
            part.source_port = level.port("top" if is_up else "bottom")
            line = Line(level.knots[inner], part.source_port)
            level.parts.append(Part(arrow, line, inner, None))
        if part.target is not None and part.target is not arrow.target:
            level = self.levels[part.target]
            inner = _child(level.box, arrow.target)
            assert inner is not None
            part.target_port = level.port("bottom" if is_up else "top")
            line = Line(part.target_port, level.knots[inner])
            level.parts.append(Part(arrow, line, None, inner))

    # ---- places, from the inside out -------------------------------------------------

    def _lay(self, level: Level) -> None:
        for box, knot in level.knots.items():
            if box in self.levels:
                self._lay(self.levels[box])
            self._size(box, knot)
        for part in level.parts:
            self._meet(part)
            if part.line.label is not None:
                _, width, height = label_size(part.arrow.label)
                part.line.label.size(width, height)
        knots = [*level.knots.values(), *level.ports]
        level.rows = rows.place(knots, level.lines)
        self._fit(level)
        for knot in level.knots.values():
            _share_out(knot, level.lines)

    def _size(self, box: Box, knot: Knot) -> None:
        known = self.measures[box]
        width, height = known.width, known.height
        if (level := self.levels.get(box)) is not None:
            left = PADDING
            tops = [port.x for port in level.ports if port.pin == "top"]
            if tops and known.height:
                # A line that comes in from above passes beside the title.
                left = max(PADDING, known.width - min(tops))
            width = max(width, level.width + left + PADDING)
            spare = (width - level.width - left - PADDING) / 2
            self.insets[box] = (left + spare, known.height)
            height = known.height + level.height + PADDING
        knot.size(width, height)
        self.sizes[box] = (width, height)
        if known.loop:
            knot.right += LOOP + known.loop_width + 6
            knot.height = max(height, len(known.loop) * SMALL_LINE + 8)

    def _meet(self, part: Part) -> None:
        """Where the ends of a line that go on inside their boxes meet them."""
        ends = ((part.source, part.source_port), (part.target, part.target_port))
        for box, port in ends:
            if box is not None and port is not None:
                knot = part.line.source if box is part.source else part.line.target
                part.line.shifts[knot] = self.insets[box][0] + port.x - knot.left

    def _fit(self, level: Level) -> None:
        """Bring the rows below each other, and all of it to the upper left corner."""
        knots = [knot for row in level.rows for knot in row]
        left = min((knot.x - knot.left for knot in knots), default=0.0)
        for knot in knots:
            knot.x -= left
        level.width = max((knot.x + knot.right for knot in knots), default=0.0)
        top = 0.0
        gaps = _gaps(level)
        for row, gap in zip(level.rows, [*gaps, 0.0], strict=True):
            height = max((knot.height for knot in row), default=0.0)
            level.bands.append((top, height))
            top += height + gap
        level.height = top


def _gaps(level: Level) -> list[float]:
    """The room between rows: more where lines go far to the side."""
    found = [ROW_GAP] * (len(level.rows) - 1)
    for line in level.lines:
        for upper, lower in zip(line.chain, line.chain[1:], strict=False):
            aside = abs(upper.x - lower.x)
            found[upper.layer] = max(found[upper.layer], min(ROW_GAP + aside / 8, MOST_ROW_GAP))
    return found


def _share_out(knot: Knot, lines: Sequence[Line]) -> None:
    """Let the lines of a box meet its sides apart from each other, near to where they go."""
    half = max(knot.left - PADDING, 0.0)
    for side in (0, 1):
        mine = [line for line in lines if line.chain[-side] is knot]
        # A line that goes on inside meets the box where it does.
        taken = [line.shifts[knot] for line in mine if knot in line.shifts]
        free = [line for line in mine if knot not in line.shifts]
        free.sort(key=lambda line: _beside(line, side).x)
        step = min(16.0, 2 * half / len(mine)) if len(mine) > 1 else 0.0
        for line in free:
            wish = min(max(_beside(line, side).x - knot.x, -half), half)
            place = _nearest(wish, taken, step, half)
            line.shifts[knot] = place
            taken.append(place)


def _nearest(wish: float, taken: Sequence[float], step: float, half: float) -> float:
    """The place nearest to the wish that is a step away from all that are taken."""
    beside = [one + sign * step for one in taken for sign in (-1, 1)]
    places = [one for one in (wish, *beside) if abs(one) <= half + 0.01]
    good = [one for one in places if all(abs(one - other) >= step - 0.01 for other in taken)]
    return min(good or [wish], key=lambda one: abs(one - wish))


def _beside(line: Line, side: int) -> Knot:
    """The knot next to an end of a line."""
    return line.chain[1] if side == 0 else line.chain[-2]


def _level_of(arrow: Arrow) -> Box:
    """The innermost box in which all of the arrow is."""
    sources = [arrow.source, *arrow.source.around]
    targets = [arrow.target, *arrow.target.around]
    return next(box for box in sources if box in targets)


def _child(box: Box, inner: Box) -> Box | None:
    """The box directly inside `box` that `inner` is, or is in; None if it is `box` itself."""
    found: Box | None = None
    for one in (inner, *inner.around):
        if one is box:
            return found
        found = one
    raise ValueError(f"{inner.id} is not inside {box.id}")
