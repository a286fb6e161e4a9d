"""The description of the API for staff: as a file for programs, and as a page without a script."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard.access import OperatorRequest
from dashboard.api import problems
from dashboard.api.callers import Session, Token
from dashboard.inputs import Field, fields, type_word
from orchestrator.rest import NOT_FOUND, Problem

if TYPE_CHECKING:
    from dashboard.api.app import Api


@dataclass(frozen=True)
class Parameter:
    """A part of the address, or a header."""

    place: str
    field: Field


@dataclass(frozen=True)
class Reply:
    """What an operation answers when all goes well. `shape` names what the body is."""

    status: str
    shape: str
    meaning: str


@dataclass(frozen=True)
class Described:
    """An operation, for the page."""

    method: str
    path: str
    id: str
    tag: str
    description: str
    parameters: list[Parameter]
    body: str
    replies: list[Reply]
    # The statuses of the problems that it may answer with.
    problems: list[str]


@dataclass(frozen=True)
class Shape:
    """What a body is made of."""

    name: str
    description: str
    fields: list[Field]


def schema(api: Api) -> Callable[[HttpRequest], HttpResponse]:
    """The OpenAPI document."""

    @require_safe
    def openapi(request: HttpRequest) -> HttpResponse:
        caller = Token()(request) or Session()(request)
        if caller is None:
            raise problems.unauthenticated(is_wrong=False)
        if not caller.user.is_staff:
            raise Problem(NOT_FOUND)
        return JsonResponse(api.document)

    return openapi


def page(api: Api) -> Callable[[OperatorRequest], HttpResponse]:
    """The same to read, with all kinds of problems."""

    @require_safe
    def docs(request: OperatorRequest) -> HttpResponse:
        if not request.user.is_staff:
            raise Http404
        found = sorted(_operations(api.document), key=lambda one: one.tag)
        context = {
            "api": api,
            "tags": [(tag, list(ones)) for tag, ones in groupby(found, lambda one: one.tag)],
            "shapes": list(_shapes(api.document)),
            "problems": [
                replace(one, meaning=_plain(one.meaning)) for one in problems.documented()
            ],
        }
        return render(request, "dashboard/api.html", context)

    return docs


def _operations(document: dict[str, Any]) -> Iterator[Described]:
    root = {"$defs": document["components"]["schemas"]}
    for path, methods in document["paths"].items():
        for method, one in methods.items():
            yield Described(
                method=method.upper(),
                path=path,
                id=one["operationId"],
                tag=one["tags"][0],
                description=_plain(one["description"]),
                parameters=[_parameter(found, root) for found in one["parameters"]],
                body=_name(one.get("requestBody", {})),
                replies=[
                    Reply(status, _name(answer), answer["description"])
                    for status, answer in one["responses"].items()
                    if "$ref" not in answer
                ],
                problems=[
                    status for status, answer in one["responses"].items() if "$ref" in answer
                ],
            )


def _plain(text: str) -> str:
    """Without the marks of code, which are for programs that show Markdown."""
    return text.replace("`", "")


def _parameter(found: dict[str, Any], root: dict[str, Any]) -> Parameter:
    word = type_word(found["schema"], root)
    field = Field(found["name"], word, found["required"], _plain(found.get("description", "")))
    return Parameter(found["in"], field)


def _name(content: dict[str, Any]) -> str:
    """The name of the shape of a body; empty when there is none."""
    for one in content.get("content", {}).values():
        ref: str = one["schema"].get("$ref", "")
        return ref.rpartition("/")[2]
    return ""


def _shapes(document: dict[str, Any]) -> Iterator[Shape]:
    schemas = document["components"]["schemas"]
    for name, schema in sorted(schemas.items()):
        found = fields(schema, {"$defs": schemas})
        if found:
            yield Shape(name, schema.get("description", ""), found)
