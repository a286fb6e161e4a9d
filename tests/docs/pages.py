"""Pages of the documentation, as the tests read them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")], key=str)
# Those that show code to be typed: their blocks run, from the first to the last.
GUIDES = sorted((ROOT / "docs" / "guide").glob("*.md"))
# Those whose blocks are parts of something larger: they must parse, and their imports work.
EXCERPTS = [page for page in GUIDES if page.name in {"human-tasks.md"}]
LESSONS = [
    ROOT / "README.md",
    *(page for page in GUIDES if page not in EXCERPTS and "```python" in page.read_text()),
]

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
_INLINE_CODE = re.compile(r"`[^`\n]+`")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_IMAGE = re.compile(r"!\[[^\]]*\]\(([^)\s]+)\)|\b(?:src|srcset)=\"([^\"\s]+)")
_HEADING = re.compile(r"^#+ +(.+)$", re.M)
_OUTSIDE = re.compile(r"[a-z][a-z0-9+.-]*:")


@dataclass(frozen=True)
class Block:
    """A fenced block. `line` is the number of its first line in the page."""

    language: str
    code: str
    line: int


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(text: str) -> list[Block]:
    return [
        Block(found[1], found[2], text.count("\n", 0, found.start(2)) + 1)
        for found in _FENCE.finditer(text)
    ]


def code(text: str) -> str:
    """All that is shown as code: blocks and words."""
    words = _INLINE_CODE.findall(_FENCE.sub("", text))
    return "\n".join([*(block.code for block in blocks(text)), *words])


def links(text: str) -> list[str]:
    """The targets of links inside the repository."""
    return _targets(_LINK, text)


def images(text: str) -> list[str]:
    """The files of pictures."""
    return _targets(_IMAGE, text)


def _targets(pattern: re.Pattern[str], text: str) -> list[str]:
    prose = _INLINE_CODE.sub("", _FENCE.sub("", text))
    found = (next(filter(None, match.groups())) for match in pattern.finditer(prose))
    return [target for target in found if not _OUTSIDE.match(target)]


def anchors(text: str) -> set[str]:
    """What a link may name after the `#`, as code hosts make it of a heading."""
    headings = _HEADING.findall(_FENCE.sub("", text))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def cells(text: str) -> Iterator[list[str]]:
    """The rows of all tables, without the heads' rules."""
    for line in text.splitlines():
        if line.startswith("|") and not line.startswith("|-"):
            yield [cell.strip() for cell in line.strip("|").split("|")]
