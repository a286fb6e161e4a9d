"""A run as a line of a list: what it is, what it waits for or died of, how long it took."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from dashboard import errors
from dashboard.redaction import REDACTED, redacted
from orchestrator import reading
from orchestrator.models import Run, Status, attribute_text
from orchestrator.run import WaitInfo

# Attributes that a line of a list shows.
MAX_LABELS = 3


@dataclass(frozen=True)
class Label:
    """An attribute, and the list of all runs that have it; "" for one that is not shown."""

    name: str
    value: str
    query: str


@dataclass(frozen=True, kw_only=True)
class Row:
    """One run of a list."""

    id: UUID
    rev: int
    workflow: str
    version: str
    status: str
    key: str
    initiator: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    due_at: datetime | None
    parent_id: UUID | None
    attributes: Mapping[str, Any]
    tags: Mapping[str, Any]
    # What it waits for, the most actionable first.
    waits: tuple[WaitInfo, ...]
    # The steps that have been executing for a while.
    executing: tuple[str, ...]
    error: str
    # The signature of its error; "" for none.
    signature: str
    attempt: int

    @property
    def labels(self) -> list[Label]:
        """The first of its attributes."""
        return [_label(name, value) for name, value in list(self.attributes.items())[:MAX_LABELS]]

    @property
    def more_labels(self) -> int:
        return max(len(self.attributes) - MAX_LABELS, 0)

    @property
    def short_id(self) -> str:
        return short_id(self.id)

    @property
    def wait(self) -> WaitInfo | None:
        return self.waits[0] if self.waits else None

    @property
    def more_waits(self) -> int:
        return max(len(self.waits) - 1, 0)

    @property
    def wait_kind(self) -> str:
        return self.wait.kind if self.wait else ""

    @property
    def took(self) -> timedelta | None:
        """From the first claim to the end."""
        if self.started_at is None or self.finished_at is None:
            return None
        return max(self.finished_at - self.started_at, timedelta())


def row(run: Run, *, sees_payloads: bool) -> Row:
    """`run` as `dashboard.queries.runs` has read it."""
    error = ""
    if run.status in (Status.FAILED, Status.BLOCKED):
        error = errors.line(run.error_type, run.error_message, is_visible=sees_payloads)  # type: ignore[attr-defined] # annotated
    return Row(
        id=run.id,
        rev=run.rev,
        workflow=run.workflow,
        version=run.version,
        status=run.status,
        key=run.idempotency_key or "",
        initiator=run.initiator or "",
        created_at=run.created_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
        due_at=run.due_at,
        parent_id=run.parent_id,
        attributes=redacted(run.attributes),
        tags=redacted(run.tags),
        waits=tuple(reading.waiting_on(run)),
        executing=executing(run),
        error=error,
        signature=run.error_signature or "",
        attempt=run.attempt,
    )


def _label(name: str, value: Any) -> Label:
    if value == REDACTED:
        return Label(name, value, "")
    text = attribute_text(value)
    return Label(name, text, urlencode({"attribute": f"{name}:{text}"}))


def executing(run: Run) -> tuple[str, ...]:
    if run.status != Status.RUNNING:
        return ()
    return tuple(step["key"] for step in run.in_flight)


def wait_kind(run: Run) -> str:
    """The kind of what a run waits for first; empty when it does not wait."""
    return next((wait.kind for wait in reading.waiting_on(run)), "")


def short_id(run_id: UUID) -> str:
    """The end of an id: its beginning is the time, and the same for all runs of a minute.

    >>> short_id(UUID("019abc12-3456-7def-8123-456789abcdef"))
    '89abcdef'
    """
    return run_id.hex[-8:]
