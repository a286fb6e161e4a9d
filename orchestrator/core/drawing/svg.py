"""A drawing as SVG. It needs no script, no style and no style sheet.

Its colours are those of the text around it; classes let a style sheet say more. It has a
title and a description for people who do not see it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape
from itertools import pairwise

from orchestrator.core.drawing.drawing import (
    INSET,
    LOOP,
    SIGN,
    SMALL,
    SMALL_LINE,
    TITLE,
    TITLE_LINE,
    Head,
    Placed,
    Point,
    Stroke,
    Text,
)
from orchestrator.core.drawing.levels import Layout
from orchestrator.core.drawing.picture import Picture

# Classes of what is drawn stronger: where a machine is, and the states around that.
CURRENT, AROUND = "is-current", "is-around"
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, Ubuntu, sans-serif"
_HEADS = {"down": "l-4 -7h8z", "up": "l-4 7h8z"}
_HEAD_OF_LOOP = "l7 -4v8z"


def svg(picture: Picture) -> str:
    """The picture as an SVG element, the same text each time."""
    drawn = Layout(picture).drawing()
    name = "diagram-" + re.sub(r"[^A-Za-z0-9]+", "-", picture.title).strip("-").lower()
    width, height = _n(drawn.width), _n(drawn.height)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="diagram" role="img" '
        f'aria-labelledby="{name}-title {name}-desc" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" fill="none" '
        f'font-family="{escape(_FONT)}" font-size="{_n(SMALL)}">'
    )
    return "\n".join(
        [
            head,
            f'<title id="{name}-title">{escape(picture.title)}</title>',
            f'<desc id="{name}-desc">{escape(picture.description)}</desc>',
            *(element for placed in drawn.boxes for element in _box(placed)),
            *map(_stroke, drawn.strokes),
            *map(_loop, drawn.loops),
            *map(_head, drawn.heads),
            *(element for text in drawn.texts for element in _text(text)),
            "</svg>\n",
        ]
    )


# ---- boxes ---------------------------------------------------------------------------


def _box(placed: Placed) -> Iterator[str]:
    box = placed.box
    yield f'<g class="{_classes("d-box", f"d-{box.shape}", *box.marks)}">'
    if box.shape in ("start", "history"):
        yield from _dot(placed)
    else:
        yield _rectangle(placed, 0, box.marks)
        if box.shape == "final":
            yield _rectangle(placed, 3, ())
        yield from _texts_of(placed)
    yield "</g>"


def _dot(placed: Placed) -> Iterator[str]:
    radius = placed.width / 2
    x, y = _n(placed.x + radius), _n(placed.y + radius)
    if placed.box.shape == "start":
        yield f'<circle cx="{x}" cy="{y}" r="{_n(radius - 1)}" fill="currentColor"/>'
        return
    yield f'<circle cx="{x}" cy="{y}" r="{_n(radius)}" stroke="currentColor"/>'
    yield _line_of_text(placed.box.title, placed.x + radius, placed.y + radius + 4, "d-title")


def _rectangle(placed: Placed, inset: float, marks: Sequence[str]) -> str:
    look = 'stroke="currentColor" fill="currentColor" fill-opacity="0.04"'
    if CURRENT in marks:
        look = 'stroke="currentColor" stroke-width="2.5" fill="currentColor" fill-opacity="0.14"'
    elif placed.box.shape == "region":
        look = 'stroke="currentColor" stroke-dasharray="5 4"'
    elif AROUND in marks:
        look = 'stroke="currentColor" stroke-width="2" fill="currentColor" fill-opacity="0.04"'
    return (
        f'<rect class="d-frame" x="{_n(placed.x + inset)}" y="{_n(placed.y + inset)}" '
        f'width="{_n(placed.width - 2 * inset)}" height="{_n(placed.height - 2 * inset)}" '
        f'rx="{_n(8 - inset)}" {look}/>'
    )


def _texts_of(placed: Placed) -> Iterator[str]:
    """Title and lines: in the middle of a box, or at the left above what is inside it."""
    measures, is_around = placed.measures, bool(placed.box.inside)
    x = placed.x + (INSET + SIGN if is_around else placed.width / 2)
    anchor = "start" if is_around else "middle"
    y = placed.y + 6
    for line in measures.title:
        y += TITLE_LINE
        yield _line_of_text(line, x, y - 3, "d-title", anchor=anchor)
    if CURRENT in placed.box.marks and measures.title:
        path = f"M{_n(placed.x + 7)} {_n(placed.y + 10)}l8 5l-8 5z"
        yield f'<path class="d-sign" d="{path}" fill="currentColor"/>'
    y += 2
    for line in measures.lines:
        y += SMALL_LINE
        yield _line_of_text(line, x, y - 3, "d-note", anchor=anchor)


# ---- arrows --------------------------------------------------------------------------


def _stroke(stroke: Stroke) -> str:
    return (
        f'<path class="{_classes("d-line", *stroke.arrow.marks)}" d="{_path(stroke.points)}" '
        'stroke="currentColor" stroke-opacity="0.6"/>'
    )


def _path(points: Sequence[Point]) -> str:
    """Straight down, and in curves from row to row."""
    x, y = points[0]
    parts = [f"M{_n(x)} {_n(y)}"]
    for (x1, y1), (x2, y2) in pairwise(points):
        if abs(x1 - x2) < 0.05:  # noqa: PLR2004 - less than can be seen
            parts.append(f"V{_n(y2)}")
        else:
            middle = _n((y1 + y2) / 2)
            parts.append(f"C{_n(x1)} {middle} {_n(x2)} {middle} {_n(x2)} {_n(y2)}")
    return "".join(parts)


def _loop(placed: Placed) -> str:
    x, y = placed.x + placed.width, placed.y + placed.height / 2
    path = f"M{_n(x)} {_n(y - 8)}c{_n(LOOP)} -6 {_n(LOOP)} 22 0 16"
    head = f'<path class="d-head" d="M{_n(x)} {_n(y + 8)}{_HEAD_OF_LOOP}" fill="currentColor"/>'
    return f'<path class="d-line" d="{path}" stroke="currentColor" stroke-opacity="0.6"/>{head}'


def _head(head: Head) -> str:
    path = f"M{_n(head.x)} {_n(head.y)}{_HEADS[head.direction]}"
    return f'<path class="{_classes("d-head", *head.arrow.marks)}" d="{path}" fill="currentColor"/>'


def _text(text: Text) -> Iterator[str]:
    x, y = text.x + text.width / 2, text.y + 2
    for line in text.lines:
        y += SMALL_LINE
        yield _line_of_text(line, x, y - 4, _classes("d-label", *text.marks))


def _line_of_text(text: str, x: float, y: float, name: str, *, anchor: str = "middle") -> str:
    look = f' font-size="{_n(TITLE)}" font-weight="600"' if name == "d-title" else ""
    return (
        f'<text class="{name}" x="{_n(x)}" y="{_n(y)}" text-anchor="{anchor}" '
        f'fill="currentColor"{look}>{escape(text)}</text>'
    )


def _classes(*names: str) -> str:
    return escape(" ".join(names))


def _n(number: float) -> str:
    """A number as short as it can be."""
    text = f"{number:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text
