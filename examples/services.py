"""Stand-ins for services on the network: they take a while, and some fail now and then."""

from __future__ import annotations

import random
from threading import Event

from django.conf import settings

from orchestrator import current_step


def under_repair(attempts: int, error: str) -> None:
    """Fail for the first `attempts` of a step, as a service that is down for a while."""
    if getattr(settings, "EXAMPLES_LATENCY", 1.0) and current_step().attempt <= attempts:
        raise ConnectionError(error)


def call(seconds: float, *, fails: float = 0.0, error: str = "the service did not answer") -> None:
    """Take about `seconds`, and fail with the probability `fails`.

    `EXAMPLES_LATENCY` in the settings scales both; 0 makes every call instant and good.
    """
    scale = getattr(settings, "EXAMPLES_LATENCY", 1.0)
    if not scale:
        return
    Event().wait(seconds * scale * random.uniform(0.6, 1.4))
    if random.random() < fails:
        raise ConnectionError(error)
