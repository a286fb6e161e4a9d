"""What the tests of the REST API share: programs with tokens, and runs to ask for."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client

from dashboard import tokens
from dashboard.tokens import SCOPES
from humantasks import inbox
from humantasks.models import HumanTask

# The people and the runs are those of the operators' pages.
from tests.dashboard.conftest import (  # noqa: F401 - fixtures
    Member,
    failed,
    logged_in,
    member,
    waiting,
)
from tests.humantasks.conftest import (  # noqa: F401 - fixtures
    ask,
    asking,
    chief,
    registered,
    task,
    two_look,
)

ROOT = "/api/v1"


class Program:
    """A program with a token, or without one."""

    def __init__(self, secret: str = "") -> None:
        self.headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        self._client = Client(enforce_csrf_checks=True)

    @property
    def raises(self) -> bool:
        """Whether an error of the server is raised here, or answered as a client gets it."""
        return self._client.raise_request_exception

    @raises.setter
    def raises(self, does: bool) -> None:
        self._client.raise_request_exception = does

    def get(self, path: str, query: dict[str, Any] | None = None, **headers: str) -> HttpResponse:
        return self._client.get(f"{ROOT}{path}", query, headers=self.headers | _named(headers))

    def post(self, path: str, body: Any = None, **headers: str) -> HttpResponse:
        return self._client.post(
            f"{ROOT}{path}",
            "" if body is None else json.dumps(body),
            content_type="application/json",
            headers=self.headers | _named(headers),
        )

    def put(self, path: str, body: Any = None, **headers: str) -> HttpResponse:
        return self._client.put(
            f"{ROOT}{path}",
            json.dumps(body),
            content_type="application/json",
            headers=self.headers | _named(headers),
        )

    def patch(self, path: str, body: Any = None, **headers: str) -> HttpResponse:
        return self._client.patch(
            f"{ROOT}{path}",
            json.dumps(body),
            content_type="application/json",
            headers=self.headers | _named(headers),
        )

    def delete(self, path: str, **headers: str) -> HttpResponse:
        return self._client.delete(f"{ROOT}{path}", headers=self.headers | _named(headers))

    def send(self, path: str, body: bytes, content_type: str = "application/json") -> HttpResponse:
        """A body as it is."""
        return self._client.post(
            f"{ROOT}{path}", body, content_type=content_type, headers=self.headers
        )


def _named(headers: dict[str, str]) -> dict[str, str]:
    """`if_match=` as `If-Match`."""
    return {name.replace("_", "-").title(): value for name, value in headers.items()}


MakeProgram = Callable[..., Program]


@pytest.fixture
def program(member: Member) -> MakeProgram:  # noqa: F811 - the fixture
    """A program of somebody with that role, with these scopes or all."""

    def make(role: str = "Operator", *scopes: str) -> Program:
        _, secret = tokens.create(member(role), name="test", scopes=scopes or SCOPES, expires="1h")
        return Program(secret)

    return make


@pytest.fixture
def api(program: MakeProgram) -> Program:
    """A program of an operator, with all scopes."""
    return program()


@pytest.fixture
def stranger(db: None) -> Program:
    return Program()


Acting = Callable[..., Program]


@pytest.fixture
def acting(db: None) -> Acting:
    """A program that acts as this person, with these scopes or all that tasks need."""

    def make(user: User, *scopes: str) -> Program:
        wanted = scopes or ("tasks:read", "tasks:write")
        return Program(tokens.create(user, name="bot", scopes=wanted, expires="1h")[1])

    return make


@pytest.fixture
def ann(acting: Acting, alice: User) -> Program:
    """A program of Alice's."""
    return acting(alice)


@pytest.fixture
def held(task: HumanTask, alice: User) -> HumanTask:  # noqa: F811 - the fixture
    """A task that Alice has claimed."""
    return inbox.claim(task, user=alice)


def code_of(response: HttpResponse) -> str:
    """The kind of a problem, which is well formed."""
    assert response.headers["Content-Type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == response.status_code
    assert {"type", "title", "detail"} <= set(body)
    return str(body["code"])
