"""Kinds of waits that other apps add to the engine, such as a human task.

An app registers what happens on its side when a wait opens and closes. Both are called
inside the engine's transaction that records it, so both commit together or not at all.
The engine knows nothing else about the app.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol
from uuid import UUID

from django.db.utils import Error as DatabaseError

logger = logging.getLogger("orchestrator")

# Why a wait closed without an answer: its time was over, its run was cancelled, its
# branch of the body was cancelled, or its run ended.
CloseReason = Literal["timeout", "cancelled", "abandoned", "finished"]


@dataclass(frozen=True, slots=True)
class Opening:
    """A wait that is being opened. `detail` is what the body handed to `ctx.wait`."""

    run_id: UUID
    key: str
    name: str
    detail: dict[str, Any]
    opened_at: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Closing:
    """Waits of one run that close without an answer. `by` and `note` say who and why.

    `by` is the name of the person who cancelled the run, if it was one who gave it.
    """

    run_id: UUID
    keys: Sequence[str]
    reason: CloseReason
    note: str = ""
    by: str = ""


class Rehearsal(Protocol):
    """How a test sees and answers the open waits of a kind: `runs.tasks`, `runs.complete`."""

    def shown(self, run_id: UUID) -> list[Any]:
        """What the app keeps for the open waits of a run, in the order in which they opened."""
        ...

    # `*args` tells the type checker that each kind has arguments of its own.
    def answer(self, run_id: UUID, key: str, *args: Any, **said: Any) -> None:
        """Answer the open wait `key` as its users do, with their errors for what is wrong."""
        ...


@dataclass(frozen=True, slots=True)
class WaitKind:
    """What an app does when its waits open and close.

    `opened` and `closed` run in the engine's transaction: they may write to the engine's
    database and must do nothing that cannot be rolled back. An error in them rolls the
    record back too, and the run is blocked with it. `tended` is called by each worker every
    few seconds, side by side with others: what the app's own clocks ask for is done there.
    `rehearsal` is for tests.
    """

    name: str
    opened: Callable[[Opening], None]
    closed: Callable[[Closing], None]
    rehearsal: Rehearsal | None = None
    tended: Callable[[], object] | None = None


_kinds: dict[str, WaitKind] = {}


def register(kind: WaitKind) -> None:
    """Make `kind` known in this process; call it in `AppConfig.ready`."""
    _kinds[kind.name] = kind


def get(name: str) -> WaitKind | None:
    """The registered kind; None for the engine's own kinds."""
    return _kinds.get(name)


def tend() -> None:
    """Let each app look after what it keeps. The error of one does not stop the others."""
    for kind in list(_kinds.values()):
        if kind.tended is None:
            continue
        try:
            kind.tended()
        except Exception as error:
            # A database that is away is no fault of theirs.
            level = logging.WARNING if isinstance(error, DatabaseError) else logging.ERROR
            logger.log(level, "the waits of kind %s could not be tended", kind.name, exc_info=True)


def answer_name(key: str) -> str:
    """The name of the event that answers the wait `key` of a run."""
    return f"@answer {key}"
