"""Why a run does not get on: what the engine says, for a page that has read the waits."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from dashboard.queries.waits import Wait
from orchestrator import diagnosis
from orchestrator.diagnosis import PATIENCE, Diagnosis, Stray
from orchestrator.models import Run

__all__ = ["PATIENCE", "Diagnosis", "diagnose"]


def diagnose(run: Run, waits: Iterable[Wait], now: datetime) -> list[Diagnosis]:
    """What is wrong with `run`, worst first; nothing when it goes as it should."""
    strays = [
        Stray(one.info.name, one.event_key, one.stray.correlation) for one in waits if one.stray
    ]
    return diagnosis.diagnose(run, strays, now)
