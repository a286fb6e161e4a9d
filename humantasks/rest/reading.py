"""Finding tasks and reading them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal
from uuid import UUID

from django.contrib.auth.models import User
from django.http import HttpResponse
from ninja import Query
from pydantic import BaseModel, Field

from humantasks.models import HumanTask, TaskAudit
from humantasks.querysets import TaskQuerySet
from humantasks.rest import operations, shapes
from humantasks.rest.common import READS, TAGGED, Name, TaskRequest, etag, router, task_of
from orchestrator import rest
from orchestrator.rest import Cursor, Limit, Page, invalid

View = Literal["mine", "queue", "check", "open", "done", "checked", "all"]


class TaskFilters(BaseModel):
    """Which tasks to list. Several filters have to hold at once."""

    view: View = Field(
        "queue",
        description="mine: what you have claimed. queue: what waits for your teams. check: what "
        "you are to check or to vote on, and where a seat is free for you. open: the queue, "
        "and what others of them have claimed. done: what you have completed. checked: what you "
        "checked or voted on before it ended. all: everything "
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
            "check": tasks.to_check,
            "open": tasks.open_for,
            "done": tasks.done_by,
            "checked": tasks.checked_by,
            "all": tasks.visible_to,
        }
        found = views[self.view](user).of_type(self.type or "").matching(self.text or "")
        if self.status:
            found = found.filter(status__in=self.status)
        return found if self.run_id is None else found.filter(run_id=self.run_id)


@router.get("", response=Page[shapes.TaskSummary], operation_id="list_tasks")
@READS
def list_tasks(
    request: TaskRequest,
    filters: Annotated[TaskFilters, Query()],
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[shapes.TaskSummary]:
    """Human tasks, the most pressing first; of `done`, `checked` and `all` the latest first."""
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
def gettask_of(request: TaskRequest, task_id: UUID, response: HttpResponse) -> shapes.Task:
    """One task, with what is judged."""
    found = task_of(request.user, task_id)
    response.headers["ETag"] = etag(found)
    return shapes.whole(found, request.user)


@router.get("/{uuid:task_id}/form", response=shapes.Form, operation_id="get_task_form")
@READS
def get_task_form(request: TaskRequest, task_id: UUID) -> shapes.Form:
    """What a task asks, how it may end, and what you may do with it now."""
    found = task_of(request.user, task_id)
    return shapes.form(found, operations.of(found, request.user))


@router.get(
    "/{uuid:task_id}/audit", response=Page[shapes.AuditEntry], operation_id="list_task_audit"
)
@READS
def list_task_audit(
    request: TaskRequest, task_id: UUID, cursor: Cursor = None, limit: Limit = 100
) -> Page[shapes.AuditEntry]:
    """What happened to a task, in order."""
    first, task = rest.number("task_audit", cursor), task_of(request.user, task_id)
    entries, sees = TaskAudit.objects.filter(task=task), shapes.may_read(task, request.user)
    found = list(entries.filter(seq__gte=first).order_by("seq")[: limit + 1])
    following = found[limit].seq if len(found) > limit else None
    return Page(
        items=[shapes.audit(one, sees=sees) for one in found[:limit]],
        next_cursor=rest.cursor("task_audit", following),
    )


def _page(filters: TaskFilters, user: User, last: HumanTask | None) -> TaskQuerySet:
    found = filters.tasks(user).select_related(*shapes.PEOPLE)
    if filters.view == "all":
        return (found.filter(id__lt=last.id) if last else found).order_by("-id")
    if filters.view in ("done", "checked"):
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
