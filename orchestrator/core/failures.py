"""Failures as data: an exception is recorded as JSON and restored on every replay.

The restored error is an instance of the original class, where that can be imported and
built, and of `StepFailed`, so that a body may catch either.
"""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, cast

from orchestrator.core.classes import find_class
from orchestrator.core.codec import decode, encode
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
MAX_ERRORS = 20  # in one failure: its causes, the parts of its groups, and theirs

_OURS = ("key", "cause_type", "message", "traceback", "attempts")
_STOPS = (StopIteration, StopAsyncIteration)
# The class of an error may have a `__setattr__` of its own.
_set = BaseException.__setattr__
_args_of = vars(BaseException)["args"].__get__

Failure = dict[str, Any]


def record(error: BaseException) -> Failure:
    """`error` as plain JSON: type, message, arguments, attributes, traceback, cause."""
    return _record(error, 0, iter(range(MAX_ERRORS)))


def _record(error: BaseException, depth: int, room: Iterator[int]) -> Failure:
    # `room` is shared by the whole tree: groups of groups would grow without end.
    args, state = _parts(error)
    failure: Failure = {
        "type": _name(type(error)),
        "message": clean(_message(error))[:MAX_MESSAGE],
        "args": _encoded(args),
        "traceback": clean(_traceback(error)),
    }
    if state:
        failure["state"] = _encoded(state)
    if isinstance(error, BaseExceptionGroup) and depth < MAX_CAUSES:
        parts = zip(room, error.exceptions, strict=False)
        failure["errors"] = [_record(one, depth + 1, room) for _, one in parts]
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None and depth < MAX_CAUSES and next(room, None) is not None:
        failure["cause"] = _record(cause, depth + 1, room)
    return failure


def restore(failure: Failure, *, key: str, attempts: int) -> StepFailed:
    """The error that the body sees for a recorded `failure` of step `key`."""
    error = _rebuild(failure)
    vars(error).update(key=key, attempts=attempts)
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


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as failed:
        return f"<{type(error).__name__}: its str() raised {type(failed).__name__}>"


def _parts(error: BaseException) -> tuple[list[Any], dict[str, Any]]:
    """What the error is built from, and its attributes: what pickle would keep of it."""
    # The class of an error may have `args` of its own.
    args: Any = _args_of(error)
    try:
        reduced = error.__reduce__()
        if reduced[0] is type(error):
            args = reduced[1]
        state: dict[str, Any] = dict(cast(Any, reduced[2])) if len(reduced) > 2 else {}  # noqa: PLR2004
    except Exception:
        state = {}
    if isinstance(error, StepFailed):
        state = {name: item for name, item in state.items() if name not in _OURS}
    if isinstance(error, BaseExceptionGroup):
        # Not `error.message`: a restored error has one of its own.
        args = [BaseExceptionGroup.message.__get__(error)]
    return list(args), _fitting(state)


def _fitting(state: dict[str, Any]) -> dict[str, Any]:
    """The attributes that can be stored, small ones first: a large one costs only itself."""
    texts = {name: _encoded({name: item}) for name, item in state.items()}
    sizes = {name: len(text.encode()) for name, text in texts.items() if text is not None}
    fitting, room = {}, MAX_ARGS
    for name in sorted(sizes, key=lambda name: (sizes[name], str(name))):
        room -= sizes[name]
        if room >= 0:
            fitting[name] = state[name]
    return fitting


def _encoded(value: object) -> str | None:
    try:
        return encode(value, limit=MAX_ARGS)
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
    error = _built(failure)
    for name, item in (_decoded(failure, "state") or {}).items():
        # A property, say, cannot be set; it is made of what can.
        with contextlib.suppress(AttributeError, TypeError):
            _set(error, name, item)
    vars(error).update(
        cause_type=failure["type"].partition(":")[2] or failure["type"],
        message=failure["message"],
        traceback=failure.get("traceback", ""),
    )
    if cause := failure.get("cause"):
        _set(error, "__cause__", _rebuild(cause))
    return error


def _built(failure: Failure) -> StepFailed:
    kind = _restored_class(failure["type"])
    if kind is None:
        return StepFailed(failure["message"])
    args = _decoded(failure, "args")
    known = [failure["message"]] if args is None else args
    if errors := failure.get("errors"):
        known = [*known, [_rebuild(one) for one in errors]]
    try:
        error = kind(*known)
    except Exception:
        return _built_without_init(kind, known) or StepFailed(failure["message"])
    if not errors and _message(error) != failure["message"]:
        # It makes its message of its arguments, and that message was all that it kept.
        _set(error, "args", tuple(known))
    return error


def _built_without_init(kind: type[StepFailed], args: list[Any]) -> StepFailed | None:
    """For a constructor that takes something else than `error.args`."""
    try:
        error = kind.__new__(kind, *args)
        _set(error, "args", tuple(args))
    except Exception:
        return None
    return error


def _decoded(failure: Failure, part: str) -> Any:
    if failure.get(part) is None:
        return None
    try:
        return decode(failure[part])
    except UndecodableValue:
        return None


@lru_cache(maxsize=512)
def _restored_class(name: str) -> type[StepFailed] | None:
    """A class that is both `StepFailed` and the named one; None if there is no such class."""
    try:
        original = find_class(name)
        # A coroutine that raises StopIteration has returned, as far as Python can see.
        if not issubclass(original, Exception) or issubclass(original, _STOPS):
            return None
        if issubclass(original, StepFailed):
            return original
        bases = (StepTimeout,) if original is TimeoutError else (StepFailed, original)
        return type(original.__name__, bases, {"_original": original})
    except Exception:
        # The class is gone, or cannot be combined with another, or will not be inherited.
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
