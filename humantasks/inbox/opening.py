"""The engine's side: a wait opens a task, and closes it when no answer is wanted any more.

Both run in the engine's transaction, which holds the run's row.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db.models import Max

from humantasks.inbox import audit
from humantasks.inbox.audit import Entry
from humantasks.inbox.changing import NOT_HELD, change_locked
from humantasks.models import (
    HumanTask,
    Status,
    TaskCandidate,
    TaskDecision,
    TaskNumber,
    TaskPayload,
)
from humantasks.routing import DECIDERS, REQUESTER, USER
from orchestrator import clock
from orchestrator.core.errors import OrchestratorError
from orchestrator.waits import Closing, Opening

if TYPE_CHECKING:
    from django.contrib.auth.models import User

logger = logging.getLogger("humantasks")


class AlreadyAnswered(OrchestratorError):
    """The time of a task was over, but a person was faster: the answer stands."""


def open_task(opening: Opening) -> None:
    """Put a task into the inbox. A person who alone is named gets it at once."""
    asked = opening.detail
    candidates = [_candidate(name) for name in asked["assign_to"]]
    requester = _requester(asked["initiator"])
    candidates += _all_excluded(opening, requester)
    assignee = _only_person(candidates)
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
        team=next((one.group for one in candidates if one.group), None),
        status=Status.CLAIMED if assignee else Status.READY,
        assignee=assignee,
        requester=requester,
        priority=asked["priority"],
        created_at=opening.opened_at,
        excludes_deciders=DECIDERS in asked["exclude"],
        claimed_at=opening.opened_at if assignee else None,
        lease_seconds=asked["lease_seconds"],
        due_at=_due_at(opening),
        expires_at=opening.until,
    )
    TaskPayload.objects.create(task=task, data=asked["data"], initial=asked["initial"])
    for candidate in candidates:
        candidate.task = task
    TaskCandidate.objects.bulk_create(candidates, ignore_conflicts=True)
    _note_opening(task, opening, assignee)


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


def _candidate(name: str) -> TaskCandidate:
    """Whom a name means: a team before a person, unless `group:` or `user:` says which."""
    prefix, _, rest = name.partition(":")
    wanted = prefix if prefix in ("group", "user") and rest else ""
    plain = rest if wanted else name
    line = TaskCandidate(kind=TaskCandidate.Kind.CANDIDATE, name=plain)
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
    return TaskCandidate(
        kind=TaskCandidate.Kind.EXCLUDED, user=person, name=person.get_username(), why=why
    )


def _person(username: str) -> User | None:
    return get_user_model()._default_manager.filter(username=username, is_active=True).first()


def _requester(initiator: str | None) -> User | None:
    if initiator is None:
        return None
    return get_user_model()._default_manager.filter(username=initiator).first()


def _only_person(candidates: list[TaskCandidate]) -> User | None:
    """The person who alone may answer; None for a team, or when they must not."""
    named = [one for one in candidates if one.kind == TaskCandidate.Kind.CANDIDATE]
    excluded = {one.user_id for one in candidates if one.kind == TaskCandidate.Kind.EXCLUDED}
    if len(named) == 1 and named[0].user_id not in excluded:
        return named[0].user
    return None


def _somebody_may_answer(task: HumanTask) -> bool:
    lines = TaskCandidate.objects.filter(task=task)
    named = lines.filter(kind=TaskCandidate.Kind.CANDIDATE)
    excluded = lines.filter(kind=TaskCandidate.Kind.EXCLUDED).values("user")
    people = get_user_model()._default_manager.filter(is_active=True).exclude(pk__in=excluded)
    return (
        people.filter(groups__in=named.values("group")).exists()
        or people.filter(pk__in=named.values("user")).exists()
    )


def _next_generation(opening: Opening) -> int:
    asked = HumanTask.objects.filter(run_id=opening.run_id, key=opening.key)
    return (asked.aggregate(last=Max("generation"))["last"] or 0) + 1


def _due_at(opening: Opening) -> datetime | None:
    seconds = opening.detail["due_seconds"]
    return None if seconds is None else opening.opened_at + timedelta(seconds=seconds)
