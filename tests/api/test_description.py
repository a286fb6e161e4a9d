"""The description of the API: complete, for staff, and readable without a script."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from ninja import Router
from ninja.errors import ConfigError

from config.api import api as site
from dashboard import tokens
from dashboard.api import problems
from dashboard.api.app import Api
from orchestrator.rest import KINDS
from tests.api.conftest import ROOT, MakeProgram, Program, code_of
from tests.conftest import Person
from tests.dashboard.conftest import LoggedIn

OPERATIONS = [
    (method, path, operation)
    for path, methods in site.document["paths"].items()
    for method, operation in methods.items()
]
each_operation = pytest.mark.parametrize(
    ("method", "path", "operation"),
    OPERATIONS,
    ids=lambda value: value if isinstance(value, str) else "",
)


@each_operation
def test_an_operation_says_what_it_needs_and_how_it_may_fail(
    method: str, path: str, operation: dict[str, Any]
) -> None:
    security = {name for one in operation["security"] for name in one}
    [scopes] = [one["Token"] for one in operation["security"] if "Token" in one]

    assert security == {"Token", "Session"}
    assert set(scopes) <= set(tokens.SCOPES)
    assert f"`{scopes[0]}`" in operation["description"]
    assert {"401", "403", "422", "429", "500"} <= set(operation["responses"])
    assert ("404" in operation["responses"]) == ("{" in path)
    assert ("409" in operation["responses"]) == (method != "get")
    assert ("415" in operation["responses"]) == ("requestBody" in operation)
    assert operation["tags"]
    assert not operation["summary"].endswith(".")


@each_operation
def test_every_post_takes_an_idempotency_key(
    method: str, path: str, operation: dict[str, Any]
) -> None:
    names = [one["name"] for one in operation["parameters"]]

    assert names.count("Idempotency-Key") == (method == "post")


@each_operation
def test_no_operation_lets_a_stranger_in(
    method: str, path: str, operation: dict[str, Any], stranger: Program
) -> None:
    address = re.sub(
        r"{(run|task)_id}", "019abc12-3456-7def-8123-456789abcdef", path.removeprefix(ROOT)
    )

    response = getattr(stranger, method)(re.sub(r"{\w+}", "x", address))

    assert (response.status_code, code_of(response)) == (401, "not-authenticated")


def test_names_of_operations_are_unique() -> None:
    names = [operation["operationId"] for _, _, operation in OPERATIONS]

    assert len(set(names)) == len(names)


def test_every_kind_of_problem_is_described() -> None:
    described = {
        code
        for response in site.document["components"]["responses"].values()
        for code in response["content"]["application/problem+json"]["examples"]
    }

    assert described == set(KINDS)
    assert all(kind.meaning for kind in KINDS.values())


def test_every_reference_leads_somewhere() -> None:
    components = site.document["components"]
    found = set(re.findall(r"#/components/(\w+)/(\w+)", str(site.document)))

    assert [name for part, name in found if name not in components[part]] == []


def test_the_document_is_for_staff(stranger: Program, program: MakeProgram, person: Person) -> None:
    person("ada", is_staff=True)
    _, secret = tokens.create(
        User.objects.get(username="ada"), name="x", scopes=["runs:read"], expires="1h"
    )

    assert stranger.get("/openapi.json").status_code == 401
    assert program("Operator").get("/openapi.json").status_code == 404
    assert Program(secret).get("/openapi.json").json() == json.loads(json.dumps(site.document))


def test_the_page_is_for_staff(client: Client, logged_in: LoggedIn, person: Person) -> None:
    assert client.get(f"{ROOT}/docs").status_code == 302
    assert logged_in("Operator").get(f"{ROOT}/docs").status_code == 404

    client.force_login(person("ada", is_staff=True))

    assert client.get(f"{ROOT}/docs").status_code == 200


def test_the_page_has_every_operation_problem_and_shape(client: Client, person: Person) -> None:
    client.force_login(person("ada", is_staff=True))

    page = client.get(f"{ROOT}/docs").content.decode()

    anchors = set(re.findall(r'id="([^"]+)"', page))
    assert {operation["operationId"] for _, _, operation in OPERATIONS} <= anchors
    assert set(KINDS) <= anchors
    assert set(re.findall(r'href="#([^"]+)"', page)) <= anchors
    # The only scripts are those of every page, and they come from here.
    assert all(src.startswith("/static/") for src in re.findall(r'<script[^>]*src="([^"]+)"', page))
    assert "<script>" not in page


def test_two_routers_at_one_address_are_refused() -> None:
    """The second would never be asked."""
    one, two = Router(), Router()
    one.get("/x/{a}", operation_id="a")(lambda request, a: None)
    two.post("/x/{b}", operation_id="b")(lambda request, b: None)
    api = Api(title="x", description="")
    api.add_router("/y", one)
    api.add_router("/y", two)

    with pytest.raises(ConfigError, match=r"/y/x/\{\} is in two routers"):
        _ = api.urls


def test_a_router_of_another_room_needs_nothing_of_this_one(rf: Any, db: None) -> None:
    """It has `request.auth`, and its errors and answers become what all others are."""
    router = Router(tags=["tasks"])

    @router.post("/tasks", operation_id="make_task")
    def make_task(request: Any) -> dict[str, str]:
        """Make a task."""
        request.auth.require("tasks:write")
        return {}

    api = Api(title="x", description="")
    api.add_router("", router)
    [view] = [one.callback for one in api.urls[0] if one.name == "make_task"]
    user = User.objects.create(username="u")
    _, secret = tokens.create(user, name="x", scopes=["runs:read"], expires="1h")
    request = rf.post("/tasks", headers={"Authorization": f"Bearer {secret}"})

    response = view(request)

    assert response.status_code == 403
    assert b'"scope": "tasks:write"' in response.content
    assert api.document["paths"]["/api/v1/tasks"]["post"]["responses"]["409"]


def test_the_guide_lists_every_kind_of_problem() -> None:
    guide = Path(__file__).parents[2] / "docs" / "guide" / "rest.md"
    listed = dict(re.findall(r"^\| `([a-z_-]+)` \| (\d+) \|", guide.read_text(), re.M))

    assert listed == {one.code: str(one.status) for one in problems.documented()}
