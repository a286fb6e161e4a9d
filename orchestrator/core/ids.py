"""Run ids: UUID version 7, so that ids sort by the time of their making."""

from __future__ import annotations

import os
import time
from datetime import datetime
from uuid import UUID

_MILLISECOND = 1_000_000


def uuid7() -> UUID:
    """A UUID of version 7 (RFC 9562): 48 bits of Unix milliseconds, then random bits."""
    return uuid7_at(time.time_ns() // _MILLISECOND)


def uuid7_at(milliseconds: int) -> UUID:
    """An id as it is made so many Unix milliseconds after the epoch."""
    value = milliseconds << 80 | int.from_bytes(os.urandom(10))
    value = value & ~(0xF << 76) | 0x7 << 76
    return UUID(int=value & ~(0x3 << 62) | 0x2 << 62)


def least_id(at: datetime) -> UUID:
    """The id before all that are made at `at` or later, and after all that were made before.

    >>> str(least_id(datetime.fromisoformat("2026-01-05T00:00Z")))
    '019b8b87-9800-7000-8000-000000000000'
    """
    milliseconds = max(int(at.timestamp() * 1000), 0)
    return UUID(int=milliseconds << 80 | 0x7 << 76 | 0x2 << 62)
