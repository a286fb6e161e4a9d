"""Names, keys and options that a body gives to what it asks for."""

from __future__ import annotations

import inspect
import re
from typing import cast

from orchestrator.core.retry import Retry

MAX_PRIORITY = 100
_QUEUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")

MAX_NAME = 180  # with `#n` a key still fits its column


def check_name(name: str) -> None:
    """Raises ValueError for what cannot be the name of a step, a sleep or a wait."""
    if not is_text(name) or len(name) > MAX_NAME:
        raise ValueError(f"a step's name is a text of 1 to {MAX_NAME} characters, not {name!r}")
    if name.startswith("@"):
        raise ValueError(f"names that start with @ are the engine's own: {name!r}")


def check_queue(what: str, queue: object) -> None:
    """Raises ValueError for what cannot be the name of a queue."""
    if not isinstance(queue, str) or not _QUEUE.fullmatch(queue):
        raise ValueError(
            f"{what}={queue!r}: a queue's name is 1 to 100 letters, digits and . _ - and begins "
            "with a letter or a digit"
        )


def check_priority(what: str, priority: object) -> None:
    """Raises ValueError for what is no priority."""
    is_number = isinstance(priority, int) and not isinstance(priority, bool)
    if not is_number or abs(cast(int, priority)) > MAX_PRIORITY:
        raise ValueError(
            f"{what}={priority!r}: a priority is a whole number from -{MAX_PRIORITY} to "
            f"{MAX_PRIORITY}, higher first; 0 if you say nothing"
        )


def check_step(name: str, fn: object, *, retry: object, compensate: object, atomic: bool) -> None:
    """Raises TypeError for what the engine would only find when the step is executed."""
    if not callable(fn):
        raise TypeError(f"step {name!r}: {fn!r} is not a function (pass it without calling it)")
    if atomic and inspect.iscoroutinefunction(fn):
        raise TypeError(f"step {name!r}: an atomic step must be a sync function")
    if compensate is not None and not callable(compensate):
        raise TypeError(f"step {name!r}: compensate={compensate!r} is not a function")
    check_retry(f"step {name!r}: retry", retry)


def check_retry(what: str, retry: object) -> None:
    """Raises TypeError for what is no policy, such as a number of attempts."""
    if retry is not None and not isinstance(retry, Retry):
        raise TypeError(f"{what}={retry!r} is not a Retry(…)")


def check_remote(name: str, *, queue: object, remote: object) -> None:
    """Raises TypeError and ValueError for options that say nothing of who executes a step."""
    if not isinstance(remote, bool):
        raise TypeError(f"step {name!r}: remote={remote!r} is True or False; a queue is queue=")
    if queue is not None:
        check_queue(f"step {name!r}: queue", queue)


def check_key(what: str, key: str | None) -> None:
    """Raises ValueError for a key that is no text. 5 is not "5": it would never come."""
    if key is not None and not is_text(key):
        raise ValueError(f"{what}={key!r} is no text; write str(…)")


def check_choice(what: str, value: object, choices: tuple[str, ...]) -> None:
    """Raises ValueError for what is none of them: a typo would silently be another choice."""
    if value not in choices:
        raise ValueError(f"{what} is one of {choices}, not {value!r}")


def is_text(name: object) -> bool:
    """Whether a database takes it as a name: not empty, no NUL, no lone surrogate."""
    try:
        return isinstance(name, str) and len(name.encode()) > 0 and "\x00" not in name
    except UnicodeEncodeError:
        return False
