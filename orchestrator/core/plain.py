"""Stored values as people read them: plain, and without importing any class.

The codec rebuilds objects; who only shows a value must not. It shows the text that is
stored, so it also shows what today's code can no longer read.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from orchestrator.core.codec import TAG


def plain(text: str) -> Any:
    """A stored value as JSON has it, tags resolved to what a person would write.

    >>> plain('{"at":{"$":"date","v":"2026-01-05"},"of":{"$":"set","v":[1,2]}}')
    {'at': '2026-01-05', 'of': [1, 2]}
    """
    return json.loads(text, object_hook=_plain)


def _plain(packed: dict[str, Any]) -> Any:
    tag = packed.get(TAG)
    read = _READERS.get(tag) if isinstance(tag, str) else None
    if read is None:
        return packed
    try:
        return read(packed)
    except (KeyError, TypeError, ValueError):
        return packed


def _enum(packed: dict[str, Any]) -> str:
    return f"{packed['c'].rpartition(':')[2]}.{packed['v']}"


def _bytes(packed: dict[str, Any]) -> str:
    try:
        return f"{len(base64.b64decode(packed['v'])):,} bytes"
    except binascii.Error:
        return "bytes"


def _pairs(packed: dict[str, Any]) -> dict[str, Any]:
    return {str(key): value for key, value in packed["v"]}


def _value(packed: dict[str, Any]) -> Any:
    return packed["v"]


_READERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    **dict.fromkeys(("datetime", "date", "time", "decimal", "uuid"), _value),
    **dict.fromkeys(("url", "path", "ip", "network", "interface"), _value),
    **dict.fromkeys(("tuple", "set", "frozenset", "namedtuple", "dataclass", "model"), _value),
    "dict": _pairs,
    "timedelta": lambda packed: str(timedelta(*packed["v"])),
    "bytes": _bytes,
    "bytearray": _bytes,
    "enum": _enum,
}
