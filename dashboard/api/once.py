"""`Idempotency-Key`: a request that is sent again gets the first answer, and nothing is done.

An operation that has a better way to recognise a request, such as the key of a run, uses
the header itself and says so with `keeps_its_own_key`. Every other POST is handled here:
its answer is kept, in the transaction of what it did, for `ORCHESTRATOR_API_KEEP_ANSWERS`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from django.conf import settings
from django.db import IntegrityError, OperationalError, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja.responses import Status
from pydantic_core import to_jsonable_python

from dashboard.api.problems import IN_PROGRESS, KEY_CONFLICT
from dashboard.models import ApiAnswer
from orchestrator.core.durations import parse_duration
from orchestrator.rest import KINDS, Problem, invalid

HEADER = "Idempotency-Key"
MAX_KEY = 255
PATTERN = rf"[ -~]{{1,{MAX_KEY}}}"
# A refusal is an answer, too: what was refused must not be done by a late copy of it.
FINAL = (409, 412)
# What of an answer is in its headers.
KEPT = ("Location", "ETag")
# How many old answers a new one clears away.
CLEARED = 20

V = TypeVar("V", bound=Callable[..., Any])


def keeps_its_own_key(view: V) -> V:
    """Mark an operation that does with the key what is right for it."""
    view.keeps_its_own_key = True  # type: ignore[attr-defined] # a mark
    return view


def has_its_own_key(view: Callable[..., Any]) -> bool:
    return getattr(view, "keeps_its_own_key", False)


def key_of(request: HttpRequest) -> str | None:
    """The key of a request; None for none. Raises Problem for one that cannot be kept."""
    key = request.headers.get(HEADER)
    if key is not None and not re.fullmatch(PATTERN, key):
        raise invalid(f"a key has 1 to {MAX_KEY} printable ASCII characters", "header", HEADER)
    return key


def one_key(request: HttpRequest, name: str, given: str | None) -> str | None:
    """The key that the header or the body's field `name` has. Raises Problem if they differ."""
    key = key_of(request)
    if key is not None and given is not None and key != given:
        raise invalid(f"the header {HEADER} has another key; send one of them", "body", name)
    return given if key is None else key


def once(view: V) -> V:
    """Let an operation be done once for each key."""
    if has_its_own_key(view):
        return view

    @wraps(view)
    def keyed(request: Any, *args: Any, **kwargs: Any) -> Any:
        key = key_of(request) if request.method == "POST" else None
        if key is None:
            return view(request, *args, **kwargs)
        return _answer(request, key, lambda: view(request, *args, **kwargs), _response(kwargs))

    return keyed  # type: ignore[return-value] # wraps


def _answer(request: Any, key: str, act: Callable[[], Any], response: HttpResponse | None) -> Any:
    with transaction.atomic():
        mine, is_new = _claim(request, key)
        if not is_new:
            return _again(mine, response)
        try:
            result = act()
        except Problem as problem:
            # What the operation has written of its refusal stays, as it does without a key.
            if problem.kind.status in FINAL:
                _keep(mine, {"problem": problem.kind.code, **_told(problem)})
            else:
                mine.delete()
            refusal = problem
        else:
            status, value = _parts(result)
            _keep(mine, {"status": status, "value": value, "headers": _headers(response)})
            return result
    raise refusal


def _claim(request: Any, key: str) -> tuple[ApiAnswer, bool]:
    """The row of this request, and whether it is new: an earlier one may have left it."""
    _clear()
    names = {
        "user": request.auth.user,
        "key": key,
        "address": _hash(f"{request.method} {request.path}".encode()),
    }
    wanted = _hash(request.META["QUERY_STRING"].encode() + b"\n" + request.body)
    try:
        with transaction.atomic():
            return ApiAnswer.objects.create(**names, request=wanted), True
    except IntegrityError:
        known = ApiAnswer.objects.filter(**names).first()
    except OperationalError:
        # It waited for the first one, and gave up.
        known = None
    if known is None:
        raise Problem(IN_PROGRESS, headers={"Retry-After": "1"})
    if known.request != wanted:
        raise Problem(KEY_CONFLICT)
    return known, False


def _clear() -> None:
    kept = parse_duration(getattr(settings, "ORCHESTRATOR_API_KEEP_ANSWERS", "24h"))
    old = ApiAnswer.objects.filter(created_at__lt=timezone.now() - kept).order_by("created_at")
    # Others clear too, and would have to wait for each other.
    mine = old.select_for_update(skip_locked=True)
    ids = list(mine.values_list("id", flat=True)[:CLEARED])
    if ids:
        ApiAnswer.objects.filter(id__in=ids).delete()


def _keep(mine: ApiAnswer, answer: dict[str, Any]) -> None:
    mine.answer = answer
    mine.save(update_fields=["answer"])


def _again(known: ApiAnswer, response: HttpResponse | None) -> Any:
    answer: Any = known.answer
    if "problem" in answer:
        raise Problem(
            KINDS[answer["problem"]], answer["detail"], errors=answer["errors"], **answer["more"]
        )
    if response is not None:
        for name, header in answer["headers"].items():
            response.headers[name] = header
    return Status(answer["status"], answer["value"])


def _headers(response: HttpResponse | None) -> dict[str, str]:
    if response is None:
        return {}
    return {name: response.headers[name] for name in KEPT if name in response.headers}


def _told(problem: Problem) -> dict[str, Any]:
    return {
        "detail": problem.message,
        "errors": problem.errors,
        "more": to_jsonable_python(problem.more),
    }


def _parts(result: Any) -> tuple[int, Any]:
    status, value = (
        (result.status_code, result.value) if isinstance(result, Status) else (200, result)
    )
    return status, to_jsonable_python(value)


def _response(kwargs: dict[str, Any]) -> HttpResponse | None:
    """The response whose headers the operation may set, if it has asked for it."""
    return next((one for one in kwargs.values() if isinstance(one, HttpResponse)), None)


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
