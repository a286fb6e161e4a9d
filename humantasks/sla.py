"""By when a task has to be begun and done, and who hears of it when it is not.

Plain data. Importing it needs no configured Django.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from humantasks.working import Length, length, offset
from orchestrator.core.durations import Duration

MAX_STEPS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Sla:
    """The times of a type of tasks.

        sla = Sla(start="4bh", due="2bd", calendar="de", escalate=[("+1bd", "leads")])

    `start` is by when somebody should have begun, `due` by when it should be done: a
    duration, hours of work (`"4bh"`) or working days (`"2bd"`) of the `calendar`, which
    somebody has set up in the admin. `escalate` names the teams that get the task, too,
    so long after it was due.
    """

    start: Duration | None = None
    due: Duration | None = None
    calendar: str = ""
    escalate: Sequence[tuple[str, str]] = ()

    def __post_init__(self) -> None:
        for given in (self.start, self.due):
            if given is not None:
                length(given)
        if len(self.escalate) > MAX_STEPS:
            raise ValueError(f"escalate= has {len(self.escalate)} steps; {MAX_STEPS} are enough")
        for after, team in self.escalate:
            offset(after)
            if not team:
                raise ValueError(f"escalate= names no team for {after!r}")
        if self._works and not self.calendar:
            raise ValueError("bh and bd are counted in a calendar: name it with calendar=")

    @property
    def _works(self) -> bool:
        lengths = [length(one) for one in (self.start, self.due) if one is not None]
        lengths += [offset(after) for after, _team in self.escalate]
        return any(one.work or one.days for one in lengths)


def as_stored(sla: Sla | None) -> dict[str, Any] | None:
    """What stays with a task as it was when it was asked."""
    if sla is None:
        return None
    return {
        "start": _text(sla.start),
        "due": _text(sla.due),
        "calendar": sla.calendar,
        "escalate": [list(step) for step in sla.escalate],
    }


def length_of(text: str | None) -> Length | None:
    return None if text is None else length(text)


def _text(given: Duration | None) -> str | None:
    if given is None or isinstance(given, str):
        return given
    found = length(given).time
    return f"{found.total_seconds()}s"
