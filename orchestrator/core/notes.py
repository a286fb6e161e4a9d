"""What a body writes without waiting for it: log lines, attributes, progress.

They are recorded with the next save. A replay makes them again: lines are counted, so
that those that are stored already are not stored twice; the others only say what is.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from orchestrator.core.checkpoints import Checkpoint
from orchestrator.core.codec import encode
from orchestrator.core.failures import clean
from orchestrator.core.journal import Entry

logger = logging.getLogger("orchestrator.run")

MAX_LINE = 8_000
MAX_FIELDS = 16_000
MAX_ATTRIBUTES = 50
MAX_ATTRIBUTE = 255
MAX_PROGRESS_TEXT = 200

LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a log. `key` and `attempt` name the step; "" and 0 for the body."""

    level: str
    message: str
    fields: dict[str, Any]
    at: datetime
    key: str = ""
    attempt: int = 0


@dataclass(slots=True)
class Notes:
    """What the body has written since the last save."""

    # Lines made so far by this body, and how many of them are stored already.
    made: int = 0
    stored: int = 0
    lines: list[Line] = field(default_factory=list)
    attributes: dict[str, str | int | float | bool] = field(default_factory=dict)
    progress: tuple[float, str] | None = None
    # Of a state machine: what came of events, where it is, and where to begin a replay.
    marks: dict[str, Entry] = field(default_factory=dict)
    state: str | None = None
    checkpoint: Checkpoint | None = None

    def changed_attributes(self, known: Mapping[str, Any]) -> dict[str, Any] | None:
        """The attributes that differ from those that are stored; None if none does."""
        changed = {
            key: value
            for key, value in self.attributes.items()
            if key not in known or known[key] != value
        }
        return changed or None

    def clear(self) -> None:
        """What was written is about to be stored."""
        self.lines, self.marks, self.state, self.checkpoint = [], {}, None, None

    def add(self, line: Line) -> bool:
        """Keep a line to be stored. False if an earlier pass has stored it."""
        self.made += 1
        if self.made <= self.stored:
            return False
        self.lines.append(line)
        return True


class Log:
    """`ctx.logger` and `current_step().logger`: lines that are stored with the run.

    Fields are given as keywords. They also go to the standard library's logging.
    """

    def __init__(self, write: Callable[[str, str, dict[str, Any]], None]) -> None:
        self._write = write

    def debug(self, message: str, **fields: Any) -> None:
        self._write("debug", message, fields)

    def info(self, message: str, **fields: Any) -> None:
        self._write("info", message, fields)

    def warning(self, message: str, **fields: Any) -> None:
        self._write("warning", message, fields)

    def error(self, message: str, **fields: Any) -> None:
        self._write("error", message, fields)

    def exception(self, message: str, **fields: Any) -> None:
        """An error, with the exception that is being handled."""
        self._write("error", message, fields | {"exception": _current_error()})


def line(level: str, message: str, fields: dict[str, Any], **where: Any) -> Line:
    """A line that the database will take, whatever was handed over."""
    return Line(level, clean(str(message))[:MAX_LINE], storable(fields), **where)


def storable(fields: dict[str, Any]) -> dict[str, Any]:
    """`fields` as JSON: what cannot be stored is shown as text."""
    try:
        text = encode(fields, limit=MAX_FIELDS)
    except Exception:
        text = json.dumps({name: clean(repr(value))[:500] for name, value in fields.items()})
    found: dict[str, Any] = json.loads(text)
    return found


def progress(fraction: Any, text: object) -> tuple[float, str]:
    """How far a run is, as it is stored. Raises ValueError."""
    if not isinstance(fraction, int | float) or not 0 <= fraction <= 1:
        raise ValueError(f"progress is a number from 0 to 1, not {fraction!r}")
    return float(fraction), clean(str(text))[:MAX_PROGRESS_TEXT]


def check_tags(tags: Any) -> dict[str, Any]:
    """`tags` as they are stored. Raises TypeError for what is no JSON, and names it."""
    if not isinstance(tags, Mapping):
        raise TypeError(f'tags are a dict, such as {{"team": "red"}}, and not {tags!r}')
    found: dict[str, Any] = json.loads(encode(dict(tags), root="tags"))
    if found != tags:
        raise TypeError(f"tags are JSON: text, numbers, lists and dicts, and not {tags!r}")
    return found


def check_attributes(attributes: Any) -> dict[str, str | int | float | bool]:
    """`attributes` if they can be indexed. Raises TypeError and ValueError."""
    if not isinstance(attributes, Mapping):
        raise TypeError(f'attributes are a dict, such as {{"country": "DE"}}, not {attributes!r}')
    for key, value in attributes.items():
        _check_attribute(key, value)
    if len(attributes) > MAX_ATTRIBUTES:
        raise ValueError(f"a run has at most {MAX_ATTRIBUTES} attributes")
    return dict(attributes)


def _check_attribute(key: Any, value: Any) -> None:
    if not isinstance(key, str):
        raise TypeError(f"an attribute's name is a text, not {key!r}")
    if not isinstance(value, str | int | float | bool):
        raise TypeError(f"attribute {key!r} is text, a number or a bool, not {value!r}")
    text = str(value)
    if value != value or clean(text + key) != text + key:  # noqa: PLR0124 - not a number
        raise ValueError(f"attribute {key!r} cannot be stored: {value!r}")
    if len(text) > MAX_ATTRIBUTE:
        raise ValueError(f"attribute {key!r} has at most {MAX_ATTRIBUTE} characters")
    if not 0 < len(key) <= 100:  # noqa: PLR2004 - the column's width
        raise ValueError(f"an attribute's name has 1 to 100 characters: {key!r}")


def _current_error() -> str:
    import traceback  # noqa: PLC0415 - only when something went wrong

    return traceback.format_exc(limit=20)
