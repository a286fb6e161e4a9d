"""One run: the row, its journal, its steps, its events. Each function is one or two queries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from dashboard import steps
from dashboard.models_used import ModelUse, total
from dashboard.timeline import Row
from humantasks.asking import KIND
from humantasks.models import HumanTask
from orchestrator import clock
from orchestrator.core.journal import CANCEL, CHILD, COMPLETED, EVENT, PATCH
from orchestrator.models import Attempt, Entry, Event, Run

# Rows of the timeline, entries of the history, events: so many on a page.
ROWS = 200
PAGE = 100


def run(run_id: UUID) -> Run | None:
    """The run without its payloads; `read_at` is the database's time."""
    found = Run.objects.filter(id=run_id).defer("input", "output")
    return found.annotate(read_at=clock.Now()).first()


def locked(run_id: UUID) -> Run | None:
    """The run, held until the caller's transaction ends."""
    return Run.objects.select_for_update(no_key=True).filter(id=run_id).first()


def status_of(run_id: UUID) -> str:
    return str(Run.objects.values_list("status", flat=True).get(id=run_id))


def payloads(run_id: UUID) -> tuple[str, str | None]:
    """The input and the output, as they are stored."""
    stored = Run.objects.values_list("input", "output").get(id=run_id)
    return str(stored[0]), None if stored[1] is None else str(stored[1])


@dataclass(frozen=True)
class Steps:
    """A page of the timeline. `following` is the position to go on from, if there is more."""

    rows: Sequence[Row]
    following: int | None
    # What its AI steps have used, failed attempts with them.
    models: ModelUse | None


def timeline(run: Run, *, after: int = 0) -> Steps:
    """The rows of the steps asked for after position `after`. Two queries."""
    entries = list(
        Entry.objects.filter(run_id=run.id, position__gt=after)
        .exclude(kind__in=[CANCEL, PATCH])
        .order_by("position")
        .defer("value", "error")[: ROWS + 1]
    )
    page = entries[:ROWS]
    attempts = Attempt.objects.filter(run_id=run.id).defer("error")
    if len(entries) > ROWS or after:
        attempts = attempts.filter(key__in=[entry.key for entry in page])
    is_last = len(entries) <= ROWS
    executing = steps.in_flight(run.in_flight)
    if not is_last:
        keys = {entry.key for entry in page}
        executing = {key: one for key, one in executing.items() if key in keys}
    return Steps(
        steps.rows(page, attempts, executing, run),
        None if is_last else page[-1].position,
        total([*(_told(entry) for entry in page), *(one.details for one in attempts)]),
    )


def _told(entry: Entry) -> object:
    # Of an attempt that failed, the attempt itself says it.
    return (entry.detail or {}).get("details") if entry.status == COMPLETED else None


@dataclass(frozen=True)
class Step:
    """One step with all that is known of it."""

    key: str
    entry: Entry | None
    attempts: Sequence[Attempt]
    executing: steps.InFlight | None
    # Of a wait that is over the event that it took, of a human task the last that was asked,
    # of a child its run.
    event: Event | None
    task: HumanTask | None
    child_id: UUID | None


def step(run: Run, key: str) -> Step | None:
    """The step, None when the run has no such thing. Three queries at most."""
    entry = Entry.objects.filter(run_id=run.id, key=key).first()
    in_flight = steps.in_flight(run.in_flight)
    executing = in_flight.get(key) if entry is None else steps.running(entry, in_flight, run)
    if entry is None and executing is None:
        return None
    attempts = Attempt.objects.filter(run_id=run.id, key=key).order_by("number")
    kind, event, task, child_id = entry.kind if entry else "", None, None, None
    if kind == EVENT:
        event = Event.objects.filter(run_id=run.id, consumed_by=key).first()
    if kind == KIND:
        tasks = HumanTask.objects.filter(run_id=run.id, key=key)
        task = tasks.order_by("-generation").first()
    if kind == CHILD:
        child_id = children(run.id, [key]).get(key)
    return Step(key, entry, list(attempts), executing, event, task, child_id)


def children(run_id: UUID, keys: Iterable[str]) -> Mapping[str, UUID]:
    """The newest child of each wait for one. One query."""
    found = Run.objects.filter(parent_id=run_id, parent_key__in=keys).order_by("id")
    return dict(found.values_list("parent_key", "id"))


def history(run_id: UUID, *, after: int = 0) -> tuple[list[Entry], int | None]:
    """A page of the journal: outcomes as the body saw them, then what is open or given up.

    Also the `seq` to go on from, if there is more. Two queries at most.
    """
    entries = Entry.objects.filter(run_id=run_id).defer("value", "error")
    outcomes = list(entries.filter(seq__gt=after).order_by("seq")[: PAGE + 1])
    if len(outcomes) > PAGE:
        return outcomes[:PAGE], outcomes[PAGE - 1].seq
    return outcomes + list(entries.filter(seq=None).order_by("position")[:ROWS]), None


def events(run_id: UUID, *, after: int = 0) -> tuple[list[Event], int | None]:
    """A page of the events that the run has received, in their order. One query."""
    found = list(Event.objects.filter(run_id=run_id, id__gt=after).order_by("id")[: PAGE + 1])
    return found[:PAGE], found[PAGE - 1].id if len(found) > PAGE else None
