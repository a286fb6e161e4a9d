"""Lengths of time in buckets that grow with them, so that a few numbers tell medians.

A bucket is a fifth wider than the one before: what is read from them is right to a tenth.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import timedelta

_GROWTH = 1.2


def bucket_of(length: timedelta) -> int:
    """The bucket of a length; 0 is a millisecond and less."""
    milliseconds = length / timedelta(milliseconds=1)
    return 0 if milliseconds <= 1 else 1 + int(math.log(milliseconds, _GROWTH))


def length_of(bucket: int) -> timedelta:
    """The middle of a bucket.

    >>> [round(length_of(bucket_of(timedelta(seconds=n))).total_seconds(), 1) for n in (1, 60)]
    [0.9, 61.7]
    """
    milliseconds = 0.0 if bucket == 0 else _GROWTH ** (bucket - 0.5)
    return timedelta(milliseconds=milliseconds)


def quantile(numbers: Mapping[int, int], part: float) -> timedelta | None:
    """The length that `part` of them are at most, of so many in each bucket; None of none.

    >>> quantile({3: 1, 40: 98, 90: 1}, 0.5) == length_of(40)
    True
    """
    left = part * sum(numbers.values())
    for bucket in sorted(numbers):
        left -= numbers[bucket]
        if left <= 0:
            return length_of(bucket)
    return None
