"""The engine's settings, each with its default. `ORCHESTRATOR_X` in Django's settings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings as django_settings

from orchestrator.core.durations import parse_duration, parse_keeping
from orchestrator.core.retry import Retry


def _seconds(value: Any) -> timedelta:
    return parse_duration(value)


def _keeping(value: Any) -> timedelta:
    return parse_keeping(value)


def _maybe(value: Any) -> bool | None:
    return None if value is None else bool(value)


def _retry(value: Any) -> Retry:
    return value if isinstance(value, Retry) else Retry(**value)


# name: (default, how it is read, what it means)
_SETTINGS: dict[str, tuple[Any, Callable[[Any], Any], str]] = {
    "LEASE": ("10s", _seconds, "A worker that is silent for this long loses its runs."),
    "HEARTBEAT": ("3s", _seconds, "How often a worker says that it is alive."),
    "SWEEP_INTERVAL": ("1s", _seconds, "How often a worker looks for due runs at the latest."),
    "BATCH": (50, int, "How many runs one tick drives side by side."),
    "DRIVERS": (2, int, "Driver threads of a worker process."),
    "SHUTDOWN_GRACE": ("25s", _seconds, "How long a stopping worker lets steps finish."),
    "REMOTE_STEPS": (16, int, "Steps handed out that a worker process executes at once."),
    "STEP_THREADS": (16, int, "Threads of a worker process that execute sync steps."),
    "MAX_PAYLOAD": (1_048_576, int, "Bytes of an encoded input, result or event."),
    "MAX_ENTRIES": (10_000, int, "Journal entries of one run."),
    "MAX_JOURNAL": (20_971_520, int, "Bytes of the results of one run together."),
    "MAX_MAILBOX": (1_000, int, "Events that wait in one run's mailbox."),
    "TICK_TIME": ("30s", _seconds, "A busy run lets others have its place after this."),
    "TICK_OUTCOMES": (200, int, "A busy run lets others have its place after so many outcomes."),
    "MAX_CRASHES": (5, int, "A run that kills its worker so often in a row is quarantined."),
    "CODE_GRACE": ("30s", _seconds, "A due run whose code no worker has is blocked after this."),
    "PRIORITY_STEP": ("10s", _seconds, "How much waiting one step of priority is worth."),
    "EVENT_TTL": ("1h", _seconds, "How long an event to no run in particular is kept."),
    "CANCEL_GRACE": ("1d", _seconds, "How long a cancelled run may clean up."),
    "STEP_RETRY": (Retry(), _retry, "The retry policy of steps that name none."),
    "SCHEDULE_GRACE": ("1m", _seconds, "A time of a schedule that is taken later is missed."),
    "AI": ({}, dict, "The default model, providers and prices of AI steps; docs/guide/ai.md."),
    "RETENTION": ("30d", _keeping, "How long runs are kept after their end."),
    "PAYLOAD_RETENTION": ("forever", _keeping, "How long inputs and results of ended runs are."),
    "KEY_RETENTION": ("forever", _keeping, "How long a removed run's idempotency key answers."),
    "STEP_KEY_RETENTION": ("forever", _keeping, "How long results of steps' own keys are kept."),
    "LOG_RETENTION": ("forever", _keeping, "How long log lines are; at most as long as their run."),
    "AUTO_PRUNE": (None, _maybe, "Whether workers remove what is old; None: in the embedded mode."),
    "HINTS": (True, bool, "Whether to tell workers about due runs through the broker."),
}

NAMES = tuple(_SETTINGS)


class Conf:
    """`conf.LEASE` and so on. Read at each use, so that tests may override settings."""

    def __getattr__(self, name: str) -> Any:
        try:
            default, read, _ = _SETTINGS[name]
        except KeyError:
            raise AttributeError(name) from None
        return read(getattr(django_settings, f"ORCHESTRATOR_{name}", default))


conf = Conf()
