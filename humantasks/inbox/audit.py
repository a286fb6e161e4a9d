"""The audit: one entry for each change, written in the transaction of the change.

Each entry has a digest of itself and of the digest before it. Whoever changes, adds or
removes an entry in the database breaks the chain there, and `verify` says where.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import OuterRef, Subquery

from humantasks.models import HumanTask, TaskAudit

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MAX_LABEL = 255

_door: ContextVar[str] = ContextVar("door", default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What the audit says of a change. `actor` is None for the engine."""

    verb: str
    actor: User | None
    at: datetime
    code: str = ""
    reason: str = ""
    on_behalf_of: str = ""
    # The name of whoever acted, when it is none of our users.
    label: str = ""
    changes: Mapping[str, Any] = field(default_factory=dict)


@contextmanager
def through(door: str) -> Iterator[None]:
    """What is done inside came through this door: api, next, bulk, link."""
    token = _door.set(door)
    try:
        yield
    finally:
        _door.reset(token)


def label_of(user: User) -> str:
    """A person's name as pages and the audit write it."""
    return (user.get_full_name() or user.get_username())[:MAX_LABEL]


def append(task_id: UUID, entry: Entry, *, from_status: str, to_status: str) -> None:
    """Note what has just been done to a task whose row this transaction has locked.

    The change itself has counted `seq` up; the entry gets that number.
    """
    last = TaskAudit.objects.filter(task=OuterRef("pk")).order_by("-seq").values("digest")[:1]
    seq, before = HumanTask.objects.values_list("seq", Subquery(last)).get(pk=task_id)
    row = TaskAudit(
        task_id=task_id,
        seq=seq,
        at=entry.at,
        actor=entry.actor,
        actor_label=label_of(entry.actor) if entry.actor else entry.label[:MAX_LABEL],
        verb=entry.verb,
        from_status=from_status,
        to_status=to_status,
        code=entry.code,
        reason=entry.reason,
        on_behalf_of=entry.on_behalf_of,
        via=_door.get(),
        changes=dict(entry.changes),
    )
    row.digest = digest(row, before or "")
    row.save(force_insert=True)


# What an entry says, in the order in which it is digested.
_DIGESTED = (
    "seq",
    "actor_id",
    "actor_label",
    "verb",
    "from_status",
    "to_status",
    "code",
    "reason",
    "on_behalf_of",
    "via",
    "changes",
)


def digest(row: TaskAudit, before: str) -> str:
    """The digest of an entry, chained to the one before it."""
    said = {name: getattr(row, name) for name in _DIGESTED} | {
        "task": str(row.task_id),
        "at": row.at.astimezone(UTC).isoformat(timespec="microseconds"),
    }
    text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(f"{before}\n{text}".encode()).hexdigest()
