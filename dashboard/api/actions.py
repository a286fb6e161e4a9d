"""What operators do to a run: the verbs of the pages, permitted, refused and audited alike."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal
from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse
from ninja import Router
from ninja.responses import Status
from pydantic import BaseModel, Field, JsonValue

from dashboard import access, actions
from dashboard.access import OPERATE, START, sees_payloads
from dashboard.actions import Answer, Order
from dashboard.api import schemas, shapes
from dashboard.api.callers import ApiRequest, needs
from dashboard.api.fields import IfMatch, Message, Name, Reason
from dashboard.api.problems import CHANGED, REFUSED
from dashboard.audit import Actor
from dashboard.queries import runs
from orchestrator.rest import Problem

router = Router(tags=["runs"])

ACTS = needs("runs:write", OPERATE)
_ETAG = re.compile(r'"(\d{1,18})-\w+"')
# No run has it: an ETag that is not one of ours fits no run.
NEVER = -1


class Action(BaseModel, extra="forbid"):
    """Something to do to a run."""

    reason: Reason = ""


class Retry(Action):
    """A retry; without a step from the one that failed."""

    step: Name | None = Field(None, description="Execute this step again, and all after it.")


class SkipSleep(Action):
    """The end of a sleep."""

    key: Name | None = Field(None, description="Which sleep; without one, the first.")


class RetryNow(Action):
    """The end of a back-off."""

    key: Name | None = Field(None, description="Of which step; without one, the first.")


class Resolve(Action):
    """How an ambiguous step ended."""

    key: Name = Field(description="The step, as `waiting_on` of the run names it.")
    action: Literal["result", "fail", "retry"]
    value: JsonValue = Field(None, description="With `result`: what the step returned.")
    message: Message = Field("", description="With `fail`: why.")


class Fork(Action):
    """A new run with the results that another had before a step."""

    step: Name
    input: JsonValue = Field(None, description="Left out: the input of the run.")


@router.post(
    "/{uuid:run_id}/cancel", auth=ACTS, response=schemas.RunSummary, operation_id="cancel_run"
)
def cancel_run(
    request: ApiRequest, run_id: UUID, wanted: Action | None = None, if_match: IfMatch = None
) -> schemas.RunSummary:
    """Ask a run to stop. A step that executes finishes; no further one starts."""
    return _done(request, run_id, wanted, if_match, actions.cancel)


@router.post(
    "/{uuid:run_id}/pause", auth=ACTS, response=schemas.RunSummary, operation_id="pause_run"
)
def pause_run(
    request: ApiRequest, run_id: UUID, wanted: Action | None = None, if_match: IfMatch = None
) -> schemas.RunSummary:
    """Let no further step of a run start. Timers and events keep."""
    return _done(request, run_id, wanted, if_match, actions.pause)


@router.post(
    "/{uuid:run_id}/resume", auth=ACTS, response=schemas.RunSummary, operation_id="resume_run"
)
def resume_run(
    request: ApiRequest, run_id: UUID, wanted: Action | None = None, if_match: IfMatch = None
) -> schemas.RunSummary:
    """Let a paused or a blocked run go on."""
    return _done(request, run_id, wanted, if_match, actions.resume)


@router.post(
    "/{uuid:run_id}/retry", auth=ACTS, response=schemas.RunSummary, operation_id="retry_run"
)
def retry_run(
    request: ApiRequest, run_id: UUID, wanted: Retry | None = None, if_match: IfMatch = None
) -> schemas.RunSummary:
    """Let a failed run go on from its failed step, or from one that is named."""

    def act(run_id: UUID, order: Order) -> Answer:
        return actions.retry(run_id, order, step=wanted.step if wanted else None)

    return _done(request, run_id, wanted, if_match, act)


@router.post(
    "/{uuid:run_id}/skip-sleep", auth=ACTS, response=schemas.RunSummary, operation_id="skip_sleep"
)
def skip_sleep(
    request: ApiRequest, run_id: UUID, wanted: SkipSleep | None = None, if_match: IfMatch = None
) -> schemas.RunSummary:
    """End a run's sleep now."""

    def act(run_id: UUID, order: Order) -> Answer:
        return actions.skip_sleep(run_id, order, key=wanted.key if wanted else None)

    return _done(request, run_id, wanted, if_match, act)


@router.post(
    "/{uuid:run_id}/retry-now", auth=ACTS, response=schemas.RunSummary, operation_id="retry_now"
)
def retry_now(
    request: ApiRequest, run_id: UUID, wanted: RetryNow | None = None, if_match: IfMatch = None
) -> schemas.RunSummary:
    """Skip what is left of a step's back-off."""

    def act(run_id: UUID, order: Order) -> Answer:
        return actions.retry_now(run_id, order, key=wanted.key if wanted else None)

    return _done(request, run_id, wanted, if_match, act)


@router.post(
    "/{uuid:run_id}/resolve", auth=ACTS, response=schemas.RunSummary, operation_id="resolve_step"
)
def resolve_step(
    request: ApiRequest, run_id: UUID, wanted: Resolve, if_match: IfMatch = None
) -> schemas.RunSummary:
    """Say how an at-most-once step ended whose worker died in it: then the run goes on."""

    def act(run_id: UUID, order: Order) -> Answer:
        fields = wanted.model_dump(exclude={"reason"})
        return actions.resolve(run_id, order, **fields)

    return _done(request, run_id, wanted, if_match, act)


@router.post(
    "/{uuid:run_id}/fork",
    auth=ACTS,
    response={201: schemas.RunSummary},
    operation_id="fork_run",
)
def fork_run(
    request: ApiRequest,
    run_id: UUID,
    wanted: Fork,
    response: HttpResponse,
    if_match: IfMatch = None,
) -> Status[schemas.RunSummary]:
    """Start a new run with the results that this one had before a step. It stays as it is.

    Needs the permission to start runs as well.
    """
    access.require(request.user, START)
    given = wanted.input if "input" in wanted.model_fields_set else ...

    def act(run_id: UUID, order: Order) -> Answer:
        return actions.fork(run_id, order, step=wanted.step, input=given)

    made = _act(request, run_id, wanted, if_match, act).made
    assert made is not None
    response.headers["Location"] = reverse("api:get_run", args=[made])
    return Status(201, _summary(request, made))


Act = Callable[[UUID, Order], Answer]


def _done(
    request: ApiRequest, run_id: UUID, wanted: Action | None, if_match: str | None, act: Act
) -> schemas.RunSummary:
    _act(request, run_id, wanted, if_match, act)
    return _summary(request, run_id)


def _act(
    request: ApiRequest, run_id: UUID, wanted: Action | None, if_match: str | None, act: Act
) -> Answer:
    """Do it. Raises a problem where a page would say why not."""
    order = Order(
        actor=Actor.of(request, via=request.auth.via),
        expected_rev=seen_rev(if_match),
        reason=wanted.reason if wanted else "",
    )
    answer = act(run_id, order)
    if not answer.applied:
        raise Problem(CHANGED if answer.is_stale else REFUSED, answer.refusal)
    return answer


def seen_rev(if_match: str | None) -> int | None:
    """The `rev` of what the client has seen; None for any."""
    if if_match is None or if_match.strip() == "*":
        return None
    match = _ETAG.search(if_match)
    return int(match[1]) if match else NEVER


def _summary(request: ApiRequest, run_id: UUID) -> schemas.RunSummary:
    [row] = runs.rows_of([run_id], sees_payloads=sees_payloads(request.user))
    return shapes.summary(row)
