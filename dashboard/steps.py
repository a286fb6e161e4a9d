"""The journal as rows of the timeline: who executed when, and who waited for what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby, pairwise

from dashboard.models_used import AI, model_use
from dashboard.timeline import Row, Segment, brackets
from orchestrator import reading
from orchestrator.core.journal import (
    CANCELLED,
    CHILD,
    COMPLETED,
    EVENT,
    INTENT,
    OPEN,
    QUEUED,
    REFUSED,
    RETRYING,
    SLEEP,
    STEP,
    TIMER,
    TRANSITION,
)
from orchestrator.models import Attempt, Entry, Run

# Which texture the waits of a kind have. What an app has registered looks like an event.
_SEGMENTS = {SLEEP: "sleep", TIMER: "sleep", CHILD: "child", "human_task": "human"}

_OPEN = (OPEN, RETRYING, QUEUED, INTENT)

# The words of the journal, in those that the badges know.
_STATUSES = {OPEN: "waiting", RETRYING: "awaiting_retry", INTENT: "ambiguous"}


@dataclass(frozen=True)
class InFlight:
    """A step that has been executing for a while."""

    key: str
    attempt: int
    started_at: datetime
    # What it has told with its heartbeats.
    details: object = None


def in_flight(run: Run) -> dict[str, InFlight]:
    """The steps that have been executing for a while, by key. One query at most."""
    return {
        str(one["key"]): InFlight(
            str(one["key"]),
            int(str(one["attempt"])),
            datetime.fromisoformat(str(one["started_at"])),
            one.get("details"),
        )
        for one in reading.executing(run)
    }


def running(entry: Entry, executing: Mapping[str, InFlight], run: Run) -> InFlight | None:
    """The attempt of a step that is executing now, if one is.

    An at-most-once step whose intent is recorded executes while a worker owns the run.
    Without one, nobody knows how it ended.
    """
    if entry.seq is not None:
        return None
    if entry.status == INTENT and run.owned and entry.started_at is not None:
        return InFlight(entry.key, entry.attempt, entry.started_at)
    return executing.get(entry.key)


def last_start(entry: Entry) -> datetime | None:
    """When the last attempt of an ended step began: the entry's own start is the first one's."""
    told = (entry.detail or {}).get("attempt_started_at")
    return datetime.fromisoformat(str(told)) if told else entry.started_at


def status(entry: Entry) -> str:
    """The status of an entry that is not executing, in the words of the badges."""
    return _STATUSES.get(entry.status, entry.status)


def rows(
    entries: Sequence[Entry],
    attempts: Iterable[Attempt],
    executing: Mapping[str, InFlight],
    run: Run,
) -> list[Row]:
    """The rows of the timeline, in the order in which the run asked."""
    failed = {
        key: list(group)
        for key, group in groupby(
            sorted(attempts, key=lambda one: (one.key, one.number)), lambda one: one.key
        )
    }
    ends = _Ends(entries, run.finished_at)
    marks = brackets(_parallel(entries))
    known = [
        _row(entry, failed.get(entry.key, []), running(entry, executing, run), ends, mark)
        for entry, mark in zip(entries, marks, strict=True)
    ]
    keys = {entry.key for entry in entries}
    known = [_mark_inherited(row, run.created_at) for row in known]
    return known + [_unrecorded(one) for one in executing.values() if one.key not in keys]


def _parallel(entries: Sequence[Entry]) -> list[int | None]:
    """The group of each entry: what was asked for after the same outcome goes side by side."""
    counts = Counter(entry.cause for entry in entries if entry.kind != TRANSITION)
    return [
        entry.cause if counts[entry.cause] > 1 and entry.kind != TRANSITION else None
        for entry in entries
    ]


def _row(
    entry: Entry, failed: list[Attempt], executing: InFlight | None, ends: _Ends, bracket: str
) -> Row:
    if entry.kind == STEP:
        segments = tuple(_step_segments(entry, failed, executing, ends.of(entry)))
    else:
        segments = tuple(_wait_segments(entry, ends.of(entry)))
    return Row(
        key=entry.key,
        name=_title(entry),
        kind=AI if model_use((entry.detail or {}).get("details")) else entry.kind,
        status="running" if executing else status(entry),
        attempts=executing.attempt if executing else entry.attempt,
        segments=segments,
        depth=1 if bracket else 0,
        bracket=bracket,
    )


def _title(entry: Entry) -> str:
    """How a row is called: as its author called it, where the key is the engine's own."""
    detail = entry.detail or {}
    if entry.kind == TRANSITION:
        return f"{detail['event']} {'refused' if entry.status == REFUSED else '→ ' + detail['to']}"
    if entry.kind == EVENT and entry.name.startswith("@"):
        return f"Waits for {detail['event']}"
    return entry.key


def _mark_inherited(row: Row, created_at: datetime) -> Row:
    """A fork has the results of another run: they are older than it is."""
    ends = [segment.end for segment in row.segments]
    is_inherited = bool(ends) and all(end is not None and end < created_at for end in ends)
    return replace(row, inherited=True) if is_inherited else row


def _unrecorded(step: InFlight) -> Row:
    """A step that executes for the first time: the journal has nothing of it yet."""
    segment = Segment("run", step.started_at)
    return Row(step.key, step.key, STEP, "running", step.attempt, (segment,))


def _step_segments(
    entry: Entry, failed: list[Attempt], executing: InFlight | None, end: datetime | None
) -> Iterator[Segment]:
    for one in failed:
        yield Segment("run", one.started_at, one.finished_at, failed=True)
    for one, following in pairwise(failed):
        yield Segment("backoff", one.finished_at, following.started_at)
    last = failed[-1].finished_at if failed else None
    if executing is not None:
        asked = entry.started_at if entry.status == QUEUED else None
        yield from _attempt(asked, executing.started_at, None, last)
    elif entry.status == COMPLETED and (began := last_start(entry)) is not None:
        yield from _attempt(entry.started_at, began, entry.finished_at, last)
    elif entry.status in (RETRYING, CANCELLED) and last is not None:
        yield Segment("backoff", last, end)
    elif entry.status in (QUEUED, INTENT) and entry.started_at is not None:
        # It waits for a worker, or it began and nobody knows whether it ended.
        yield Segment("queue", last or entry.started_at)


def _attempt(
    asked: datetime | None, began: datetime, finished: datetime | None, last: datetime | None
) -> Iterator[Segment]:
    if last is not None:
        yield Segment("backoff", last, began)
    elif asked is not None and asked < began:
        # It was handed out, and waited for a worker.
        yield Segment("queue", asked, began)
    yield Segment("run", began, finished)


def _wait_segments(entry: Entry, end: datetime | None) -> Iterator[Segment]:
    if entry.started_at is not None:
        yield Segment(_SEGMENTS.get(entry.kind, "event"), entry.started_at, end)


class _Ends:
    """When entries ended. One that was given up has no end of its own in the journal."""

    def __init__(self, entries: Sequence[Entry], finished_at: datetime | None) -> None:
        self._finished_at = finished_at
        self._first_of: dict[int, datetime] = {}
        for entry in entries:
            if entry.seq is not None and entry.finished_at is not None:
                known = self._first_of.get(entry.cause, entry.finished_at)
                self._first_of[entry.cause] = min(known, entry.finished_at)

    def of(self, entry: Entry) -> datetime | None:
        """None while it lasts. A loser of a race ended when the first of its group did."""
        if entry.finished_at is not None or entry.status in _OPEN:
            return entry.finished_at
        return self._first_of.get(entry.cause) or self._finished_at or entry.started_at
