"""System checks: settings of the REST API that cannot be read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from dashboard.api.limits import parsed
from orchestrator.core.durations import parse_duration

_READERS: dict[str, Callable[[Any], object]] = {
    "ORCHESTRATOR_API_RATE": lambda value: parsed(value) if value else None,
    "ORCHESTRATOR_API_LONG_POLL": parse_duration,
    "ORCHESTRATOR_API_LONG_POLLS": int,
    "ORCHESTRATOR_API_KEEP_ANSWERS": parse_duration,
}


@register
def settings_can_be_read(app_configs: Any, **options: Any) -> Iterable[CheckMessage]:
    """Each setting of the REST API that is set must be one that can be read."""
    for name, read in _READERS.items():
        try:
            if hasattr(settings, name):
                read(getattr(settings, name))
        except (TypeError, ValueError) as error:
            yield Error(f"{name}: {error}", id="dashboard.E001")
