"""What a machine has done: what came of each event, and every other transition. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal
from uuid import UUID

from django.db.models import QuerySet

from orchestrator import models
from orchestrator.core import failures
from orchestrator.core.journal import COMPLETED, REFUSED, REFUSED_KEY, TRANSITION
from orchestrator.machine import Transition
from orchestrator.reading import value

# What came to a machine that had ended has the place of the last transition before.
_IN_ORDER = ("position", "started_at", "key")

_ENDED: dict[str, str] = {
    "completed": "completed",
    "failed": "failed",
    "cancelled": "been cancelled",
}


def transitions(run: models.Run) -> list[Transition]:
    """What came of each event of a machine, and of each delay, in order. Two queries.

    Those that came too late to be judged are at the end. Each transition leads to where the
    next one begins.
    """
    entries = _entries(run).order_by(*_IN_ORDER)
    events = {event.id: event for event in models.Event.objects.filter(run_id=run.id)}
    found = [_transition(run, entry, events.get(_number(entry) or 0)) for entry in entries]
    if not run.is_final:
        return found
    judged = {one.number for one in found}
    unjudged = [event for number, event in events.items() if number not in judged]
    late = [event for event in unjudged if not event.name.startswith("@")]
    return found + [_came_too_late(run, event) for event in sorted(late, key=lambda one: one.id)]


def some_transitions(
    run: models.Run, *, after: int, size: int
) -> tuple[list[Transition], int | None]:
    """A page of `transitions`, and the place after which the next begins. Four queries at most.

    The last page also has the events that came too late, as many of them as fit a page.
    """
    found = _entries(run).filter(position__gt=after)
    page, more = _page(found, size)
    shown = _judged(run, page)
    if more:
        return shown, page[-1].position
    return shown + (_late(run, size) if run.is_final else []), None


def last_transitions(
    run: models.Run, *, before: int | None, size: int
) -> tuple[list[Transition], int | None]:
    """Up to `size` of what a machine has judged, the last first, and where to go on from.

    `before` is what the page before has returned. Four queries at most.
    """
    found = _entries(run)
    if before is not None:
        found = found.filter(position__lt=before)
    page, more = _page(found, size, is_reversed=True)
    return _judged(run, page), page[-1].position if more else None


def verdict(run: models.Run, number: int) -> Transition | None:
    """What came of the event with this number, and of all that followed; None if not judged yet.

    Three queries at most. Reads `run` again.
    """
    entry = _entries(run).filter(key=f"@event {number}").first()
    run.refresh_from_db()
    if entry is None and not run.is_final:
        return None
    event = models.Event.objects.filter(id=number, run_id=run.id).first()
    if entry is not None:
        return _transition(run, entry, event, is_all=True)
    return None if event is None else _came_too_late(run, event)


def number_of(run_id: UUID, event_id: str) -> int | None:
    """The number of the event that was sent to a run with this id; None if it was not taken."""
    found = models.Event.objects.filter(run_id=run_id, event_id=event_id)
    taken = found.exclude(consumed_by__startswith=REFUSED_KEY)
    return taken.values_list("id", flat=True).first()


def _entries(run: models.Run) -> QuerySet[models.Entry]:
    return models.Entry.objects.filter(run_id=run.id, kind=TRANSITION)


def _page(
    found: QuerySet[models.Entry], size: int, *, is_reversed: bool = False
) -> tuple[list[models.Entry], bool]:
    """The first of these entries, and whether there are more.

    What has one place stays together, so that the next page can begin after it.
    """
    ordered = found.order_by(*(f"-{one}" if is_reversed else one for one in _IN_ORDER))
    page = list(ordered[: size + 1])
    if len(page) <= size:
        return page, False
    following = page.pop()
    last = page[-1].position
    if following.position != last:
        return page, True
    page = [one for one in page if one.position != last] + list(ordered.filter(position=last))
    beyond = {"position__lt": last} if is_reversed else {"position__gt": last}
    return page, found.filter(**beyond).exists()


def _judged(run: models.Run, entries: Sequence[models.Entry]) -> list[Transition]:
    """These entries with the events that they came of. One query."""
    numbers = [number for one in entries if (number := _number(one)) is not None]
    events = models.Event.objects.in_bulk(numbers)
    return [_transition(run, one, events.get(_number(one) or 0)) for one in entries]


def _late(run: models.Run, size: int) -> list[Transition]:
    """What came to a machine before it ended, and was never judged."""
    judged = {number for one in _entries(run).only("detail") if (number := _number(one))}
    events = models.Event.objects.filter(run_id=run.id).exclude(name__startswith="@")
    late = events.exclude(id__in=judged).order_by("id")[:size]
    return [_came_too_late(run, event) for event in late]


def _number(entry: models.Entry) -> int | None:
    """The number of the event that a transition came of."""
    return (entry.detail or {}).get("id")


def _transition(
    run: models.Run, entry: models.Entry, event: models.Event | None, *, is_all: bool = False
) -> Transition:
    """One transition; or all that followed from an event, once the machine has come to rest."""
    detail = entry.detail or {}
    accepted, is_done = entry.status != REFUSED, entry.status in (REFUSED, COMPLETED)
    is_at_rest = is_all and is_done and entry.value is not None
    stopped = "" if is_done or not run.is_final else _stopped(run)
    return Transition(
        event=detail["event"],
        from_=detail["from"],
        to=value(entry.value) if is_at_rest else detail["to"],
        accepted=accepted,
        # What guards have said is removed with the payloads.
        refused_because=detail.get("because", ""),
        is_done=is_done,
        stopped=stopped,
        failed_because=_failure(run) if stopped == "failed" else "",
        guards=tuple(detail.get("guards", ())),
        actor=event.sent_by if event else "",
        payload=value(event.payload) if event else None,
        sent_at=event.created_at if event else None,
        at=entry.started_at,
        number=detail["id"],
    )


def _stopped(run: models.Run) -> Literal["failed", "cancelled"]:
    """How a run has ended in the middle of a transition."""
    return "cancelled" if run.status == models.Status.CANCELLED else "failed"


def _failure(run: models.Run) -> str:
    error: dict[str, Any] = {"message": "", **(run.error or {"type": "an error"})}
    where = f" (in {error['key']})" if error.get("key") else ""
    return f"{failures.summary(error)}{where}"


def _came_too_late(run: models.Run, event: models.Event) -> Transition:
    """An event that the machine had not come to when it ended."""
    because = f"the machine had {_ENDED[run.status]} before it came to this event"
    # One that goes on after all takes what is in its mailbox.
    may_go_on = run.status != models.Status.COMPLETED
    return Transition(
        event=event.name,
        from_=run.state,
        to=run.state,
        accepted=None if may_go_on else False,
        refused_because=f"not judged: {because}" if may_go_on else because,
        is_done=not may_go_on,
        actor=event.sent_by,
        payload=value(event.payload),
        sent_at=event.created_at,
        number=event.id,
    )
