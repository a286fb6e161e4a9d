"""The engine's side: a wait opens a task, and closes it when no answer is wanted any more.

Both run in the engine's transaction, which holds the run's row.
"""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db.models import Max

from humantasks import reviews
from humantasks.inbox import audit, seats, timing
from humantasks.inbox.audit import Entry
from humantasks.inbox.changing import NOT_HELD, change_locked
from humantasks.models import (
    HumanTask,
    Status,
    TaskCandidate,
    TaskDecision,
    TaskNumber,
    TaskPayload,
    TaskSeat,
)
from humantasks.reviews import FourEyes, Quorum, Review
from humantasks.routing import DECIDERS, REQUESTER, USER
from orchestrator import clock
from orchestrator.core.errors import OrchestratorError
from orchestrator.waits import Closing, Opening

if TYPE_CHECKING:
    from django.contrib.auth.models import User

Kind = TaskCandidate.Kind

logger = logging.getLogger("humantasks")


class AlreadyAnswered(OrchestratorError):
    """The time of a task was over, but a person was faster: the answer stands."""


def open_task(opening: Opening) -> None:
    """Put a task into the inbox. A person who alone is named gets it at once."""
    asked = opening.detail
    candidates = [_candidate(name) for name in asked["assign_to"]]
    requester = _requester(asked["initiator"])
    candidates += _all_excluded(opening, requester)
    stored = json.loads(asked["schema"])
    review = reviews.from_stored(stored.get("review"), None)
    if isinstance(review, FourEyes):
        candidates += [_candidate(name, Kind.CHECKER) for name in review.checkers]
    assignee = None if isinstance(review, Quorum) else _only_person(candidates)
    task = HumanTask.objects.create(
        ref=TaskNumber.objects.create().pk,
        run_id=opening.run_id,
        workflow=asked["workflow"],
        key=opening.key,
        generation=_next_generation(opening),
        name=opening.name,
        type=asked["type"],
        type_version=asked["type_version"],
        title=asked["title"],
        ui=asked["ui"],
        schema=asked["schema"],
        assign_to=asked["assign_to"],
        team=next(
            (one.group for one in candidates if one.group and one.kind == Kind.CANDIDATE), None
        ),
        status=_status(review, assignee),
        assignee=assignee,
        requester=requester,
        priority=asked["priority"],
        created_at=opening.opened_at,
        excludes_deciders=DECIDERS in asked["exclude"],
        claimed_at=opening.opened_at if assignee else None,
        lease_seconds=asked["lease_seconds"],
        expires_at=opening.until,
        **_times(opening, stored.get("sla")),
    )
    TaskPayload.objects.create(task=task, data=asked["data"], initial=asked["initial"])
    for candidate in candidates:
        candidate.task = task
    TaskCandidate.objects.bulk_create(candidates, ignore_conflicts=True)
    if isinstance(review, Quorum):
        seats.make(task, TaskSeat.Role.VOTER, review.of)
    timing.set_timers(task)
    _note_opening(task, opening, assignee)


def _status(review: Review | None, assignee: User | None) -> Status:
    if isinstance(review, Quorum):
        return Status.IN_REVIEW
    return Status.CLAIMED if assignee else Status.READY


def close_tasks(closing: Closing) -> None:
    """End the tasks of waits that nobody must answer any more.

    Raises AlreadyAnswered when a wait timed out whose task has just been completed: the
    engine's record is rolled back, and its next look finds the answer.
    """
    tasks = HumanTask.objects.select_for_update(of=("self",)).filter(
        run_id=closing.run_id, key__in=closing.keys
    )
    for task in tasks.order_by("pk"):
        if task.is_open:
            _close(task, closing)
        elif closing.reason == "timeout" and task.status == Status.COMPLETED:
            raise AlreadyAnswered(f"task #{task.ref} was completed before its time was over")


def _close(task: HumanTask, closing: Closing) -> None:
    has_expired = closing.reason == "timeout"
    to_status = Status.EXPIRED if has_expired else Status.WITHDRAWN
    at = clock.now()
    entry = Entry(
        verb="expired" if has_expired else "withdrawn",
        actor=_person(closing.by) if closing.by else None,
        label=closing.by,
        at=at,
        code=closing.reason,
        reason=closing.note,
    )
    change_locked(task, entry, to_status=to_status, **NOT_HELD, closed_at=at)
    if task.status == Status.IN_REVIEW:
        seats.close(task)


def _note_opening(task: HumanTask, opening: Opening, assignee: User | None) -> None:
    entry = Entry(
        verb="created",
        actor=None,
        at=opening.opened_at,
        code="assigned" if assignee else "",
        reason=audit.label_of(assignee) if assignee else "",
    )
    audit.append(task.pk, entry, from_status="", to_status=task.status)
    if not assignee and not _somebody_may_answer(task):
        HumanTask.objects.filter(pk=task.pk).update(unroutable=True)
        logger.warning(
            "task #%s (%s) of run %s reaches nobody: assign_to=%s",
            task.ref,
            task.type,
            task.run_id,
            task.assign_to,
        )


def _candidate(name: str, kind: str = Kind.CANDIDATE) -> TaskCandidate:
    """Whom a name means: a team before a person, unless `group:` or `user:` says which."""
    prefix, _, rest = name.partition(":")
    wanted = prefix if prefix in ("group", "user") and rest else ""
    plain = rest if wanted else name
    line = TaskCandidate(kind=kind, name=plain)
    if wanted != "user":
        line.group = Group.objects.filter(name=plain).first()
    if wanted != "group" and line.group is None:
        line.user = _person(plain)
    return line


def _all_excluded(opening: Opening, requester: User | None) -> list[TaskCandidate]:
    """Who must not answer, each once: the first reason counts."""
    asked, why = opening.detail, TaskCandidate.Why
    found: dict[int, TaskCandidate] = {}
    if requester is not None and (
        REQUESTER in asked["exclude"] or not asked["requester_may_answer"]
    ):
        found[requester.pk] = _excluded(requester, why.REQUESTER)
    if DECIDERS in asked["exclude"]:
        decided = TaskDecision.objects.filter(task__run_id=opening.run_id).values("user")
        for person in get_user_model()._default_manager.filter(pk__in=decided):
            found.setdefault(person.pk, _excluded(person, why.DECIDER))
    for name in asked["exclude"]:
        named = _person(name.removeprefix(USER)) if name.startswith(USER) else None
        if named is not None:
            found.setdefault(named.pk, _excluded(named, why.NAMED))
    return list(found.values())


def _excluded(person: User, why: str) -> TaskCandidate:
    return TaskCandidate(kind=Kind.EXCLUDED, user=person, name=person.get_username(), why=why)


def _person(username: str) -> User | None:
    return get_user_model()._default_manager.filter(username=username, is_active=True).first()


def _requester(initiator: str | None) -> User | None:
    if initiator is None:
        return None
    return get_user_model()._default_manager.filter(username=initiator).first()


def _only_person(candidates: list[TaskCandidate]) -> User | None:
    """The person who alone may answer; None for a team, or when they must not."""
    named = [one for one in candidates if one.kind == Kind.CANDIDATE]
    excluded = {one.user_id for one in candidates if one.kind == Kind.EXCLUDED}
    if len(named) == 1 and named[0].user_id not in excluded:
        return named[0].user
    return None


def _somebody_may_answer(task: HumanTask) -> bool:
    lines = TaskCandidate.objects.filter(task=task)
    named = lines.filter(kind=Kind.CANDIDATE)
    excluded = lines.filter(kind=Kind.EXCLUDED).values("user")
    people = get_user_model()._default_manager.filter(is_active=True).exclude(pk__in=excluded)
    return (
        people.filter(groups__in=named.values("group")).exists()
        or people.filter(pk__in=named.values("user")).exists()
    )


def _next_generation(opening: Opening) -> int:
    asked = HumanTask.objects.filter(run_id=opening.run_id, key=opening.key)
    return (asked.aggregate(last=Max("generation"))["last"] or 0) + 1


def _times(opening: Opening, sla: dict[str, Any] | None) -> dict[str, Any]:
    """By when it has to be done: what the body says wins over the type."""
    found = timing.planned(sla, opening.opened_at)
    seconds = opening.detail["due_seconds"]
    if seconds is not None:
        found["due_at"] = opening.opened_at + timedelta(seconds=seconds)
    return found
