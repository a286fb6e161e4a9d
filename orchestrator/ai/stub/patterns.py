"""Text that a regular expression matches: for the `pattern` of a schema."""

from __future__ import annotations

import random
import re
import string
from collections.abc import Callable, Iterable
from functools import lru_cache
from re import _constants as codes  # type: ignore[attr-defined] # no public way to a parsed pattern
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

_TRIES = 100
# Repetitions of a part, where any number will do.
_USUAL = 6
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
    usual = min(max(shortest, _USUAL), longest)
    # How often a part is repeated beyond what it must be: where there is one such part, one
    # of these will do. Otherwise it is left to chance.
    counts = [usual, usual - 1, shortest, shortest - 1, 0]
    for attempt in range(_TRIES):
        chance = random.Random(f"{seed}.{attempt}")
        more = counts[attempt] if attempt < len(counts) else chance.randint(0, attempt)
        text = _Writer(chance, max(more, 0), is_exact=attempt < len(counts)).written(parsed)
        if shortest <= len(text) <= longest and wanted.search(text):
            return text
    return None


class _Writer:
    """Writes one text. What it cannot judge, such as a look-ahead, the caller tries."""

    def __init__(self, chance: random.Random, spread: int, *, is_exact: bool) -> None:
        self._chance = chance
        self._spread = spread
        self._is_exact = is_exact
        self._groups: dict[int, str] = {}

    def written(self, parsed: Iterable[tuple[Any, Any]]) -> str:
        return "".join(self._part(code, given) for code, given in parsed)

    def _part(self, code: Any, given: Any) -> str:
        # A place, such as the start, or a condition takes no characters.
        write = _WRITERS.get(code)
        return write(self, given) if write else ""

    def _repeated(self, given: tuple[int, int, Iterable[tuple[Any, Any]]]) -> str:
        fewest, most, part = given
        more = self._spread if self._is_exact else self._chance.randint(0, self._spread)
        count = min(fewest + more, int(most))
        return "".join(self.written(part) for _ in range(count))

    def _group(self, given: tuple[Any, ...]) -> str:
        number, text = given[0], self.written(given[3])
        if number is not None:
            self._groups[number] = text
        return text

    def _in(self, members: Iterable[tuple[Any, Any]]) -> str:
        return self._chance.choice(_alphabet(tuple(members)))


@lru_cache(maxsize=256)
def _alphabet(members: tuple[tuple[Any, Any], ...]) -> str:
    """The characters of the pool that a set has; of others the first that is named."""
    is_negated = members[0][0] == codes.NEGATE
    if is_negated:
        members = members[1:]
    found = [one for one in _POOL if is_negated != any(_is_member(one, *each) for each in members)]
    return "".join(found) or _first(members)


_WRITERS: dict[Any, Callable[[_Writer, Any], str]] = {
    codes.LITERAL: lambda _, given: chr(given),
    codes.NOT_LITERAL: lambda self, given: self._in([(codes.NEGATE, None), (codes.LITERAL, given)]),
    codes.ANY: lambda self, _: self._chance.choice(_POOL),
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


def _first(members: Iterable[tuple[Any, Any]]) -> str:
    """For characters that are not in the pool: the first that is named."""
    for code, given in members:
        if code in (codes.LITERAL, codes.RANGE):
            return chr(given if code == codes.LITERAL else given[0])
    return " "
