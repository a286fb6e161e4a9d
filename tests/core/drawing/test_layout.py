"""Nothing in a diagram lies on anything else, whatever the chart is."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import combinations, pairwise
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.drawing.drawing import (
    INSET,
    SMALL,
    SMALL_LINE,
    TITLE_LINE,
    Drawing,
    Placed,
    Stroke,
)
from orchestrator.core.drawing.levels import Layout
from orchestrator.core.drawing.picture import Arrow, Box, Picture
from orchestrator.core.drawing.text import width, wrapped


class Area(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: Area) -> bool:
        return (
            self.left < other.right - 0.01
            and other.left < self.right - 0.01
            and self.top < other.bottom - 0.01
            and other.top < self.bottom - 0.01
        )

    def is_in(self, other: Area) -> bool:
        return (
            self.left >= other.left - 0.01
            and self.right <= other.right + 0.01
            and self.top >= other.top - 0.01
            and self.bottom <= other.bottom + 0.01
        )

    def holds(self, point: tuple[float, float]) -> bool:
        x, y = point
        return self.left + 0.5 < x < self.right - 0.5 and self.top + 0.5 < y < self.bottom - 0.5


def area(placed: Placed) -> Area:
    return Area(placed.x, placed.y, placed.x + placed.width, placed.y + placed.height)


def heading(placed: Placed) -> Area:
    """Where the texts of a box with boxes inside it are."""
    measures = placed.measures
    height = len(measures.title) * TITLE_LINE + len(measures.lines) * SMALL_LINE
    left = placed.x + INSET
    return Area(left, placed.y + 4, left + measures.width - 2 * INSET, placed.y + 4 + height)


def texts(drawn: Drawing) -> list[Area]:
    return [Area(one.x, one.y, one.x + one.width, one.y + one.height) for one in drawn.texts]


def points(stroke: Stroke) -> Iterator[tuple[float, float]]:
    """Places on a line, as `svg` draws it: straight down, and in curves."""
    for (x1, y1), (x2, y2) in pairwise(stroke.points):
        for step in range(13):
            t = step / 12
            x = x1 * (1 - t) ** 3 + 3 * x1 * t * (1 - t) ** 2 + 3 * x2 * t**2 * (1 - t) + x2 * t**3
            middle = (y1 + y2) / 2
            y = y1 * (1 - t) ** 3 + 3 * middle * (t * (1 - t) ** 2 + t**2 * (1 - t)) + y2 * t**3
            yield x, y


def check(picture: Picture) -> Drawing:
    """Fail if anything lies on anything else, or beside the paper."""
    drawn = Layout(picture).drawing()
    paper = Area(0, 0, drawn.width, drawn.height)
    written = texts(drawn)
    for placed in drawn.boxes:
        assert area(placed).is_in(paper)
        around = next((one for one in drawn.boxes if one.box is placed.box.parent), None)
        if around is not None:
            assert area(placed).is_in(area(around))
            assert not area(placed).overlaps(heading(around))
    for one, other in combinations(drawn.boxes, 2):
        related = one.box in other.box.around or other.box in one.box.around
        assert related or not area(one).overlaps(area(other)), (one.box.id, other.box.id)
    for text in written:
        assert text.is_in(paper)
        for placed in drawn.boxes:
            solid = heading(placed) if placed.box.inside else area(placed)
            assert not text.overlaps(solid), placed.box.id
    for one, other in combinations(written, 2):
        assert not one.overlaps(other)
    for stroke in drawn.strokes:
        check_stroke(stroke, drawn, written)
    return drawn


def check_stroke(stroke: Stroke, drawn: Drawing, written: list[Area]) -> None:
    arrow = stroke.arrow
    near = {arrow.source, arrow.target, *arrow.source.around, *arrow.target.around}
    for point in points(stroke):
        for placed in drawn.boxes:
            if placed.box.inside and placed.box in near:
                assert not heading(placed).holds(point), placed.box.id
            else:
                assert not area(placed).holds(point), placed.box.id
        assert not any(text.holds(point) for text in written)


# ---- pictures ------------------------------------------------------------------------

WORDS = ["GO", "PAYMENT_RECEIVED", "after 14d", "[event.amount >= ctx.total]", "/ mark_paid"]


def pictures(chance: random.Random) -> Picture:
    """Up to twenty boxes, some in others, with arrows between any two of them."""
    root = Box("", "")
    boxes: list[Box] = [root]
    for number in range(chance.randint(1, 20)):
        around = chance.choice([box for box in boxes if box.shape in ("box", "region")])
        shape = chance.choice(["box", "box", "box", "final", "region", "history", "start"])
        box = Box(
            f"s{number}",
            chance.choice(["a", "processing", "waiting_for_the_warehouse_in_hamburg"]),
            shape=shape,
            lines=chance.sample(["entry / notify", "do / kyc"], chance.randint(0, 2)),
            loop=chance.sample(WORDS, chance.randint(0, 2)) if shape == "box" else (),
        )
        boxes.append(around.add(box))
    arrows = [
        Arrow(source, target, chance.sample(WORDS, chance.randint(0, 4)))
        for source, target in (chance.choices(boxes[1:], k=2) for _ in range(chance.randint(0, 30)))
        if source is not target
    ]
    return Picture(root, arrows, "test", "")


@pytest.mark.parametrize("seed", range(40))
def test_nothing_lies_on_anything_else(seed):
    check(pictures(random.Random(seed)))


def chain(count: int, jumps: int) -> Picture:
    root = Box("", "")
    boxes = [root.add(Box(f"s{n}", f"state {n}")) for n in range(count)]
    arrows = [
        Arrow(boxes[n], boxes[(n * jumps + step) % count], [f"EVENT_{n}_{step}"])
        for n in range(count)
        for step in (1, 3)
        if boxes[n] is not boxes[(n * jumps + step) % count]
    ]
    return Picture(root, arrows, "chain", "")


@pytest.mark.parametrize(("count", "jumps"), [(1, 1), (2, 1), (20, 1), (20, 7), (40, 3)])
def test_large_charts_too(count, jumps):
    check(chain(count, jumps))


def test_what_comes_first_is_above_what_follows():
    root = Box("", "")
    first, second, third = (root.add(Box(name, name)) for name in "abc")
    arrows = [Arrow(first, second), Arrow(second, third), Arrow(third, first, ["back"])]

    drawn = check(Picture(root, arrows, "test", ""))

    tops = {placed.box.id: placed.y for placed in drawn.boxes}
    assert tops["a"] < tops["b"] < tops["c"]
    assert [head.direction for head in drawn.heads] == ["down", "down", "up"]


def test_every_arrow_has_one_head_at_its_target():
    root = Box("", "")
    outer = root.add(Box("outer", "outer"))
    inner = outer.add(Box("inner", "inner"))
    beside = root.add(Box("beside", "beside"))
    arrows = [
        Arrow(beside, inner, ["in"]),
        Arrow(inner, beside, ["out"]),
        Arrow(outer, inner, ["down"]),
        Arrow(inner, outer, ["up"]),
    ]

    drawn = check(Picture(root, arrows, "test", ""))

    places = {placed.box: area(placed) for placed in drawn.boxes}
    assert sorted(head.arrow.label[0] for head in drawn.heads) == ["down", "in", "out", "up"]
    for head in drawn.heads:
        target = places[head.arrow.target]
        assert target.left <= head.x <= target.right
        assert min(abs(head.y - target.top), abs(head.y - target.bottom)) < 0.01


def test_what_no_arrow_connects_stands_close_together():
    root = Box("", "")
    boxes = [root.add(Box(str(n), f"box {n}")) for n in range(6)]
    arrows = [Arrow(boxes[0], boxes[1]), Arrow(boxes[2], boxes[3]), Arrow(boxes[4], boxes[5])]

    drawn = check(Picture(root, arrows, "test", ""))

    assert drawn.width < 3 * (boxes_width(drawn) + 40)


def boxes_width(drawn: Drawing) -> float:
    return max(placed.width for placed in drawn.boxes)


# ---- texts ---------------------------------------------------------------------------


@given(st.text(max_size=80), st.floats(40, 200))
def test_a_wrapped_text_keeps_within_its_limit(text, limit):
    lines = wrapped(text, limit, SMALL)

    assert len(lines) <= 3
    assert all(width(line, SMALL) <= limit for line in lines)


def test_a_long_text_is_broken_at_its_joints_and_cut_off_at_last():
    assert wrapped("send_shipping_notification", 100, SMALL) == ["send_shipping_", "notification"]
    assert wrapped("a b c d e f g", 20, SMALL)[-1].endswith("…")
    assert wrapped("", 100, SMALL) == []
