"""What the operations on human tasks share: who asks, which task, and how a verb is done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from ninja import Header, Router
from pydantic import BaseModel, StringConstraints

from humantasks import inbox
from humantasks.inbox import InboxError
from humantasks.inbox.changing import MAX_REASON
from humantasks.models import HumanTask
from humantasks.rest import problems, shapes
from orchestrator import rest, waits
from orchestrator.rest import NoNul, Problem, scoped

# One for all: operations at one address must be in one router.
router = Router(tags=["tasks"])

T = TypeVar("T")
V = TypeVar("V", bound=Callable[..., Any])
# Of any name: what a task or a form cannot hold is refused by its rules.
MAX_TEXT = 200
RELATED = (*shapes.PEOPLE, "payload")

READS = scoped("tasks:read")
ACTS = scoped("tasks:write")
TAGGED: dict[str, Any] = {
    "responses": {200: {"headers": {"ETag": {"schema": {"type": "string"}, "required": True}}}}
}

Name = Annotated[str, StringConstraints(min_length=1, max_length=MAX_TEXT), NoNul]
# What somebody has to say, and what they may say.
Words = Annotated[str, StringConstraints(min_length=1, max_length=MAX_REASON, pattern=r"\S"), NoNul]
MaybeWords = Annotated[str, StringConstraints(max_length=MAX_REASON), NoNul]
IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", description="The ETag of the task as you saw it; 412 if it changed."),
]


class Because(BaseModel, extra="forbid"):
    """Why it is done."""

    reason: Words


class TaskRequest(HttpRequest):
    """A request to an operation: somebody is logged in."""

    auth: rest.Caller
    user: User


def verb(name: str, operation_id: str) -> Callable[[V], V]:
    """`POST /tasks/ID/<name>`, which answers with the task as it is then."""

    def mark(view: V) -> V:
        route = router.post(
            f"/{{uuid:task_id}}/{name}",
            response=shapes.Task,
            operation_id=operation_id,
            openapi_extra=TAGGED,
        )
        return route(ACTS(view))

    return mark


def task_of(user: User, task_id: UUID) -> HumanTask:
    """The task, or a problem when this person may not know of it."""
    visible = HumanTask.objects.visible_to(user).filter(pk=task_id)
    found = visible.select_related(*RELATED).for_reader(user).first()
    if found is None:
        raise Problem(problems.UNKNOWN_TASK)
    return found


def act(task: HumanTask | None, if_match: str | None, do: Callable[[], T]) -> T:
    """Do it to the task that the client saw. Raises a problem where a page would say why not.

    What a verb writes of its refusal stays.
    """
    with transaction.atomic(), inbox.through("api"):
        if task is not None:
            _check_same(task, if_match)
        try:
            return do()
        except InboxError as error:
            refused = problems.of(error)
    raise refused


def shown(request: TaskRequest, task_id: UUID, response: HttpResponse) -> shapes.Task:
    """The task as it is after a verb.

    Who has given a task away may have lost sight of it, and has seen it until now.
    """
    now = HumanTask.objects.select_related(*RELATED).get(pk=task_id)
    response.headers["ETag"] = etag(now)
    return shapes.whole(now, request.user)


def etag(task: HumanTask) -> str:
    return f'"{task.data_rev}.{task.seq}"'


def _check_same(task: HumanTask, if_match: str | None) -> None:
    """Raise a problem if the task is not the one that `If-Match` names; hold it, if it is."""
    if if_match is None or if_match.strip() == "*":
        return
    # The run's row before the task's, as the verbs take them.
    waits.hold(task.run_id)
    now = HumanTask.objects.select_for_update().get(pk=task.pk)
    if etag(now) not in [one.strip() for one in if_match.split(",")]:
        raise Problem(problems.TASK_CHANGED)
