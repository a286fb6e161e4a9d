"""How much room a text takes, without a browser to ask. Rather too much than too little."""

from __future__ import annotations

import re
from collections.abc import Iterator

# Of the size of the font; for the sans-serif fonts of today's systems.
_NARROW, _WIDE, _USUAL = 0.36, 0.95, 0.62
_BY_SIGN = (
    dict.fromkeys("iljtfrI.,:;|!'()[] /", _NARROW)
    | dict.fromkeys("mwMW@%—…", _WIDE)
    | dict.fromkeys("ABCDEFGHJKLNOPQRSTUVXYZ_&+<>=", 0.75)
)

# Where a long name may be broken: after these.
_BREAKS = re.compile(r"(?<=[\s_./-])")


def width(text: str, size: float) -> float:
    """The width of a line at this size of the font."""
    return size * sum(_BY_SIGN.get(sign, _USUAL if sign.isascii() else _WIDE) for sign in text)


def wrapped(text: str, limit: float, size: float, *, lines: int = 3) -> list[str]:
    """`text` in lines that are no wider than `limit`; what is too long ends in `…`."""
    found = [line.strip() for line in _broken(text, limit, size)]
    found = [line for line in found if line]
    if len(found) > lines:
        found = [*found[: lines - 1], _cut(f"{found[lines - 1]}…", limit, size)]
    return found


def _broken(text: str, limit: float, size: float) -> Iterator[str]:
    line = ""
    for part in _BREAKS.split(text):
        if line and width(line + part, size) > limit:
            yield line
            line = ""
        line += part
        while width(line, size) > limit:
            head = _cut(line, limit, size, sign="")
            yield head
            line = line[len(head) :]
    yield line


def _cut(text: str, limit: float, size: float, *, sign: str = "…") -> str:
    if width(text, size) <= limit:
        return text
    while len(text) > 1 and width(text + sign, size) > limit:
        text = text.removesuffix("…")[:-1]
    return text + sign
