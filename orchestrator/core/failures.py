"""Failures as data: an exception is recorded as JSON and restored on every replay.

The restored error is an instance of the original class, where that can be imported and
built, and of `StepFailed`, so that a body may catch either.
"""

from __future__ import annotations

import traceback
from functools import lru_cache
from typing import Any, cast

from orchestrator.core.codec import decode, encode, find_class
from orchestrator.core.errors import (
    NotSerializable,
    PayloadTooLarge,
    StepFailed,
    StepTimeout,
    UndecodableValue,
)

MAX_MESSAGE = 4_000
MAX_TRACEBACK = 20_000
MAX_ARGS = 16_000
MAX_CAUSES = 5

Failure = dict[str, Any]


def record(error: BaseException, *, depth: int = 0) -> Failure:
    """`error` as plain JSON: type, message, arguments, traceback, cause."""
    failure: Failure = {
        "type": _name(type(error)),
        "message": clean(str(error))[:MAX_MESSAGE],
        "args": _args(error),
        "traceback": clean(_traceback(error)),
    }
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None and depth < MAX_CAUSES:
        failure["cause"] = record(cause, depth=depth + 1)
    return failure


def restore(failure: Failure, *, key: str, attempts: int) -> StepFailed:
    """The error that the body sees for a recorded `failure` of step `key`."""
    error = _rebuild(failure)
    error.key = key
    error.attempts = attempts
    error.cause_type = failure["type"].partition(":")[2] or failure["type"]
    error.message = failure["message"]
    error.traceback = failure.get("traceback", "")
    if cause := failure.get("cause"):
        error.__cause__ = _rebuild(cause)
    return error


def summary(failure: Failure) -> str:
    """One line for a list: `ValueError: no such account`."""
    name = failure["type"].rpartition(":")[2].rpartition(".")[2]
    message = failure["message"].partition("\n")[0]
    return f"{name}: {message}" if message else name


def clean(text: str) -> str:
    """`text` without what a database refuses: NUL and lone surrogates."""
    return text.replace("\x00", "\ufffd").encode(errors="replace").decode()


def _name(kind: type[BaseException]) -> str:
    # A failure of a failure (a restored error raised on) keeps the author's class.
    if issubclass(kind, StepFailed) and (original := kind.__dict__.get("_original")):
        kind = original
    return f"{kind.__module__}:{kind.__qualname__}"


def _args(error: BaseException) -> str | None:
    try:
        return encode(list(error.args), limit=MAX_ARGS)
    except (NotSerializable, PayloadTooLarge):
        return None


def _traceback(error: BaseException) -> str:
    # What a restored error was raised by happened in the step, perhaps days ago.
    if isinstance(error, StepFailed) and error.traceback:
        return error.traceback
    text = "".join(traceback.format_exception(error, chain=False))
    # The end says most: keep it when there is too much.
    return text if len(text) <= MAX_TRACEBACK else "…" + text[-MAX_TRACEBACK:]


def _rebuild(failure: Failure) -> StepFailed:
    kind = _restored_class(failure["type"])
    args = _decoded_args(failure)
    if kind is not None and args is not None:
        try:
            error = kind(*args)
        except Exception:
            return StepFailed(failure["message"])
        error.args = tuple(args)
        return error
    return StepFailed(failure["message"])


def _decoded_args(failure: Failure) -> list[Any] | None:
    if failure.get("args") is None:
        return None
    try:
        return cast(list[Any], decode(failure["args"]))
    except UndecodableValue:
        return None


@lru_cache(maxsize=512)
def _restored_class(name: str) -> type[StepFailed] | None:
    """A class that is both `StepFailed` and the named one; None if there is no such class."""
    try:
        original = find_class(name)
        if not issubclass(original, Exception):
            return None
        if issubclass(original, StepFailed):
            return original
        if issubclass(original, TimeoutError) and original is TimeoutError:
            return StepTimeout
        # TypeError: the class cannot be combined with another base.
        return type(original.__name__, (StepFailed, original), {"_original": original})
    except (UndecodableValue, TypeError):
        return None


def failed_key(error: BaseException | None) -> str:
    """The key of the failed step behind `error`; "" if there is none."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, StepFailed) and error.key:
            return error.key
        if isinstance(error, BaseExceptionGroup):
            return next(filter(None, map(failed_key, error.exceptions)), "")
        error = error.__cause__ or error.__context__
    return ""
