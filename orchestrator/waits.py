"""Waits that other apps add to the engine, such as a human task: what such an app imports.

It registers a kind, which says what happens on its side when a wait opens and closes, and
answers a wait when it has what the run waits for.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from orchestrator.kinds import (
    CloseReason,
    Closing,
    Opening,
    Rehearsal,
    WaitKind,
    answer_name,
    get,
    register,
)

__all__ = [
    "CloseReason",
    "Closing",
    "Opening",
    "Rehearsal",
    "WaitKind",
    "answer",
    "answer_name",
    "get",
    "hold",
    "register",
]


def hold(run_id: UUID) -> bool:
    """Lock the run until the caller's transaction ends. False if it takes no more answers.

    Take it before any row of your own: everybody locks the run first.
    """
    from orchestrator import client  # noqa: PLC0415 - the client needs a configured Django

    return client.hold(run_id)


def answer(run_id: UUID, key: str, payload: Any) -> bool:
    """Answer the open wait `key` of a run, in the caller's transaction.

    False, and nothing is written, when the run has ended. The caller makes sure that it
    answers only once.
    """
    from orchestrator import client  # noqa: PLC0415 - the client needs a configured Django

    return client.answer_wait(run_id, key, payload)
