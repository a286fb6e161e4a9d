"""Retry policies: how often a step is tried, and how long to wait in between."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from orchestrator.core.durations import Duration, duration_option, parse_duration
from orchestrator.core.errors import (
    NestedStep,
    NonRetryable,
    NotSerializable,
    PayloadTooLarge,
    WorkersDied,
)

Backoff = Literal["exponential", "linear", "constant"]

# What cannot succeed the next time either: to try again would only repeat its effect.
_PERMANENT = (NonRetryable, NotSerializable, PayloadTooLarge, NestedStep, WorkersDied)

MAX_ATTEMPTS = 1_000

# What another's wish may delay an attempt by.
LONGEST_ASKED = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a step (or a run) is tried, and how long it waits in between.

    `max_attempts` counts the first one. `jitter` takes the delay between half and
    all of its length at random, so that failed steps do not come back in step.
    `give_up_on` wins over `retry_on`.
    """

    max_attempts: int = 3
    backoff: Backoff = "exponential"
    initial_delay: Duration = "1s"
    max_delay: Duration = "30s"
    factor: float = 2.0
    jitter: bool = True
    retry_on: tuple[type[BaseException], ...] = (Exception,)
    give_up_on: tuple[type[BaseException], ...] = ()

    def __post_init__(self) -> None:
        if self.max_attempts not in range(1, MAX_ATTEMPTS + 1):
            raise ValueError(f"max_attempts must be 1 to {MAX_ATTEMPTS}, not {self.max_attempts}")
        if self.backoff not in ("exponential", "linear", "constant"):
            raise ValueError(f"unknown backoff: {self.backoff!r}")
        if not 1 <= self.factor < math.inf:
            raise ValueError(f"factor must be 1 or more, not {self.factor}")
        # `isinstance` would refuse them when a step has failed, which is too late.
        for option in ("retry_on", "give_up_on"):
            if not _are_errors(getattr(self, option)):
                raise TypeError(f"{option} must be a tuple of classes of errors")
        duration_option("initial_delay", self.initial_delay)
        duration_option("max_delay", self.max_delay)

    def allows(self, error: BaseException, attempt: int) -> bool:
        """Whether attempt number `attempt` (from 1), which ended in `error`, is not the last."""
        if attempt >= self.max_attempts or isinstance(error, _PERMANENT):
            return False
        return isinstance(error, self.retry_on) and not isinstance(error, self.give_up_on)

    def delay(self, attempt: int, error: BaseException | None = None) -> timedelta:
        """How long to wait after attempt number `attempt` (from 1) has failed.

        An error with a `retry_after` (a timedelta or seconds), such as a service's 429,
        makes it that long at least, a day at most.
        """
        return max(self._backoff(attempt), _asked_for(error))

    def _backoff(self, attempt: int) -> timedelta:
        first = parse_duration(self.initial_delay).total_seconds()
        longest = parse_duration(self.max_delay).total_seconds()
        if self.backoff == "exponential":
            growth = self._growth(attempt)
        else:
            growth = attempt if self.backoff == "linear" else 1
        seconds = min(first * growth, longest) if first else 0.0
        if self.jitter:
            seconds *= random.uniform(0.5, 1.0)
        return timedelta(seconds=seconds)

    def _growth(self, attempt: int) -> float:
        try:
            return self.factor ** (attempt - 1)
        except OverflowError:
            return math.inf


def _asked_for(error: BaseException | None) -> timedelta:
    asked = getattr(error, "retry_after", None)
    try:
        wanted = asked if isinstance(asked, timedelta) else timedelta(seconds=float(asked or 0))
    except (TypeError, ValueError, OverflowError):
        return timedelta(0)
    return min(wanted, LONGEST_ASKED)


def _are_errors(classes: object) -> bool:
    return isinstance(classes, tuple) and all(
        isinstance(one, type) and issubclass(one, BaseException) for one in classes
    )
