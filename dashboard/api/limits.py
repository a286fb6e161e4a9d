"""How many requests a caller may make, and how many of them may wait."""

from __future__ import annotations

import re
import threading
import time
from functools import lru_cache

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from ninja.throttling import BaseThrottle

_SECONDS = {"s": 1, "min": 60, "h": 3_600}


class RateLimit(BaseThrottle):
    """`ORCHESTRATOR_API_RATE` requests of one token, or one user, in each stretch of time.

    Counted in Django's cache: with the default one, by each process for itself.
    """

    def __init__(self) -> None:
        # ninja asks for the wait right after a refusal, in the same thread.
        self._refused = threading.local()

    def allow_request(self, request: HttpRequest) -> bool:
        rate = getattr(settings, "ORCHESTRATOR_API_RATE", "")
        if not rate:
            return True
        number, seconds = parsed(rate)
        stretch, passed = divmod(time.time(), seconds)
        key = f"api-rate {request.auth} {int(stretch)}".replace(" ", ":")  # type: ignore[attr-defined] # ninja's
        cache.add(key, 0, timeout=seconds)
        self._refused.wait = seconds - passed
        try:
            return bool(cache.incr(key) <= number)
        except ValueError:
            # It was thrown out in between: the cache is full, or the stretch is over.
            return True

    def wait(self) -> float:
        return float(self._refused.wait)


@lru_cache(maxsize=8)
def parsed(rate: str) -> tuple[int, int]:
    """A rate as a number of requests and of seconds. Raises ValueError.

    >>> parsed("600/min")
    (600, 60)
    """
    match = re.fullmatch(r"([1-9]\d{0,8})/(s|min|h)", rate)
    if match is None:
        raise ValueError(
            f"not a rate: {rate!r} (a number and s, min or h, such as 600/min; empty for no limit)"
        )
    return int(match[1]), _SECONDS[match[2]]
