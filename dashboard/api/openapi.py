"""The description of the API: what ninja knows of it, and what holds for each operation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ninja.errors import ConfigError
from ninja.operation import Operation

from dashboard.api import problems
from dashboard.api.callers import Needs
from dashboard.api.once import HEADER, PATTERN
from dashboard.api.problems import ProblemBody
from orchestrator.rest import Kind, scope_of

if TYPE_CHECKING:
    from dashboard.api.app import Api

# Of which there is no need to say more than that they may happen.
ALWAYS = (401, 403, 422, 429, 500, 503)
WITH_BODY = (400, 413, 415)

_HEADERS: dict[int, dict[str, str]] = {
    401: {"WWW-Authenticate": "How to log in."},
    405: {"Allow": "The methods that work."},
    429: {"Retry-After": "Seconds to wait."},
    503: {"Retry-After": "Seconds to wait."},
}


def complete(api: Api) -> dict[str, Any]:
    """The OpenAPI document of `api`, with every answer that each operation may give."""
    document: dict[str, Any] = dict(api.get_openapi_schema())
    operations = dict(_operations(api))
    for address, methods in document["paths"].items():
        for method, described in methods.items():
            _complete(described, operations[described["operationId"]], method, address)
    components = document["components"]
    components["responses"] = {f"Problem{status}": _problem(status) for status in _statuses()}
    components["schemas"]["Problem"] = ProblemBody.model_json_schema(
        ref_template="#/components/schemas/{model}", mode="serialization"
    )
    components["schemas"].update(components["schemas"]["Problem"].pop("$defs"))
    # What the filters are made of stands with the parameters.
    used = json.dumps(document)
    for name in [one for one in components["schemas"] if f'schemas/{one}"' not in used]:
        del components["schemas"][name]
    return document


def _operations(api: Api) -> Iterator[tuple[str, Operation]]:
    for router in api._get_bound_routers():
        for view in router.path_operations.values():
            for operation in view.operations:
                if not (operation.operation_id and operation.description):
                    raise ConfigError(f"{operation.path} needs an operation_id and a docstring")
                yield operation.operation_id, operation


def _complete(described: dict[str, Any], operation: Operation, method: str, address: str) -> None:
    needs = getattr(operation.auth_callbacks[0], "needs", None)
    if needs is None and (scope := scope_of(operation.view_func)):
        needs = Needs(scope, ())
    if needs is not None:
        described["description"] = f"{described.get('description', '')}\n\n{_needed(needs)}".strip()
        described["security"] = [{"Token": [needs.scope]}, {"Session": []}]
    described["summary"] = described["description"].partition(".")[0]
    for parameter in described["parameters"]:
        parameter["schema"] = _without_null(parameter["schema"])
    if method == "post":
        described["parameters"].append(_key_parameter())
    for status in _possible(described, method, address):
        described["responses"][status] = {"$ref": f"#/components/responses/Problem{status}"}
    described["responses"] = {
        str(status): answer for status, answer in sorted(described["responses"].items())
    }


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter is left out or it is a text: it is never null."""
    options = [one for one in schema.get("anyOf", []) if one != {"type": "null"}]
    if len(options) != 1:
        return schema
    return {**{name: value for name, value in schema.items() if name != "anyOf"}, **options[0]}


def _needed(needs: Needs) -> str:
    permissions = " or ".join(f"`{one}`" for one in needs.permissions)
    if not permissions:
        return f"Needs the scope `{needs.scope}`."
    return f"Needs the scope `{needs.scope}` and the permission {permissions}."


def _possible(described: dict[str, Any], method: str, address: str) -> Iterator[int]:
    """The errors that an operation of this shape may answer with."""
    yield from ALWAYS
    if "{" in address:
        yield 404
    if "requestBody" in described:
        yield from WITH_BODY
    if method != "get":
        yield 409
    if any(one["name"] == "If-Match" for one in described["parameters"]):
        yield 412


def _key_parameter() -> dict[str, Any]:
    return {
        "in": "header",
        "name": HEADER,
        "required": False,
        "schema": {"type": "string", "pattern": f"^{PATTERN}$"},
        "description": "A request that is sent again with its key is done once, and gets the "
        "first answer. With other data: 409.",
    }


def _statuses() -> list[int]:
    return sorted({one.status for one in problems.documented()})


def _problem(status: int) -> dict[str, Any]:
    kinds = [one for one in problems.documented() if one.status == status]
    headers = {
        name: {"schema": {"type": "string"}, "description": meaning}
        for name, meaning in _HEADERS.get(status, {}).items()
    }
    return {
        "description": "; ".join(f"`{one.code}`: {one.title}" for one in kinds),
        "headers": headers,
        "content": {
            problems.MEDIA_TYPE: {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "examples": {one.code: {"value": _example(one)} for one in kinds},
            }
        },
    }


def _example(kind: Kind) -> dict[str, Any]:
    return {
        "type": f"/api/v1/docs#{kind.code}",
        "title": kind.title,
        "status": kind.status,
        "code": kind.code,
        "detail": kind.title,
    }
