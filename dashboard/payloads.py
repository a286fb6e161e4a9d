"""Stored values as people may read them: plain, and redacted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dashboard.redaction import redacted, shape
from orchestrator.core.plain import plain

__all__ = ["Payload", "payload", "plain", "shown"]


@dataclass(frozen=True, kw_only=True)
class Payload:
    """A value for a page: `value` for who may see it, otherwise its `shape`."""

    value: Any = None
    shape: str = ""
    size: int = 0
    is_visible: bool = False


def payload(text: str | None, *, is_visible: bool) -> Payload | None:
    """The stored `text` for a page; None when nothing is stored."""
    if text is None:
        return None
    return shown(redacted(plain(text)), len(text.encode()), is_visible=is_visible)


def shown(value: Any, size: int, *, is_visible: bool) -> Payload:
    """A value that is redacted already, of so many bytes."""
    if is_visible:
        return Payload(value=value, size=size, is_visible=True)
    return Payload(shape=shape(value), size=size)
