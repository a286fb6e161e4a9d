"""Text that a regular expression matches: for the `pattern` of a schema."""

from __future__ import annotations

import random
import re
import string
from collections.abc import Callable, Iterable
from re import _constants as codes  # type: ignore[attr-defined] # no public way to a parsed pattern
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

_TRIES = 100
# What a character is taken from, the plainest first.
_POOL = string.ascii_lowercase + string.digits + string.ascii_uppercase + "-_.:/@ " + "äλж€"
_CATEGORIES: dict[Any, Callable[[str], bool]] = {
    codes.CATEGORY_DIGIT: str.isdecimal,
    codes.CATEGORY_NOT_DIGIT: lambda one: not one.isdecimal(),
    codes.CATEGORY_SPACE: str.isspace,
    codes.CATEGORY_NOT_SPACE: lambda one: not one.isspace(),
    codes.CATEGORY_WORD: lambda one: one.isalnum() or one == "_",
    codes.CATEGORY_NOT_WORD: lambda one: not (one.isalnum() or one == "_"),
}


def matching(pattern: str, *, shortest: int, longest: int, seed: int) -> str | None:
    """Text of `shortest` to `longest` characters in which `pattern` is found.

    The same for the same arguments. None if there seems to be none, or if the pattern is
    written in a way that Python does not know.
    """
    try:
        wanted, parsed = re.compile(pattern), parser.parse(pattern)
    except re.error:
        return None
    for attempt in range(_TRIES):
        # Repetitions grow: first as few as may be, then enough for a long text.
        spread = attempt if attempt % 2 else min(shortest, longest)
        text = _Writer(random.Random(f"{seed}.{attempt}"), spread).written(parsed)
        if shortest <= len(text) <= longest and wanted.search(text):
            return text
    return None


class _Writer:
    """Writes one text. What it cannot judge, such as a look-ahead, the caller tries."""

    def __init__(self, chance: random.Random, spread: int) -> None:
        self._chance = chance
        self._spread = spread
        self._groups: dict[int, str] = {}

    def written(self, parsed: Iterable[tuple[Any, Any]]) -> str:
        return "".join(self._part(code, given) for code, given in parsed)

    def _part(self, code: Any, given: Any) -> str:
        # A place, such as the start, or a condition takes no characters.
        write = _WRITERS.get(code)
        return write(self, given) if write else ""

    def _repeated(self, given: tuple[int, int, Iterable[tuple[Any, Any]]]) -> str:
        fewest, most, part = given
        count = min(fewest + self._chance.randint(0, self._spread), int(most))
        return "".join(self.written(part) for _ in range(count))

    def _group(self, given: tuple[Any, ...]) -> str:
        number, text = given[0], self.written(given[3])
        if number is not None:
            self._groups[number] = text
        return text

    def _in(self, members: list[tuple[Any, Any]]) -> str:
        is_negated = members[0][0] == codes.NEGATE
        if is_negated:
            members = members[1:]
        found = self._one_of(
            lambda one: is_negated != any(_is_member(one, *member) for member in members)
        )
        return found or _first(members)

    def _one_of(self, fits: Callable[[str], bool]) -> str:
        fitting = [one for one in _POOL if fits(one)]
        return self._chance.choice(fitting) if fitting else ""


_WRITERS: dict[Any, Callable[[_Writer, Any], str]] = {
    codes.LITERAL: lambda _, given: chr(given),
    codes.NOT_LITERAL: lambda self, given: self._one_of(lambda one: one != chr(given)),
    codes.ANY: lambda self, _: self._one_of(lambda _: True),
    codes.IN: _Writer._in,
    codes.BRANCH: lambda self, given: self.written(self._chance.choice(given[1])),
    codes.MAX_REPEAT: _Writer._repeated,
    codes.MIN_REPEAT: _Writer._repeated,
    codes.POSSESSIVE_REPEAT: _Writer._repeated,
    codes.SUBPATTERN: _Writer._group,
    codes.ATOMIC_GROUP: _Writer.written,
    codes.GROUPREF: lambda self, given: self._groups.get(given, ""),
}


def _is_member(one: str, code: Any, given: Any) -> bool:
    if code == codes.LITERAL:
        return one == chr(given)
    if code == codes.RANGE:
        return bool(given[0] <= ord(one) <= given[1])
    return _CATEGORIES[given](one)


def _first(members: list[tuple[Any, Any]]) -> str:
    """For characters that are not in the pool: the first that is named."""
    for code, given in members:
        if code in (codes.LITERAL, codes.RANGE):
            return chr(given if code == codes.LITERAL else given[0])
    return " "
