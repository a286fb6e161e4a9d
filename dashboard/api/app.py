"""The API itself: what holds for each operation, whichever router it comes from."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property, wraps
from typing import Any, TypeVar

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, path, re_path
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI
from ninja.errors import ConfigError, ValidationError, ValidationErrorContext

from dashboard.api import openapi, problems, reference
from dashboard.api.callers import Session, Token
from dashboard.api.limits import RateLimit
from dashboard.api.once import once
from dashboard.api.wire import JsonParser, JsonRenderer
from orchestrator.rest import NOT_FOUND, Problem, invalid, scope_of

View = Callable[..., HttpResponse]
V = TypeVar("V", bound=Callable[..., Any])


class Api(NinjaAPI):
    """An API of which every answer is JSON, every error a problem, and every caller known.

    A router brings its operations and says what each needs. The rest is done here: who
    calls, the rate limit, `Idempotency-Key`, errors, and the description of all of it.
    """

    def __init__(self, *, title: str, description: str) -> None:
        super().__init__(
            title=title,
            version="1",
            description=description,
            # Described by dashboard.api.reference: to staff, and without a script.
            openapi_url=None,
            docs_url=None,
            urls_namespace="api",
            auth=[Token(), Session()],
            throttle=[RateLimit()],
            parser=JsonParser(),
            renderer=JsonRenderer(),
        )
        problems.handle(self)
        self.add_decorator(_known_parameters, mode="view")
        self.add_decorator(once)
        # Around the other: what a token may not do is not kept for when it is sent again.
        self.add_decorator(_in_scope)

    @property
    def urls(self) -> tuple[list[URLResolver | URLPattern], str, str]:
        patterns, app, namespace = super().urls
        _check_addresses(self)
        for pattern in patterns:
            assert isinstance(pattern, URLPattern)
            pattern.callback = _guarded(pattern.callback)
        describing: list[URLResolver | URLPattern] = [
            path("openapi.json", _guarded(reference.schema(self)), name="openapi"),
            path("docs", reference.page(self), name="docs"),
            # Last: nothing else has matched.
            re_path(r"", _guarded(_nothing)),
        ]
        return patterns + describing, app, namespace

    @cached_property
    def document(self) -> dict[str, Any]:
        """All of it, as OpenAPI says it."""
        return openapi.complete(self)

    def validation_error_from_error_contexts(
        self, error_contexts: list[ValidationErrorContext[Any]]
    ) -> ValidationError:
        errors = [
            {
                "loc": _place(context.model, error["loc"]),
                # Our own sentences, without what pydantic puts before them.
                "msg": error["msg"].removeprefix("Value error, "),
                "type": error["type"],
            }
            for context in error_contexts
            for error in context.pydantic_validation_error.errors(include_url=False)
        ]
        return ValidationError(errors)


def _in_scope(view: V) -> V:
    """Refuse a token without the scope that `orchestrator.rest.scoped` asks for."""
    scope = scope_of(view)
    if scope is None:
        return view

    @wraps(view)
    def checked(request: Any, *args: Any, **kwargs: Any) -> Any:
        request.auth.require(scope)
        return view(request, *args, **kwargs)

    return checked  # type: ignore[return-value] # wraps


def _check_addresses(api: Api) -> None:
    """Raise ConfigError where two routers share an address: the second would never be asked."""
    seen: set[str] = set()
    for router in api._get_bound_routers():
        for route in router.path_operations:
            address = re.sub(r"{[^}]*}", "{}", f"{router.prefix}/{route}").replace("//", "/")
            if address in seen:
                raise ConfigError(f"{address} is in two routers: its operations belong into one")
            seen.add(address)


def _place(model: Any, loc: tuple[int | str, ...]) -> list[int | str]:
    """The way to a value as a client knows it: without the names of our functions' parameters."""
    source = str(model.__ninja_param_source__)
    if source == "body":
        return [source, *loc[1:]]
    names = model.__ninja_flatten_map_reverse__
    for length in range(len(loc), 0, -1):
        if loc[:length] in names:
            return [source, *names[loc[:length]], *loc[length:]]
    return [source, *loc]


def _known_parameters(run: Any) -> Any:
    """Refuse a parameter of the address that the operation does not have.

    A filter with a mistake in its name would be no filter.
    """
    operation = run.__self__
    known = {
        alias
        for model in operation.models
        if model.__ninja_param_source__ == "query"
        for alias in getattr(model, "__ninja_flatten_map__", {})
    }

    @wraps(run)
    def checked(request: HttpRequest, **values: Any) -> Any:
        unknown = [name for name in request.GET if name not in known]
        if unknown:
            there = f"There are: {', '.join(sorted(known))}." if known else "There are none."
            problem = invalid(f"there is no parameter {unknown[0]!r}. {there}", "query", unknown[0])
            return operation.api.on_exception(request, problem)
        return run(request, **values)

    return checked


def _guarded(view: View) -> View:
    """What is around every address: no login page, HEAD, and problems for what ninja refuses."""

    @login_not_required
    @csrf_exempt
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method != "HEAD":
            return _answered(view, request, *args, **kwargs)
        request.method = "GET"
        response = _answered(view, request, *args, **kwargs)
        request.method = "HEAD"
        response.headers["Content-Length"] = str(len(response.content))
        response.content = b""
        return response

    return guarded


def _answered(view: View, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
    try:
        response = view(request, *args, **kwargs)
    except Problem as problem:
        return problems.respond(problem)
    except Http404:
        return problems.respond(Problem(NOT_FOUND))
    if response.status_code == problems.METHOD.status:
        allowed = ", ".join(sorted(response.headers["Allow"].split(", ")))
        return problems.respond(Problem(problems.METHOD, headers={"Allow": allowed}))
    return response


def _nothing(request: HttpRequest) -> HttpResponse:
    raise Problem(NOT_FOUND, f"There is nothing at {request.path}.")
