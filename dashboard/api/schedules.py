"""Schedules: what the clock starts, and what may be done about it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse
from ninja import Query, Router
from ninja.responses import Status as Answer
from pydantic import BaseModel, Field, JsonValue

from dashboard.access import OPERATE, SEES_RUNS, START, sees_payloads
from dashboard.api import schemas, shapes
from dashboard.api.actions import Action, seen_rev
from dashboard.api.callers import ApiRequest, needs
from dashboard.api.fields import Delay, IfMatch, Name
from dashboard.api.problems import CHANGED, REFUSED
from dashboard.audit import Actor
from dashboard.queries import runs
from orchestrator import rest
from orchestrator.core.errors import InvalidInput, UnknownWorkflow
from orchestrator.core.scheduling import CatchUp, Overlap, Wanted, wanted_of
from orchestrator.core.timing import Timing, timing
from orchestrator.operating import Deed
from orchestrator.operating import schedules as operating
from orchestrator.rest import Cursor, Instant, Limit, Page, Problem, invalid
from orchestrator.schedules import verbs

router = Router(tags=["schedules"])

READS = needs("schedules:read", *SEES_RUNS)
ACTS = needs("schedules:write", OPERATE)
STARTS = needs("schedules:write", START)

State = Literal["active", "paused", "ended"]
# What is not asked for by name.
GOING = ("active", "paused")
MAX_TIMES = 100


class PutSchedule(Action):
    """A schedule as it is to be. Give `cron` or `every`."""

    workflow: Name
    cron: Name | None = Field(None, description="Five fields.", examples=["0 9 * * 1-5"])
    every: Delay | None = None
    tz: Name | None = Field(None, description="The zone of `cron`; UTC if left out.")
    input: JsonValue = Field(None, description="What each run gets.")
    overlap: Overlap = "skip"
    catch_up: CatchUp = "one"


class Backfill(Action):
    """A range of times in the past, both included."""

    start: Instant
    end: Instant


class Backfilled(BaseModel):
    """The runs that a backfill has made, in the order of their times."""

    run_ids: list[UUID]


class Times(BaseModel):
    """When runs come next, in the schedule's own zone."""

    times: list[datetime]


class ScheduleFilters(BaseModel):
    """Which schedules to list."""

    workflow: Name | None = None
    state: list[State] = Field(
        [], description="One of these. May be repeated. Left out: active and paused."
    )


@router.get("", auth=READS, response=Page[schemas.Schedule], operation_id="list_schedules")
def list_schedules(
    request: ApiRequest,
    filters: Annotated[ScheduleFilters, Query()],
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[schemas.Schedule]:
    """Schedules, by name."""
    found = verbs.page(
        after=rest.text("schedules", cursor),
        size=limit + 1,
        states=filters.state or GOING,
        workflow=filters.workflow or "",
    )
    sees = sees_payloads(request.user)
    following = found[limit - 1].name if len(found) > limit else None
    return Page(
        items=[shapes.schedule(row, sees=sees) for row in found[:limit]],
        next_cursor=rest.cursor("schedules", following),
    )


@router.get(
    "/{path:name}/runs",
    auth=READS,
    response=Page[schemas.RunSummary],
    operation_id="list_schedule_runs",
)
def list_schedule_runs(
    request: ApiRequest, name: str, cursor: Cursor = None, limit: Limit = 50
) -> Page[schemas.RunSummary]:
    """The runs of a schedule, those made last first."""
    before = rest.uuid("schedule_runs", cursor)
    mine = verbs.row_of(name).runs.order_by("-id")
    if before is not None:
        mine = mine.filter(id__lt=before)
    ids = list(mine.values_list("id", flat=True)[: limit + 1])
    rows = runs.rows_of(ids[:limit], sees_payloads=sees_payloads(request.user))
    return Page(
        items=[shapes.summary(row) for row in rows],
        next_cursor=rest.cursor("schedule_runs", ids[limit - 1] if len(ids) > limit else None),
    )


@router.get("/{path:name}/times", auth=READS, response=Times, operation_id="list_schedule_times")
def list_schedule_times(
    request: ApiRequest,
    name: str,
    count: Annotated[int, Query(ge=1, le=MAX_TIMES)] = 5,
    after: Annotated[Instant | None, Query(description="Left out: now.")] = None,
) -> Times:
    """The next times of a schedule, whether it is paused or not."""
    return Times(times=verbs.preview(verbs.row_of(name), count, after))


@router.post(
    "/{path:name}/pause", auth=ACTS, response=schemas.Schedule, operation_id="pause_schedule"
)
def pause_schedule(
    request: ApiRequest, name: str, wanted: Action | None = None, if_match: IfMatch = None
) -> schemas.Schedule:
    """Start no further run of a schedule. Runs that are under way go on."""
    deed = operating.pause(name, **_how(request, wanted, if_match))
    return _shown(request, _applied(deed))


@router.post(
    "/{path:name}/resume", auth=ACTS, response=schemas.Schedule, operation_id="resume_schedule"
)
def resume_schedule(
    request: ApiRequest, name: str, wanted: Action | None = None, if_match: IfMatch = None
) -> schemas.Schedule:
    """Go on with the next time from now. Those of the pause are not made up for."""
    deed = operating.resume(name, **_how(request, wanted, if_match))
    return _shown(request, _applied(deed))


@router.post(
    "/{path:name}/trigger",
    auth=STARTS,
    response={201: schemas.RunSummary},
    operation_id="trigger_schedule",
)
def trigger_schedule(
    request: ApiRequest,
    name: str,
    response: HttpResponse,
    wanted: Action | None = None,
    if_match: IfMatch = None,
) -> Answer[schemas.RunSummary]:
    """Start a run now, whatever the clock says and whatever is in progress."""
    made = _applied(operating.trigger(name, **_how(request, wanted, if_match))).made
    assert made is not None
    response.headers["Location"] = reverse("api:get_run", args=[made])
    [row] = runs.rows_of([made], sees_payloads=sees_payloads(request.user))
    return Answer(201, shapes.summary(row))


@router.post(
    "/{path:name}/backfill",
    auth=STARTS,
    response={201: Backfilled},
    operation_id="backfill_schedule",
)
def backfill_schedule(request: ApiRequest, name: str, wanted: Backfill) -> Answer[Backfilled]:
    """Start a run for each time of a range in the past that has had none. All or none."""
    by = Actor.of(request, via=request.auth.via)
    try:
        made = operating.backfill(name, wanted.start, wanted.end, by, reason=wanted.reason)
    except ValueError as error:
        raise invalid(str(error), "body", "end") from error
    return Answer(201, Backfilled(run_ids=[run.id for run in made]))


@router.get(
    "/{path:name}",
    auth=READS,
    response=schemas.Schedule,
    operation_id="get_schedule",
    openapi_extra={
        "responses": {200: {"headers": {"ETag": {"schema": {"type": "string"}, "required": True}}}}
    },
)
def get_schedule(request: ApiRequest, name: str, response: HttpResponse) -> schemas.Schedule:
    """One schedule, also one that has ended."""
    row = verbs.row_of(name)
    response.headers["ETag"] = shapes.etag(row.rev, "schedule")
    return shapes.schedule(row, sees=sees_payloads(request.user))


@router.put(
    "/{path:name}",
    auth=STARTS,
    response={200: schemas.Schedule, 201: schemas.Schedule},
    operation_id="put_schedule",
)
def put_schedule(
    request: ApiRequest, name: str, wanted: PutSchedule, if_match: IfMatch = None
) -> Answer[schemas.Schedule]:
    """Make a schedule: 201; or change the one of that name: 200.

    One that code declares is changed there: 409.
    """
    deed, is_new = operating.put(_wanted(name, wanted), **_how(request, wanted, if_match))
    return Answer(201 if is_new else 200, _shown(request, _applied(deed)))


@router.delete("/{path:name}", auth=ACTS, response=schemas.Schedule, operation_id="delete_schedule")
def delete_schedule(request: ApiRequest, name: str, if_match: IfMatch = None) -> schemas.Schedule:
    """End a schedule that no code declares. Its runs and their history stay."""
    deed = operating.delete(name, **_how(request, None, if_match))
    return _shown(request, _applied(deed))


def _wanted(name: str, wanted: PutSchedule) -> Wanted:
    """What is to be stored. Raises a problem with the place of what does not fit."""
    when = _timing(wanted)
    try:
        return wanted_of(
            wanted.workflow,
            when,
            wanted.input,
            overlap=wanted.overlap,
            catch_up=wanted.catch_up,
            name=name,
        )
    except UnknownWorkflow as error:
        raise invalid(str(error), "body", "workflow") from error
    except InvalidInput:
        raise
    except ValueError as error:
        raise invalid(str(error), "path", "name") from error


def _timing(wanted: PutSchedule) -> Timing:
    try:
        return timing(cron=wanted.cron, every=wanted.every, tz=wanted.tz)
    except ValueError as error:
        named = (name for name in ("cron", "every", "tz") if str(error).startswith(f"{name}="))
        raise invalid(str(error), "body", next(named, "cron")) from error


def _how(request: ApiRequest, wanted: Action | None, if_match: str | None) -> dict[str, Any]:
    return {
        "by": Actor.of(request, via=request.auth.via),
        "reason": wanted.reason if wanted else "",
        "judge": _judge(seen_rev(if_match)),
    }


def _judge(rev: int | None) -> operating.Judge | None:
    """How a schedule is told from the one that the client has seen."""
    if rev is None:
        return None
    changed = "The schedule has changed since it was read."
    return lambda row: "" if row is not None and row.rev == rev else changed


def _applied(deed: Deed) -> Deed:
    """The deed, or a problem that says why it was refused."""
    if deed.is_refused:
        raise Problem(CHANGED if deed.is_stale else REFUSED, deed.detail)
    return deed


def _shown(request: ApiRequest, deed: Deed) -> schemas.Schedule:
    row = verbs.row_of(deed.schedule)
    return shapes.schedule(row, sees=sees_payloads(request.user))
