"""The engine's tables. `orchestrator.store` is their only writer.

Payloads are text made by the codec, not JSON columns: exact, in the order of the author,
the same on every database, and never searched.
"""

from orchestrator.models.events import Broadcast, Event
from orchestrator.models.journals import Attempt, Entry, LogLine, StepKey
from orchestrator.models.runs import (
    FINAL,
    Permit,
    Run,
    RunAttribute,
    Status,
    attribute_text,
    initiator_label,
    is_paused_or_blocked,
)

__all__ = [
    "FINAL",
    "Attempt",
    "Broadcast",
    "Entry",
    "Event",
    "LogLine",
    "Permit",
    "Run",
    "RunAttribute",
    "Status",
    "StepKey",
    "attribute_text",
    "initiator_label",
    "is_paused_or_blocked",
]
