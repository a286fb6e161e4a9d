"""Types of what clients send: bounded, and what a database can hold."""

from __future__ import annotations

import re
from typing import Annotated, Any

from ninja import Header
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StringConstraints,
    WithJsonSchema,
)

from orchestrator.core.durations import parse_duration
from orchestrator.rest import FIRST, LAST, NoNul

MAX_REASON = 1_000
# A name and a value, as long as they are stored.
MAX_ATTRIBUTE = 356


def _duration(value: Any) -> Any:
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise ValueError("a number of seconds, or a text such as '30s', '1.5h' or '30d'")  # noqa: TRY004 - pydantic wants it
    if parse_duration(value) > LAST - FIRST:
        raise ValueError(f"too long a duration: {value!r}")
    return value


def _timeout(text: str) -> str:
    """A query has texts only: a bare number is one of seconds."""
    shown = f"{text}s" if re.fullmatch(r"\d*\.?\d+", text, re.ASCII) else text
    parse_duration(shown)
    return shown


def _attribute(text: str) -> str:
    name, _, value = text.partition(":")
    if not name or not value or "\n" in text or len(text) > MAX_ATTRIBUTE:
        raise ValueError(f"write it as name:value, such as country:DE, not as {text[:100]!r}")
    return text


Name = Annotated[str, StringConstraints(min_length=1, max_length=200), NoNul]
Key = Annotated[str, StringConstraints(min_length=1, max_length=255), NoNul]
Delay = Annotated[
    str | int | float,
    BeforeValidator(_duration),
    Field(description="Seconds, or a text such as '30s', '1.5h' or '30d'.", examples=["1.5h"]),
]
Timeout = Annotated[str, StringConstraints(max_length=40), AfterValidator(_timeout)]
Reason = Annotated[
    str,
    StringConstraints(max_length=MAX_REASON),
    NoNul,
    Field(description="Kept in the audit, with your name."),
]
Message = Annotated[str, StringConstraints(max_length=MAX_REASON), NoNul]
Attribute = Annotated[
    str,
    AfterValidator(_attribute),
    NoNul,
    WithJsonSchema(
        {"type": "string", "maxLength": MAX_ATTRIBUTE, "pattern": "^[^:]+:.+$"}
        | {"examples": ["country:DE"]}
    ),
]
IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", description="The ETag of what you saw; 412 if it has changed."),
]
