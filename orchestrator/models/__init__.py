"""The engine's tables. `orchestrator.store` is their only writer.

Payloads are text made by the codec, not JSON columns: exact, in the order of the author,
the same on every database, and never searched.
"""

from orchestrator.models.events import REPORT, Broadcast, Event
from orchestrator.models.journals import Attempt, Entry, LogLine, StepKey
from orchestrator.models.runs import (
    FINAL,
    LONG_RUN,
    UNFINISHED,
    Permit,
    Run,
    RunAttribute,
    RunTag,
    Status,
    attribute_text,
    initiator_label,
    is_paused_or_blocked,
    tag_texts,
)
from orchestrator.models.schedules import CatchUp, Overlap, Schedule, Source
from orchestrator.models.stats import RunStat, StatMark
from orchestrator.models.steps import StepTask
from orchestrator.models.tombstones import Tombstone
from orchestrator.models.workers import Worker

__all__ = [
    "FINAL",
    "LONG_RUN",
    "REPORT",
    "UNFINISHED",
    "Attempt",
    "Broadcast",
    "CatchUp",
    "Entry",
    "Event",
    "LogLine",
    "Overlap",
    "Permit",
    "Run",
    "RunAttribute",
    "RunStat",
    "RunTag",
    "Schedule",
    "Source",
    "StatMark",
    "Status",
    "StepKey",
    "StepTask",
    "Tombstone",
    "Worker",
    "attribute_text",
    "initiator_label",
    "is_paused_or_blocked",
    "tag_texts",
]
