"""What is drawn: boxes, boxes inside them, and arrows between any of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

Shape = Literal["box", "final", "region", "start", "history"]


@dataclass(slots=True, eq=False)
class Box:
    """A state or a step. `lines` stand under its title; `marks` are classes of a style sheet.

    `loop` is what leads from the box to itself.
    """

    id: str
    title: str
    shape: Shape = "box"
    lines: Sequence[str] = ()
    inside: list[Box] = field(default_factory=list)
    marks: Sequence[str] = ()
    loop: Sequence[str] = ()
    parent: Box | None = None

    def add(self, box: Box) -> Box:
        box.parent = self
        self.inside.append(box)
        return box

    def walk(self) -> Iterator[Box]:
        yield self
        for box in self.inside:
            yield from box.walk()

    @property
    def around(self) -> Iterator[Box]:
        """The boxes around it, from the inside out."""
        found = self.parent
        while found is not None:
            yield found
            found = found.parent


@dataclass(frozen=True, slots=True, eq=False)
class Arrow:
    """A line from one box to another, with what is written on it."""

    source: Box
    target: Box
    label: Sequence[str] = ()
    marks: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Picture:
    """A whole diagram. `root` is the paper: it is not drawn itself."""

    root: Box
    arrows: Sequence[Arrow]
    title: str
    # What it shows, in sentences, for people who do not see it.
    description: str
