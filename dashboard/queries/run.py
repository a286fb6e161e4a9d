"""One run: the row, its journal, its steps, its events. Each function is one or two queries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any
from uuid import UUID

from django.db.models import Case, QuerySet, When
from django.db.models.functions import Length

from dashboard import steps
from dashboard.models_used import ModelUse, total
from dashboard.queries import usage
from dashboard.timeline import Row
from humantasks.asking import KIND
from humantasks.models import HumanTask
from orchestrator import clock
from orchestrator.core.journal import CANCEL, CHILD, EVENT, PATCH, REFUSED_KEY
from orchestrator.models import REPORT, Attempt, Entry, Event, LogLine, Run

# Rows of the timeline, entries of the history, events: so many on a page.
ROWS = 200
PAGE = 100
# Characters of a value that is shown among others.
SMALL = 16_384
# Characters of all values of a page that shows them whole.
ROOM = 1_048_576


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
    # What the AI steps of the whole run have used, failed attempts with them.
    models: ModelUse | None


def timeline(run: Run, *, after: int = 0, size: int | None = None) -> Steps:
    """The rows of the steps asked for after position `after`. Two queries, of a long run four."""
    size = ROWS if size is None else size
    found = _asked(run.id).filter(position__gt=after).defer("value", "error")
    entries = list(found[: size + 1])
    page = entries[:size]
    failed = Attempt.objects.filter(run_id=run.id).defer("error")
    is_last = len(entries) <= size
    if not is_last or after:
        failed = failed.filter(key__in=[entry.key for entry in page])
    attempts = list(failed)
    if is_last and not after:
        used = total(chain(*usage.told(page, attempts).values()))
    else:
        used = usage.of_run(run.id)
    executing = steps.in_flight(run)
    if not is_last:
        keys = {entry.key for entry in page}
        executing = {key: one for key, one in executing.items() if key in keys}
    return Steps(
        steps.rows(page, attempts, executing, run),
        None if is_last else page[-1].position,
        used,
    )


def _asked(run_id: UUID) -> QuerySet[Entry]:
    """What the body has asked for, in its order."""
    entries = Entry.objects.filter(run_id=run_id).exclude(key__startswith=REFUSED_KEY)
    return entries.exclude(kind__in=[CANCEL, PATCH]).order_by("position")


def step_keys(run_id: UUID) -> list[str]:
    """What the body has asked for, in its order; the first of many."""
    return list(_asked(run_id).values_list("key", flat=True)[:ROWS])


def outcomes(run_id: UUID, *, size: int = ROWS) -> tuple[list[Entry], bool]:
    """The first entries with their outcomes, and whether there are more. One query.

    `small_value` is None where the value is longer than `SMALL` characters; `length` says
    how long it is.
    """
    found: list[Entry] = list(
        _asked(run_id)
        .defer("value")
        .annotate(length=Length("value"))
        .annotate(small_value=Case(When(length__lte=SMALL, then="value")))[: size + 1]
    )
    return found[:size], len(found) > size


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
    in_flight = steps.in_flight(run)
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


def history(run_id: UUID, *, after: int = 0, size: int = PAGE) -> tuple[list[Entry], int | None]:
    """A page of the journal: outcomes as the body saw them, then what is open or given up.

    Also the `seq` to go on from, if there is more. Two queries at most.
    """
    entries = Entry.objects.filter(run_id=run_id).defer("value", "error")
    done = list(entries.filter(seq__gt=after).order_by("seq")[: size + 1])
    if len(done) > size:
        return done[:size], done[size - 1].seq
    return done + list(entries.filter(seq=None).order_by("position")[:ROWS]), None


def events(run_id: UUID, *, after: int = 0) -> tuple[list[Event], int | None]:
    """A page of the events that the run has received, in their order. One query."""
    found = list(_events(run_id).filter(id__gt=after).order_by("id")[: PAGE + 1])
    return found[:PAGE], found[PAGE - 1].id if len(found) > PAGE else None


def first_events(run_id: UUID, *, size: int = ROWS) -> tuple[list[Event], bool]:
    """The first events, each with `small_payload` and `length` as `outcomes` has them."""
    found: list[Event] = list(
        _measured(run_id).annotate(small_payload=Case(When(length__lte=SMALL, then="payload")))[
            : size + 1
        ]
    )
    return found[:size], len(found) > size


def whole_events(run_id: UUID, *, after: int, size: int) -> tuple[list[Event], int | None]:
    """A page of the events with all of their payloads: fewer, if they are large. Two queries."""
    found: list[Any] = list(_measured(run_id).filter(id__gt=after)[: size + 1])
    room, page = ROOM, found[:1]
    for event in found[1:size]:
        room -= event.length
        if room < 0:
            break
        page.append(event)
    texts = Event.objects.filter(id__in=[one.id for one in page]).values_list("id", "payload")
    payloads = dict(texts)
    for event in page:
        event.payload = payloads[event.id]
    return page, page[-1].id if len(found) > len(page) else None


def _events(run_id: UUID) -> QuerySet[Event]:
    return Event.objects.filter(run_id=run_id).exclude(name__startswith=REPORT)


def _measured(run_id: UUID) -> QuerySet[Event]:
    found = _events(run_id).order_by("id").defer("payload")
    return found.annotate(length=Length("payload"))


def log(run_id: UUID, *, after: int = 0, size: int = PAGE) -> tuple[list[LogLine], int | None]:
    """A page of what the run and its steps have logged, in the order of storing. One query."""
    found = list(LogLine.objects.filter(run_id=run_id, id__gt=after).order_by("id")[: size + 1])
    return found[:size], found[size - 1].id if len(found) > size else None
