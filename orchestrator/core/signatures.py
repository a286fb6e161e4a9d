"""What failures of one cause have in common: their type, their place and the form of their message.

Lists group failed runs by it, so it must not change with the values that a message names.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

LENGTH = 12

# A line of a traceback that names a place, and the places that are not the author's code.
FRAME = re.compile(r'^  File "(?P<path>[^"]+)", line (?P<line>\d+), in (?P<function>.+)$', re.M)
FOREIGN = re.compile(
    r"(?:site|dist)-packages/|/lib/python3\.\d+/|^<frozen |/orchestrator/(?:core|engine|store)/"
)

# In a message: what is in quotes, then ids and numbers, also as a part of a word.
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`|“[^”]*”")
_NUMBER = re.compile(r"0x[0-9a-f]+|[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}|\d+", re.I)
_MAX_FORM = 200


def signed(failure: Mapping[str, Any]) -> dict[str, Any]:
    """A recorded `failure` with its signature."""
    return {**failure, "signature": signature(failure)}


def signature(failure: Mapping[str, Any]) -> str:
    """The same for failures of one cause.

    >>> one = {"type": "shop:Declined", "message": "card 4711 of 'ana' was declined"}
    >>> signature(one) == signature({**one, "message": "card 12 of 'bo' was declined"})
    True
    """
    place = _place(str(failure.get("traceback", "")))
    parts = [str(failure.get("type", "")), form(str(failure.get("message", ""))), place]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:LENGTH]


def form(message: str) -> str:
    """The first line of a message without the values in it.

    >>> form("order 12 of 'ana' failed\\nsee above")
    'order 0 of … failed'
    """
    first = message.partition("\n")[0]
    return _NUMBER.sub("0", _QUOTED.sub("…", first))[:_MAX_FORM]


def _place(traceback: str) -> str:
    """The innermost function of the author's, without its line: that moves with each edit."""
    frames = [one for one in FRAME.finditer(traceback) if not FOREIGN.search(one["path"])]
    if not frames:
        return ""
    path: str = frames[-1]["path"]
    return f"{'/'.join(path.split('/')[-2:])} {frames[-1]['function']}"
