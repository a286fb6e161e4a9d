"""What nobody may read from a page: the values of fields whose names say that they are secret.

Every payload, message and title that the dashboard shows has gone through here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.conf import settings

REDACTED = "•••• redacted"

# `ORCHESTRATOR_REDACT` in the settings replaces it. Matched anywhere in a name, in any case.
SENSITIVE = "pass|secret|token|api_?key|authorization|cookie|iban|card|ssn"

_MAX_SHAPE = 20


def redacted(value: Any) -> Any:
    """`value` with the secrets in it replaced, at every depth.

    None and booleans stay: they say whether there is something, and hold nothing.

    >>> redacted({"user": "ana", "auth": [{"api_key": "k-1", "token": None}]})
    {'user': 'ana', 'auth': [{'api_key': '•••• redacted', 'token': None}]}
    """
    if isinstance(value, Mapping):
        return {key: _field(str(key), item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [redacted(item) for item in value]
    return value


def _field(name: str, value: Any) -> Any:
    if is_sensitive(name) and not (value is None or isinstance(value, bool)):
        return REDACTED
    return redacted(value)


def is_sensitive(name: str) -> bool:
    """Whether a field of this name is not to be shown.

    >>> [is_sensitive(name) for name in ("X-Api-Key", "cardNumber", "amount")]
    [True, True, False]
    """
    return bool(_names(_pattern()).search(name.replace("-", "_")))


def redacted_text(text: str) -> str:
    """A message without the secrets that it names: `token=…`, `"password": "…"`, `//user:…@host`.

    >>> redacted_text("401 for https://ana:s3cret@pay.example, Authorization: Bearer abc.def")
    '401 for https://ana:•••• redacted@pay.example, Authorization: •••• redacted'
    """
    text = _USER_INFO.sub(rf"\1{REDACTED}@", text)
    return _assignments(_pattern()).sub(rf"\1\2{REDACTED}", text)


def shape(value: Any, depth: int = 2) -> str:
    """What a value is made of, without the values.

    >>> shape({"order_id": 7, "items": [1, 2, 3], "to": {"zip": "1010"}})
    '{order_id: int, items: list[3], to: {zip: str}}'
    """
    if isinstance(value, Mapping):
        if not depth:
            return "{…}"
        fields = [f"{key}: {shape(item, depth - 1)}" for key, item in value.items()]
        shown, left = fields[:_MAX_SHAPE], len(fields) - _MAX_SHAPE
        return "{" + ", ".join(shown + ([f"… {left} more"] if left > 0 else [])) + "}"
    if isinstance(value, list | tuple):
        return f"list[{len(value)}]"
    return "null" if value is None else type(value).__name__


_USER_INFO = re.compile(r"(://[^/\s:@]+:)[^@\s/]+@")


def _pattern() -> str:
    return str(getattr(settings, "ORCHESTRATOR_REDACT", SENSITIVE))


@lru_cache(maxsize=8)
def _names(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


@lru_cache(maxsize=8)
def _assignments(pattern: str) -> re.Pattern[str]:
    """A sensitive name, a colon or an equals sign, and what follows it.

    Of the name only what begins to be sensitive: to look for its start at each character
    of a long text without spaces would take for ever.
    """
    scheme = r"(?:(?:bearer|basic|token|digest)\s+)?"
    return re.compile(
        rf"((?:{pattern})[\w-]{{0,64}})([\"']?\s*[:=]\s*)(?:\"(?:[^\"\\]|\\.)*\"|'[^']*'|{scheme}[^\s\"',;)}}\]]+)",
        re.IGNORECASE,
    )
