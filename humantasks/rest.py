"""Human tasks over REST: found, read, claimed, drafted, given back and answered.

The same verbs, rules and audit as on the pages; what somebody may not see does not exist.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from ninja import Header, Query, Router
from ninja.responses import Status as Reply
from pydantic import AfterValidator, BaseModel, Field, JsonValue, StringConstraints

from humantasks import inbox
from humantasks import rest_shapes as shapes
from humantasks.answers import MAX_COMMENT
from humantasks.inbox import InboxError
from humantasks.models import HumanTask, TaskAudit, TaskDraft
from humantasks.querysets import TaskQuerySet
from orchestrator import rest, waits
from orchestrator.core.ids import uuid7
from orchestrator.rest import Cursor, Limit, Page, Problem, invalid, scoped

router = Router(tags=["tasks"])

T = TypeVar("T")
View = Literal["mine", "queue", "open", "done", "all"]
# Of any draft and any answer: what a form cannot hold is refused by its rules.
MAX_TEXT = 200

READS = scoped("tasks:read")
ACTS = scoped("tasks:write")
TAGGED: dict[str, Any] = {
    "responses": {200: {"headers": {"ETag": {"schema": {"type": "string"}, "required": True}}}}
}


def _without_nul(text: str) -> str:
    if "\x00" in text:
        raise ValueError("no NUL character")
    return text


Name = Annotated[
    str, StringConstraints(min_length=1, max_length=MAX_TEXT), AfterValidator(_without_nul)
]
IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", description="The ETag of the task as you saw it; 412 if it changed."),
]


class TaskRequest(HttpRequest):
    """A request to an operation: somebody is logged in."""

    auth: rest.Caller
    user: User


class TaskFilters(BaseModel):
    """Which tasks to list. Several filters have to hold at once."""

    view: View = Field(
        "queue",
        description="mine: what you have claimed. queue: what waits for your teams. open: that, "
        "and what others of them have claimed. done: what you have completed. all: everything "
        "that you may see.",
    )
    type: Name | None = None
    status: list[shapes.TaskStatus] = Field([], description="One of these. May be repeated.")
    run_id: UUID | None = Field(None, description="Asked by this run.")
    text: Name | None = Field(None, description="A number (#1042), or a part of the title.")

    def tasks(self, user: User) -> TaskQuerySet:
        tasks: TaskQuerySet = HumanTask.objects.all()
        views: dict[str, Callable[[User], TaskQuerySet]] = {
            "mine": tasks.my_work,
            "queue": tasks.queue_of,
            "open": tasks.open_for,
            "done": tasks.done_by,
            "all": tasks.visible_to,
        }
        found = views[self.view](user).of_type(self.type or "").matching(self.text or "")
        if self.status:
            found = found.filter(status__in=self.status)
        return found if self.run_id is None else found.filter(run_id=self.run_id)


class Answer(BaseModel, extra="forbid"):
    """How to end a task."""

    outcome: Name = Field(examples=["approve"])
    data: dict[str, JsonValue] | None = Field(None, description="What the form asks.")
    comment: str = Field("", max_length=MAX_COMMENT)
    reason_codes: list[Name] = Field([], max_length=50, description="Those of the outcome.")
    submission_id: UUID | None = Field(
        None, description="With one that is known, the first decision stands and is answered."
    )
    data_rev: int | None = Field(
        None, description="Of the task as you saw it: what is judged may have changed since."
    )


class Next(BaseModel, extra="forbid"):
    """Which task to be given."""

    type: Name | None = Field(None, description="Of this type; null: of any.")


class Release(BaseModel, extra="forbid"):
    """Why a task is given back."""

    reason: Annotated[str, AfterValidator(_without_nul)] = Field("", max_length=MAX_COMMENT)


class PutDraft(BaseModel, extra="forbid"):
    """What is filled in so far."""

    data: dict[str, JsonValue] = {}
    comment: Annotated[str, AfterValidator(_without_nul)] = Field("", max_length=MAX_COMMENT)
    draft_rev: int = Field(
        0, ge=0, lt=2**31, description="Of the draft that you know; 0 for the first."
    )


@router.get("", response=Page[shapes.TaskSummary], operation_id="list_tasks")
@READS
def list_tasks(
    request: TaskRequest,
    filters: Annotated[TaskFilters, Query()],
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[shapes.TaskSummary]:
    """Human tasks, the most pressing first; those of `done` and `all`, the latest first."""
    list_name = f"tasks_{filters.view}"
    last = _last(request.user, rest.uuid(list_name, cursor))
    found = list(_page(filters, request.user, last)[: limit + 1])
    following = found[limit - 1].pk if len(found) > limit else None
    return Page(
        items=[shapes.summary(one) for one in found[:limit]],
        next_cursor=rest.cursor(list_name, following),
    )


@router.get("/{uuid:task_id}", response=shapes.Task, operation_id="get_task", openapi_extra=TAGGED)
@READS
def get_task(request: TaskRequest, task_id: UUID, response: HttpResponse) -> shapes.Task:
    """One task, with what is judged."""
    found = _task(request.user, task_id)
    response.headers["ETag"] = _etag(found)
    return shapes.whole(found, request.user)


@router.get("/{uuid:task_id}/form", response=shapes.Form, operation_id="get_task_form")
@READS
def get_task_form(request: TaskRequest, task_id: UUID) -> shapes.Form:
    """What a task asks, how it may end, and what you may do with it now."""
    return shapes.form(_task(request.user, task_id), request.user)


@router.get(
    "/{uuid:task_id}/audit", response=Page[shapes.AuditEntry], operation_id="list_task_audit"
)
@READS
def list_task_audit(
    request: TaskRequest, task_id: UUID, cursor: Cursor = None, limit: Limit = 100
) -> Page[shapes.AuditEntry]:
    """What happened to a task, in order."""
    first, task = rest.number("task_audit", cursor), _task(request.user, task_id)
    entries, sees = TaskAudit.objects.filter(task=task), shapes.may_read(task, request.user)
    found = list(entries.filter(seq__gte=first).order_by("seq")[: limit + 1])
    following = found[limit].seq if len(found) > limit else None
    return Page(
        items=[shapes.audit(one, sees=sees) for one in found[:limit]],
        next_cursor=rest.cursor("task_audit", following),
    )


@router.get("/{uuid:task_id}/draft", response=shapes.Draft, operation_id="get_draft")
@READS
def get_draft(request: TaskRequest, task_id: UUID) -> shapes.Draft:
    """What you have filled in and not sent."""
    mine = TaskDraft.objects.filter(task=_task(request.user, task_id), user=request.user)
    saved = mine.select_related("task").first()
    if saved is None:
        raise Problem(rest.NOT_FOUND, "You have no draft of this task.")
    return shapes.draft(saved)


@router.put(
    "/{uuid:task_id}/draft", response={200: shapes.Draft, 204: None}, operation_id="put_draft"
)
@ACTS
def put_draft(
    request: TaskRequest, task_id: UUID, wanted: PutDraft, if_match: IfMatch = None
) -> Any:
    """Keep what is filled in so far, of a task that you hold. Its values are not checked yet.

    204, and nothing is kept, if you have answered the task meanwhile.
    """
    found = _task(request.user, task_id)
    asked = (found.form_schema or {}).get("properties", {})
    for name in wanted.data:
        if name not in asked:
            there = f"It has: {', '.join(asked)}." if asked else "It has none."
            raise invalid(f"the form has no field {name!r}. {there}", "body", "data", name)
    saved = _act(
        found,
        if_match,
        lambda: inbox.save_draft(
            found,
            user=request.user,
            data=shapes.typed(found, wanted.data, wanted.comment),
            submission_id=uuid7(),
            draft_rev=wanted.draft_rev,
        ),
    )
    return Reply(204, None) if saved is None else shapes.draft(saved)


@router.post(
    "/next",
    response={200: shapes.Task, 204: None},
    operation_id="claim_next_task",
    openapi_extra=TAGGED,
)
@ACTS
def claim_next_task(
    request: TaskRequest, response: HttpResponse, wanted: Next | None = None
) -> Any:
    """Claim the most pressing task that is free for you. 204: there is none."""
    among = HumanTask.objects.of_type(wanted.type) if wanted and wanted.type else None
    found = _act(None, None, lambda: inbox.claim_next(user=request.user, among=among))
    return Reply(204, None) if found is None else _shown(request, found.pk, response)


@router.post(
    "/{uuid:task_id}/claim", response=shapes.Task, operation_id="claim_task", openapi_extra=TAGGED
)
@ACTS
def claim_task(
    request: TaskRequest, task_id: UUID, response: HttpResponse, if_match: IfMatch = None
) -> shapes.Task:
    """Make a task yours. Who has it already keeps it."""
    found = _task(request.user, task_id)
    _act(found, if_match, lambda: inbox.claim(found, user=request.user))
    return _shown(request, task_id, response)


@router.post(
    "/{uuid:task_id}/release",
    response=shapes.Task,
    operation_id="release_task",
    openapi_extra=TAGGED,
)
@ACTS
def release_task(
    request: TaskRequest,
    task_id: UUID,
    response: HttpResponse,
    wanted: Release | None = None,
    if_match: IfMatch = None,
) -> shapes.Task:
    """Give a task back to its team. Your draft stays yours."""
    found, reason = _task(request.user, task_id), wanted.reason if wanted else ""
    _act(found, if_match, lambda: inbox.release(found, user=request.user, reason=reason))
    return _shown(request, task_id, response)


@router.post(
    "/{uuid:task_id}/complete",
    response=shapes.Task,
    operation_id="complete_task",
    openapi_extra=TAGGED,
)
@ACTS
def complete_task(
    request: TaskRequest,
    task_id: UUID,
    wanted: Answer,
    response: HttpResponse,
    if_match: IfMatch = None,
) -> shapes.Task:
    """Answer a task that you hold, and let the run that asked go on."""
    found = _task(request.user, task_id)
    _act(
        found,
        if_match,
        lambda: inbox.complete(
            found,
            user=request.user,
            outcome=wanted.outcome,
            data=wanted.data,
            comment=wanted.comment,
            reason_codes=wanted.reason_codes,
            submission_id=wanted.submission_id,
            data_rev=wanted.data_rev,
        ),
    )
    return _shown(request, task_id, response)


def _task(user: User, task_id: UUID) -> HumanTask:
    """The task, or a problem when this person may not know of it."""
    visible = HumanTask.objects.visible_to(user).filter(pk=task_id)
    related = ("team", "assignee", "requester", "completed_by", "payload")
    found = visible.select_related(*related).first()
    if found is None:
        raise Problem(shapes.UNKNOWN_TASK)
    return found


def _page(filters: TaskFilters, user: User, last: HumanTask | None) -> TaskQuerySet:
    found = filters.tasks(user).select_related("team", "assignee", "requester", "completed_by")
    if filters.view == "all":
        return (found.filter(id__lt=last.id) if last else found).order_by("-id")
    if filters.view == "done":
        return (found.before(last) if last else found).latest_first()
    return (found.after(last) if last else found).most_pressing_first()


def _last(user: User, task_id: UUID | None) -> HumanTask | None:
    """The last task of the page before; None for the first page."""
    if task_id is None:
        return None
    found = HumanTask.objects.visible_to(user).filter(pk=task_id).first()
    if found is None:
        raise invalid("its task is not there any more: begin again", "query", "cursor")
    return found


def _act(task: HumanTask | None, if_match: str | None, act: Callable[[], T]) -> T:
    """Do it to the task that the client saw. Raises a problem where a page would say why not.

    What a verb writes of its refusal stays.
    """
    with transaction.atomic(), inbox.through("api"):
        if task is not None:
            _check_same(task, if_match)
        try:
            return act()
        except InboxError as error:
            refused = shapes.problem(error)
    raise refused


def _check_same(task: HumanTask, if_match: str | None) -> None:
    """Raise a problem if the task is not the one that `If-Match` names; hold it, if it is."""
    if if_match is None or if_match.strip() == "*":
        return
    # The run's row before the task's, as the verbs take them.
    waits.hold(task.run_id)
    now = HumanTask.objects.select_for_update().get(pk=task.pk)
    if _etag(now) not in [one.strip() for one in if_match.split(",")]:
        raise Problem(shapes.TASK_CHANGED)


def _etag(task: HumanTask) -> str:
    return f'"{task.data_rev}.{task.seq}"'


def _shown(request: TaskRequest, task_id: UUID, response: HttpResponse) -> shapes.Task:
    # Who has given a task back may have lost sight of it, and has seen it until now.
    related = ("team", "assignee", "requester", "completed_by", "payload")
    now = HumanTask.objects.select_related(*related).get(pk=task_id)
    response.headers["ETag"] = _etag(now)
    return shapes.whole(now, request.user)
