"""Every error of the REST API as `application/problem+json` (RFC 9457)."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.core.signals import got_request_exception
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.http.request import RawPostDataException
from django.urls import reverse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, Throttled, ValidationError
from pydantic import BaseModel, Field

from orchestrator.core.errors import (
    ActionRefused,
    IdempotencyConflict,
    InvalidInput,
    NotSerializable,
    OrchestratorError,
    PayloadTooLarge,
    TooManyStarts,
    UndecodableValue,
    UnknownRun,
    UnknownSchedule,
    UnknownState,
    UnknownWorkflow,
)
from orchestrator.rest import INVALID, KINDS, NOT_FOUND, Kind, Problem, invalid, kind

logger = logging.getLogger("dashboard.api")

MEDIA_TYPE = "application/problem+json"

MALFORMED = kind(
    400, "malformed", "The body cannot be read", "It is not JSON; `detail` says where."
)
UNAUTHENTICATED = kind(
    401,
    "not-authenticated",
    "Log in, or send a token",
    "There is no token, or it is unknown, expired or revoked, or its user is not active.",
)
FORBIDDEN = kind(
    403,
    "not-permitted",
    "You may not do this",
    "`detail` names the permission. An administrator can grant it.",
)
NO_CSRF_TOKEN = kind(
    403,
    "csrf",
    "The token against forgery is missing",
    "A browser's session may change something only with the X-CSRFToken of its pages.",
)
UNKNOWN_RUN = kind(
    404,
    "unknown-run",
    "There is no such run",
    "The id is wrong, or the retention rule has removed the run.",
)
UNKNOWN_STEP = kind(
    404, "unknown-step", "The run has no such step", "Its `/history` lists what it has asked for."
)
UNKNOWN_WORKFLOW = kind(
    404,
    "unknown-workflow",
    "There is no such workflow",
    "The code of this process has none of that name. `GET /workflows` lists them.",
)
UNKNOWN_SCHEDULE = kind(
    404, "unknown-schedule", "There is no such schedule", "`GET /schedules` lists them."
)
UNKNOWN_MACHINE = kind(
    404,
    "unknown-machine",
    "There is no such machine",
    "The id is wrong or that of an ordinary run, or this process has no code of it.",
)
NO_DIAGRAM = kind(
    404,
    "no-diagram",
    "There is no diagram of this",
    "State machines have one. What a workflow does is known when it has run: see the "
    "`/diagram` of a run.",
)
METHOD = kind(405, "method-not-allowed", "Not with this method", "`Allow` names those that work.")
REFUSED = kind(
    409,
    "refused",
    "It cannot be done as things are",
    "`detail` says why. Nothing was changed.",
)
KEY_CONFLICT = kind(
    409,
    "idempotency-conflict",
    "The idempotency key belongs to another request",
    "The same key was sent with other data before. Use a new key for a new request.",
)
IN_PROGRESS = kind(
    409,
    "in-progress",
    "The same request is being worked on",
    "One with this idempotency key has not been answered yet. Send it again a little later.",
)
CHANGED = kind(
    412,
    "changed",
    "It has changed",
    "It is not what `If-Match` names any more. Read it again and decide again.",
)
TOO_LARGE = kind(413, "too-large", "Too much data", "Store it elsewhere and pass a reference.")
MEDIA = kind(
    415, "media-type", "The body is not declared as JSON", "Send `Content-Type: application/json`."
)
THROTTLED = kind(
    429, "too-many-requests", "Too many requests", "`Retry-After` says how many seconds to wait."
)
FAILED = kind(
    500, "server-error", "The server failed", "Its log has the details. It may be tried again."
)
BUSY = kind(503, "busy", "The database does not answer", "Try again after `Retry-After` seconds.")

# What an error without a kind of its own is, by its status.
_BY_STATUS = {
    one.status: one for one in (MALFORMED, UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, METHOD, REFUSED)
} | {one.status: one for one in (CHANGED, TOO_LARGE, MEDIA, INVALID, THROTTLED)}


class Location(BaseModel):
    """What is wrong with one value."""

    loc: list[str | int] = Field(
        description="The way to it, from `body`, `query`, `path`, `header`."
    )
    msg: str
    type: str = Field("", description="A code of the validator.")


class ProblemBody(BaseModel, extra="allow"):
    """An error, as RFC 9457 has it. Some kinds have further members."""

    type: str = Field(description="The address of what this kind of problem means.")
    title: str
    status: int
    code: str = Field(description="The kind, for programs.")
    detail: str = Field(description="What is wrong this time.")
    errors: list[Location] = []


def respond(problem: Problem) -> HttpResponse:
    """A problem as a response."""
    body = {
        "type": f"{reverse('api:docs')}#{problem.kind.code}",
        "title": problem.kind.title,
        "status": problem.kind.status,
        "code": problem.kind.code,
        "detail": problem.message,
        **({"errors": problem.errors} if problem.errors else {}),
        **problem.more,
    }
    text = json.dumps(body, ensure_ascii=True, default=str)
    return HttpResponse(
        text, content_type=MEDIA_TYPE, status=problem.kind.status, headers=problem.headers
    )


def handle(api: NinjaAPI) -> None:
    """Let every exception of an operation become a problem."""
    for error, convert in _CONVERTERS.items():
        api.add_exception_handler(error, _handler(convert))


Converter = Callable[[HttpRequest, Any], Problem]


def _handler(convert: Converter) -> Callable[[HttpRequest, Any], HttpResponse]:
    def handler(request: HttpRequest, error: Any) -> HttpResponse:
        return respond(convert(request, error))

    return handler


def _http(_request: HttpRequest, error: HttpError) -> Problem:
    # ninja wraps what the parser raises.
    found = error if isinstance(error, Problem) else error.__cause__
    if isinstance(found, Problem):
        return found
    known = _BY_STATUS.get(error.status_code)
    return Problem(known or _plain(error.status_code), error.message)


def _plain(status: int) -> Kind:
    phrase = HTTPStatus(status).phrase
    return Kind(code=phrase.lower().replace(" ", "-"), status=status, title=phrase, meaning="")


def unauthenticated(*, is_wrong: bool) -> Problem:
    """Without credentials, or with wrong ones."""
    challenge = 'Bearer realm="orchestrator"'
    if not is_wrong:
        return Problem(UNAUTHENTICATED, headers={"WWW-Authenticate": challenge})
    return Problem(
        UNAUTHENTICATED,
        "The token is unknown, expired or revoked, or its user is not active.",
        headers={"WWW-Authenticate": f'{challenge}, error="invalid_token"'},
    )


def _unauthenticated(_request: HttpRequest, _error: AuthenticationError) -> Problem:
    return unauthenticated(is_wrong=False)


def _invalid(_request: HttpRequest, error: ValidationError) -> Problem:
    errors: list[Any] = error.errors
    count = len(errors)
    what = "One value does" if count == 1 else f"{count} values do"
    return Problem(INVALID, f"{what} not fit.", errors=errors)


def _throttled(_request: HttpRequest, _error: Throttled) -> Problem:
    # ninja adds Retry-After.
    return Problem(THROTTLED)


def _forbidden(_request: HttpRequest, error: PermissionDenied) -> Problem:
    return Problem(FORBIDDEN, str(error))


def not_found(_request: HttpRequest, error: Http404) -> Problem:
    # Django's own message holds the patterns of all addresses.
    detail = error.args[0] if error.args and isinstance(error.args[0], str) else ""
    return Problem(NOT_FOUND, detail)


def _too_large(_request: HttpRequest, _error: RequestDataTooBig) -> Problem:
    return Problem(TOO_LARGE, "The body is larger than this server reads.")


def _form(_request: HttpRequest, _error: RawPostDataException) -> Problem:
    return Problem(MEDIA)


def _cut_off(_request: HttpRequest, _error: UnreadablePostError) -> Problem:
    return Problem(MALFORMED, "The body ended too early.")


def _suspicious(_request: HttpRequest, _error: SuspiciousOperation) -> Problem:
    return Problem(MALFORMED, "The request is not one that a client of ours would send.")


def _busy(request: HttpRequest, error: OperationalError) -> Problem:
    logger.warning("%s %s: the database did not answer: %s", request.method, request.path, error)
    return Problem(BUSY, headers={"Retry-After": "1"})


def _invalid_input(_request: HttpRequest, error: InvalidInput) -> Problem:
    return invalid_input(error)


def invalid_input(error: InvalidInput, field: str = "input") -> Problem:
    """The engine does not take the body's `field`: with the paths into it."""
    errors: list[Any] = [
        {"loc": ["body", field, *one["loc"]], "msg": one["msg"], "type": one["type"]}
        for one in error.errors
    ]
    found = errors or [{"loc": ["body", field], "msg": str(error)}]
    return Problem(INVALID, str(error), errors=found)


def _not_storable(_request: HttpRequest, error: NotSerializable) -> Problem:
    return invalid(str(error), "body")


def _over_limit(_request: HttpRequest, error: PayloadTooLarge) -> Problem:
    return Problem(TOO_LARGE, str(error))


def _conflict(_request: HttpRequest, error: IdempotencyConflict) -> Problem:
    more: dict[str, Any] = {"run_id": str(error.run_id)} if error.run_id else {}
    return Problem(KEY_CONFLICT, str(error), **more)


def _too_many_starts(_request: HttpRequest, error: TooManyStarts) -> Problem:
    seconds = math.ceil(error.retry_after.total_seconds())
    return Problem(THROTTLED, str(error), headers={"Retry-After": str(seconds)})


def _refused(_request: HttpRequest, error: OrchestratorError) -> Problem:
    return Problem(REFUSED, str(error))


def _unknown_run(_request: HttpRequest, error: UnknownRun) -> Problem:
    return Problem(UNKNOWN_RUN, str(error))


def _unknown_schedule(_request: HttpRequest, error: UnknownSchedule) -> Problem:
    return Problem(UNKNOWN_SCHEDULE, str(error))


def _unknown_workflow(_request: HttpRequest, error: UnknownWorkflow) -> Problem:
    return Problem(UNKNOWN_WORKFLOW, str(error))


def _failed(request: HttpRequest, _error: Exception) -> Problem:
    got_request_exception.send(sender=None, request=request)
    logger.exception("%s %s failed", request.method, request.path)
    return Problem(FAILED)


_CONVERTERS: Mapping[type[Exception], Converter] = {
    Exception: _failed,
    OperationalError: _busy,
    HttpError: _http,
    AuthenticationError: _unauthenticated,
    Throttled: _throttled,
    ValidationError: _invalid,
    PermissionDenied: _forbidden,
    Http404: not_found,
    RequestDataTooBig: _too_large,
    RawPostDataException: _form,
    UnreadablePostError: _cut_off,
    SuspiciousOperation: _suspicious,
    InvalidInput: _invalid_input,
    NotSerializable: _not_storable,
    PayloadTooLarge: _over_limit,
    IdempotencyConflict: _conflict,
    TooManyStarts: _too_many_starts,
    ActionRefused: _refused,
    # What is stored cannot be read by today's code, so nothing can be judged.
    UndecodableValue: _refused,
    UnknownState: _refused,
    UnknownRun: _unknown_run,
    UnknownSchedule: _unknown_schedule,
    UnknownWorkflow: _unknown_workflow,
}


def documented() -> list[Kind]:
    """Every kind of problem, by status."""
    return sorted(KINDS.values(), key=lambda one: (one.status, one.code))
