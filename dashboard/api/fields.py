"""Types of what clients send: bounded, and what a database can hold."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from ninja import Header
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    Field,
    StringConstraints,
    WithJsonSchema,
)

from orchestrator.core.durations import parse_duration

FIRST = datetime(1970, 1, 1, tzinfo=UTC)
LAST = datetime(9000, 1, 1, tzinfo=UTC)
MAX_REASON = 1_000
# A name and a value, as long as they are stored.
MAX_ATTRIBUTE = 356
_DATE = re.compile(r"\d{4}-\d\d-\d\d[Tt ]", re.ASCII)


def _instant(value: datetime) -> datetime:
    if not FIRST <= value < LAST:
        raise ValueError("a time between the years 1970 and 9000")
    return value.astimezone(UTC)


def _iso(value: Any) -> Any:
    # Numbers would be taken for seconds since 1970.
    if not isinstance(value, str) or not _DATE.match(value):
        raise ValueError("a time as 2026-01-31T09:00:00Z")
    return value


def _without_nul(text: str) -> str:
    if "\x00" in text:
        raise ValueError("no NUL character")
    return text


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


NoNul = AfterValidator(_without_nul)
Instant = Annotated[AwareDatetime, BeforeValidator(_iso), AfterValidator(_instant)]
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
