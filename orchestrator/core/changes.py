"""Which changes (`ctx.patched`) the code of a workflow has, as far as it says them literally."""

from __future__ import annotations

import dis
import inspect
from collections.abc import Callable, Iterator
from functools import cache
from types import CodeType, FunctionType
from typing import Any, cast


@cache
def changes_in(fn: Callable[..., Any]) -> frozenset[str]:
    """The texts that `fn`, and the functions of its own package that it names, hand to `patched`.

    A text that is made while the function runs is not among them.
    """
    fn = cast(FunctionType, inspect.unwrap(fn))
    package = fn.__module__.partition(".")[0]
    found, seen, left = set[str](), set[CodeType](), [fn]
    while left:
        one = left.pop()
        for code in _codes(one.__code__):
            if code not in seen:
                seen.add(code)
                found.update(_handed_to_patched(code))
                left += _named(code, one.__globals__, package)
    return frozenset(found)


def _named(code: CodeType, known: dict[str, Any], package: str) -> Iterator[FunctionType]:
    """The functions of the package that a code names."""
    for name in code.co_names:
        other = known.get(name)
        if isinstance(other, FunctionType) and other.__module__.partition(".")[0] == package:
            yield other


def _codes(code: CodeType) -> Iterator[CodeType]:
    """A function's code and that of what is defined in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _handed_to_patched(code: CodeType) -> Iterator[str]:
    found = list(dis.get_instructions(code))
    for asked, text, call in zip(found, found[1:], found[2:], strict=False):
        is_asked = asked.opname in ("LOAD_ATTR", "LOAD_METHOD") and asked.argval == "patched"
        if is_asked and text.opname == "LOAD_CONST" and call.opname in ("PRECALL", "CALL"):
            yield str(text.argval)
