"""Recorded histories as files: what a replay needs of one run, and nothing of a database.

The format is JSON and has a version of its own:

    {"format": "orchestrator-history", "format_version": 1, "payloads": true, "run": {…},
     "journal": [{…}, …]}

`run` and the entries of `journal` have the fields of the tables. Values are what the codec
makes of them. An entry without `value` has none; `"value": null` is a None.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

from django.utils import timezone
from pydantic import BaseModel, Field, ValidationError

from orchestrator import models
from orchestrator.core.errors import OrchestratorError
from orchestrator.core.journal import Entry

FORMAT = "orchestrator-history"
FORMAT_VERSION = 1

# In the order in which a person reads them.
_ASKED = ("position", "key", "kind", "name", "cause")
_CAME = ("seq", "status", "attempt", "detail", "error", "due_at", "started_at", "finished_at")


class InvalidHistory(OrchestratorError, ValueError):
    """What should be a recorded history is none, or not one that can be replayed."""


class RecordedRun(BaseModel):
    """The run's row, as far as a replay sees it."""

    id: UUID
    workflow: str
    version: str
    status: str
    attempt: int = 1
    generation: int = 1
    initiator: str | None = None
    tags: dict[str, Any] = Field(default_factory=dict)
    input: Any = None
    # Of a machine: where its replay begins. See `orchestrator.core.checkpoints`.
    checkpoint: dict[str, Any] | None = None
    scheduled_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None


class RecordedEntry(BaseModel):
    """An entry of the journal. See `orchestrator.core.journal.Entry`."""

    position: int
    key: str
    kind: str
    name: str
    cause: int
    seq: int | None = None
    status: str
    attempt: int = 0
    value: Any = None
    detail: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    due_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None

    def entry(self) -> Entry:
        fields = self.model_dump(exclude={"value"})
        has_value = "value" in self.model_fields_set
        return Entry(**fields, value=json.dumps(self.value) if has_value else None)


class RecordedHistory(BaseModel):
    """One run and its journal, as they were when they were exported."""

    format: Literal["orchestrator-history"]
    format_version: Literal[1]
    payloads: bool = True
    exported_at: datetime | None = None
    run: RecordedRun
    journal: list[RecordedEntry]


def export(run: models.Run, *, payloads: bool = True) -> dict[str, Any]:
    """The history of a run as JSON. Two queries.

    Without `payloads` it shows what happened and when, and no value, message or detail: fit
    to be shown to others, and of no use to a replay. So is a run that retention has purged.
    """
    payloads = payloads and not run.is_purged
    entries = models.Entry.objects.filter(run_id=run.id).order_by("position", "seq")
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "payloads": payloads,
        "exported_at": timezone.now().isoformat(),
        "run": _run(run, payloads=payloads),
        "journal": [_entry(one, payloads=payloads) for one in entries],
    }


def read(source: Mapping[str, Any] | str | Path) -> RecordedHistory:
    """A history from a parsed document, its JSON text, or the path of a file.

    Raises InvalidHistory, which says what is wrong.
    """
    try:
        if isinstance(source, Mapping):
            return RecordedHistory.model_validate(source)
        return RecordedHistory.model_validate_json(_text(source))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        words = f"{where}: {first['msg']}" if where else first["msg"]
        raise InvalidHistory(
            f"this is no history of format version {FORMAT_VERSION}: {words}. Make one with "
            "manage.py runs export-history"
        ) from error


def _text(source: str | Path) -> str:
    if isinstance(source, str) and source.lstrip().startswith("{"):
        return source
    try:
        return Path(source).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidHistory(f"{source} cannot be read: {error}") from error


def of_run(run: models.Run, entries: list[models.Entry]) -> RecordedHistory:
    """The history of a run that is in the database, read already."""
    document = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "run": _run(run, payloads=True),
        "journal": [_entry(one, payloads=True) for one in entries],
    }
    return RecordedHistory.model_validate(document)


def _run(run: models.Run, *, payloads: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": str(run.id),
        "workflow": run.workflow,
        "version": run.version,
        "status": str(run.status),
        "attempt": run.attempt,
        "generation": run.generation,
        "scheduled_at": _instant(run.scheduled_at),
        "started_at": _instant(run.started_at),
        "finished_at": _instant(run.finished_at),
    }
    if not payloads:
        return shown
    return shown | {
        "initiator": run.initiator,
        "tags": run.tags,
        "input": json.loads(run.input),
        "checkpoint": run.checkpoint and json.loads(run.checkpoint),
    }


def _entry(entry: models.Entry, *, payloads: bool) -> dict[str, Any]:
    shown = {name: getattr(entry, name) for name in (*_ASKED, *_CAME)}
    for name in ("due_at", "started_at", "finished_at"):
        shown[name] = _instant(shown[name])
    if not payloads:
        # What kind of error it was is no secret.
        shown["error"] = entry.error and {"type": entry.error.get("type", "")}
        shown["detail"] = None
    elif entry.value is not None:
        shown["value"] = json.loads(entry.value)
    return shown


def _instant(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
