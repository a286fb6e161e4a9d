"""What a run waits for, with what can be done about it: the task, the key of the event."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from dashboard.errors import MAX_LINE
from dashboard.queries import run as queries
from dashboard.redaction import redacted_text
from humantasks.asking import KIND
from humantasks.models import OPEN, HumanTask
from orchestrator import reading
from orchestrator.core.journal import CHILD, EVENT, STEP
from orchestrator.models import Entry, Event, Run
from orchestrator.run import WaitInfo


@dataclass(frozen=True, kw_only=True)
class Wait:
    """One wait of a run."""

    info: WaitInfo
    # For a human task: the open task.
    task: HumanTask | None = None
    # Whether the reader may open it.
    may_open: bool = False
    # For an event: the key that it must have, None for any.
    event_key: str | None = None
    # An event of the right name that does not fit; it lies in the mailbox.
    stray: Event | None = None
    # For a child: its run.
    child_id: UUID | None = None
    # For a step that was handed out: where it is.
    place: str = ""
    # For a retry: what the last attempt failed of, in one line.
    error: str = ""


def waits(run: Run, *, user: User, sees_payloads: bool) -> list[Wait]:
    """The waits, most actionable first.

    Two queries for human tasks or events, one for children, one for steps that were handed out.
    """
    # A run that was asked to stop waits for nothing any more; its body has yet to be told.
    infos = [] if run.cancel_requested_at else reading.waits(run)
    tasks = _tasks(run.id, [one for one in infos if one.kind == KIND])
    theirs = _visible(tasks.values(), user)
    keys, strays = _events(run.id, [one for one in infos if one.kind == EVENT])
    waited_for = [one.key for one in infos if one.kind == CHILD]
    children = queries.children(run.id, waited_for) if waited_for else {}
    return [
        Wait(
            info=one,
            task=tasks.get(one.key),
            may_open=one.key in tasks and tasks[one.key].pk in theirs,
            event_key=keys.get(one.key),
            stray=strays.get(one.name) if one.kind == EVENT else None,
            child_id=children.get(one.key) if one.kind == CHILD else None,
            place=str((one.detail or {}).get("state", "")) if one.kind == STEP else "",
            error=_error(one) if sees_payloads else "hidden",
        )
        for one in infos
    ]


def _error(info: WaitInfo) -> str:
    message = str((info.detail or {}).get("error", ""))
    return redacted_text(message.partition("\n")[0])[:MAX_LINE]


def _tasks(run_id: UUID, infos: Iterable[WaitInfo]) -> Mapping[str, HumanTask]:
    keys = [one.key for one in infos]
    if not keys:
        return {}
    found = HumanTask.objects.filter(run_id=run_id, key__in=keys, status__in=OPEN)
    return {task.key: task for task in found.select_related("team", "assignee")}


def _visible(tasks: Iterable[HumanTask], user: User) -> set[UUID]:
    ids = [task.pk for task in tasks]
    if not ids:
        return set()
    return set(HumanTask.objects.visible_to(user).filter(pk__in=ids).values_list("pk", flat=True))


def _events(
    run_id: UUID, infos: Iterable[WaitInfo]
) -> tuple[Mapping[str, str | None], Mapping[str, Event]]:
    names = {one.key: one.name for one in infos}
    if not names:
        return {}, {}
    details: Any = Entry.objects.filter(run_id=run_id, key__in=names).values_list("key", "detail")
    keys = {key: (detail or {}).get("key") for key, detail in details}
    mailbox = Event.objects.filter(run_id=run_id, consumed_at=None, name__in=names.values())
    return keys, {event.name: event for event in mailbox.order_by("id")[:100]}
