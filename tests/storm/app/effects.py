"""Effects that no transaction takes back."""

from __future__ import annotations

import os
from pathlib import Path
from threading import Event

from django.conf import settings

from orchestrator import current_step


def note(name: str) -> str:
    """An external effect: a line in a file."""
    step = current_step()
    line = f"{step.run_id} {step.name} {step.idempotency_key} {os.getpid()}\n"
    with Path(settings.STORM_LOG).open("a") as log:
        log.write(line)
    Event().wait(0.01)
    return name
