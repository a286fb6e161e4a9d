"""What somebody changed in a text: word by word, as a page shows it and as the result has it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher, unified_diff
from typing import Any, Literal

Kind = Literal["same", "added", "removed"]

_TOKENS = re.compile(r"\s+|[\w'\u2019-]+|[^\w\s]")
# Words of one paragraph that are compared one by one; longer ones are shown as a whole.
MOST_WORDS = 3_000


@dataclass(frozen=True, slots=True)
class Piece:
    """Some words, and whether they are new, gone or as before."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One changed paragraph; or `folded` paragraphs in a row that are as they were."""

    pieces: tuple[Piece, ...] = ()
    folded: int = 0


@dataclass(frozen=True, slots=True)
class Changes:
    """All changes of a text, and how many words were added and removed."""

    paragraphs: tuple[Paragraph, ...]
    added: int
    removed: int

    @property
    def is_empty(self) -> bool:
        return not (self.added or self.removed)


def changes(before: str, after: str) -> Changes:
    """What changed between two texts."""
    found = list(_folded(_paragraphs(before.splitlines(), after.splitlines())))
    pieces = [piece for one in found for piece in one.pieces]
    return Changes(
        tuple(found),
        added=sum(_words(piece.text) for piece in pieces if piece.kind == "added"),
        removed=sum(_words(piece.text) for piece in pieces if piece.kind == "removed"),
    )


def edits(before: str, after: str) -> dict[str, Any]:
    """What changed, as the workflow gets it: proof of what was edited, and a diff by lines.

    `change_ratio` is 0.0 for the same text and 1.0 for one that has nothing in common.
    """
    lines = unified_diff(before.splitlines(), after.splitlines(), "before", "after", lineterm="")
    matcher = SequenceMatcher(None, _tokens(before), _tokens(after), autojunk=True)
    return {
        "base_digest": hashlib.sha256(before.encode()).hexdigest(),
        "unchanged": before == after,
        "change_ratio": 0.0 if before == after else round(1 - matcher.ratio(), 4),
        "unified": "\n".join(lines),
    }


def count(text: str) -> int:
    """How many words a text has."""
    return _words(text)


def _paragraphs(before: Sequence[str], after: Sequence[str]) -> Iterator[Paragraph]:
    for tag, i, j, k, n in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            yield from (Paragraph((Piece("same", line),)) for line in before[i:j])
        elif tag == "replace":
            yield from _replaced(before[i:j], after[k:n])
        else:
            yield from (Paragraph((Piece("removed", line),)) for line in before[i:j])
            yield from (Paragraph((Piece("added", line),)) for line in after[k:n])


def _replaced(before: Sequence[str], after: Sequence[str]) -> Iterator[Paragraph]:
    for old, new in zip(before, after, strict=False):
        yield Paragraph(tuple(_pieces(old, new)))
    yield from (Paragraph((Piece("removed", line),)) for line in before[len(after) :])
    yield from (Paragraph((Piece("added", line),)) for line in after[len(before) :])


def _pieces(before: str, after: str) -> Iterator[Piece]:
    old, new = _tokens(before), _tokens(after)
    if max(len(old), len(new)) > MOST_WORDS:
        yield Piece("removed", before)
        yield Piece("added", after)
        return
    for tag, i, j, k, n in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            yield Piece("same", "".join(old[i:j]))
            continue
        if i < j:
            yield Piece("removed", "".join(old[i:j]))
        if k < n:
            yield Piece("added", "".join(new[k:n]))


def _folded(paragraphs: Iterator[Paragraph]) -> Iterator[Paragraph]:
    """What is as it was, in one line; empty lines between changes are left out."""
    unchanged = 0
    for one in paragraphs:
        text = "".join(piece.text for piece in one.pieces)
        if all(piece.kind == "same" for piece in one.pieces):
            unchanged += bool(text.strip())
            continue
        if not text.strip():
            continue
        if unchanged:
            yield Paragraph(folded=unchanged)
            unchanged = 0
        yield one
    if unchanged:
        yield Paragraph(folded=unchanged)


def _tokens(text: str) -> list[str]:
    return _TOKENS.findall(text)


def _words(text: str) -> int:
    return len(re.findall(r"\w[\w'\u2019-]*", text))
