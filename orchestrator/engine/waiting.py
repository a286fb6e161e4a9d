"""What a parked run waits for: when to look at it again, and what to show of it."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from orchestrator.core.commands import NO_EVENT, Command
from orchestrator.core.journal import INTENT, QUEUED, RETRYING, SLEEP, STEP, TIMER, Entry
from orchestrator.models import Status
from orchestrator.store.records import Claim, Park, Save

# What a person can do something about comes first.
_ORDER = ("ambiguous", "human_task", "event", "retry", "step", "child", "timer")

# Steps that were handed out, of which a parked run names no more.
MOST_STEPS = 20

# What an entry waits for is said by its status, where that is not its kind.
_KINDS = {RETRYING: "retry", INTENT: "ambiguous"}


def summary(
    opened: Mapping[str, Entry], pending: Iterable[Command]
) -> tuple[datetime | None, str, list[dict[str, Any]]]:
    """When the run is due, its status, and its waits as they are shown."""
    entries = [opened[command.key] for command in pending if command.key in opened]
    due = [entry.due_at for entry in entries if entry.due_at is not None]
    kinds = {entry.status for entry in entries}
    status = Status.AWAITING_RETRY if kinds == {RETRYING} else Status.WAITING
    shown = sorted(map(_shown, entries), key=_rank)
    matters = [one for one in shown if one["name"] != NO_EVENT]
    return min(due, default=None), status, _few(matters or shown)


def for_permit(claim: Claim, limit: int, now: datetime) -> Save:
    """Park a run that must wait until another one ends.

    One that ends wakes it; should that be missed, it looks again by itself.
    """
    shown = {
        "kind": "concurrency",
        "name": claim.concurrency_key,
        "key": "",
        "since": now.isoformat(),
        "until": None,
        "detail": {"limit": limit},
    }
    again = now + timedelta(seconds=random.uniform(4, 6))
    return Save(claim=claim, then=Park(Status.PENDING, again, [shown]))


def for_steps(entries: Iterable[Entry]) -> Park:
    """Park a run whose body has ended, until the steps that others still execute have too."""
    return Park(Status.WAITING, None, _few([_shown(entry) for entry in entries]))


def _few(shown: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of many steps the first, with how many more there are: all is written at each park."""
    steps = [one for one in shown if one["kind"] == STEP]
    if len(steps) > MOST_STEPS:
        last = steps[MOST_STEPS - 1]
        last["detail"] |= {"more": len(steps) - MOST_STEPS}
        left_out = {one["key"] for one in steps[MOST_STEPS:]}
        return [one for one in shown if one["key"] not in left_out]
    return shown


def _shown(entry: Entry) -> dict[str, Any]:
    kind = _KINDS.get(entry.status, entry.kind)
    shown: dict[str, Any] = {
        "kind": "timer" if kind in (SLEEP, TIMER) else kind,
        "name": (entry.detail or {}).get("event") or entry.name,
        "key": entry.key,
        "since": entry.started_at.isoformat() if entry.started_at else None,
        "until": entry.due_at.isoformat() if entry.due_at else None,
    }
    if entry.status == RETRYING:
        known = entry.detail or {}
        shown["detail"] = {
            "attempt": entry.attempt + 1,
            "of": known.get("attempts_before", 0) + known.get("max_attempts", 0),
            "error": (entry.error or {}).get("message", ""),
        }
    if entry.status == QUEUED:
        shown["detail"] = {
            "attempt": entry.attempt,
            "queue": (entry.detail or {}).get("queue") or None,
        }
    return shown


def _rank(shown: dict[str, Any]) -> tuple[int, str]:
    kind = shown["kind"]
    return (_ORDER.index(kind) if kind in _ORDER else 0, shown["until"] or "9")
