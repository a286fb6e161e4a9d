"""Functions by name: what another worker is to execute must be found there too."""

from __future__ import annotations

import functools
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from orchestrator.core.codec import encode
from orchestrator.core.errors import NotSerializable, UnknownFunction
from orchestrator.core.importing import look_up

MAX_NAME = 300


def find_function(name: str) -> Callable[..., Any]:
    """The function that `module:qualified.name` names. Raises UnknownFunction."""
    try:
        found = look_up(name)
    except Exception as error:
        raise UnknownFunction(f"there is no function {name} here: {error}") from error
    if not callable(found):
        raise UnknownFunction(f"{name} is not a function")
    return found  # type: ignore[no-any-return]


def function_name(fn: Callable[..., Any]) -> str:
    """The name that `find_function` finds `fn` by. Raises TypeError that says what to write."""
    if problem := _problem(fn):
        raise TypeError(
            f"{problem}, so no other worker can find it: write a function at the top of a module, "
            "and hand what it needs as arguments"
        )
    return _name(fn)


def handed(
    step: str, fn: Callable[..., Any], args: tuple[Any, ...], *, limit: int | None = None
) -> dict[str, Any]:
    """What another worker needs to execute a step: the function's name, its arguments as text.

    `limit` is in bytes. Raises TypeError (NotSerializable for an argument) and
    PayloadTooLarge; both say what to write.
    """
    try:
        name = function_name(fn)
    except TypeError as error:
        raise TypeError(f"step {step!r} is to be executed by any worker: {error}") from error
    try:
        text = encode(list(args), root=f"arguments of step {step!r}", limit=limit)
    except NotSerializable as error:
        raise NotSerializable(
            f"{error}. Any worker is to execute the step: hand it what can be stored, such as an id"
        ) from error
    return {"function": name, "args": text}


def _name(fn: Callable[..., Any]) -> str:
    return f"{getattr(fn, '__module__', None)}:{getattr(fn, '__qualname__', None)}"


def _problem(fn: Callable[..., Any]) -> str:
    """Why another process would not find it; "" if it would."""
    name = getattr(fn, "__qualname__", "")
    if isinstance(fn, functools.partial):
        return "a functools.partial has no name"
    if "<lambda>" in name:
        return "a lambda has no name"
    if "<locals>" in name:
        return f"{name} is defined inside a function"
    if getattr(fn, "__self__", None) is not None and not isinstance(fn.__self__, type):  # type: ignore[attr-defined]
        return f"{name} is a method of an object"
    if getattr(fn, "__module__", None) == "__main__":
        return f"{name} is defined in the script that was started"
    return "" if _is_found(fn) else f"{_name(fn)} cannot be imported by that name"


@lru_cache(maxsize=1024)
def _is_found(fn: Callable[..., Any]) -> bool:
    name = _name(fn)
    try:
        # A method of a class is made anew each time that it is looked up.
        return len(name) <= MAX_NAME and find_function(name) == fn
    except UnknownFunction:
        return False
