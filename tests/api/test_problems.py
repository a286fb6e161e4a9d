"""Every error is a problem: with a kind, in JSON, and without what is nobody's business."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import OperationalError

from dashboard.checks import settings_can_be_read
from dashboard.models import OperatorAction
from orchestrator import Run, models
from orchestrator.models import Broadcast
from tests.api.conftest import ROOT, Program, code_of

EVENT = {"name": "x"}


def nested(depth: int) -> bytes:
    return b'{"name": "x", "payload": ' + b"[" * depth + b"]" * depth + b"}"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "malformed"),
        (b"", 422, "invalid"),
        (b"null", 422, "invalid"),
        (b"[]", 422, "invalid"),
        (b"\xff\xfe", 400, "malformed"),
        (b'{"name": "x"} trailing', 400, "malformed"),
        (b'{"name": "x", "payload": NaN}', 400, "malformed"),
        (b'{"name": "x", "payload": -Infinity}', 400, "malformed"),
        (b'{"name": "x", "name": "y"}', 400, "malformed"),
        (b'{"name": "x", "payload": 1e400}', 422, "invalid"),
        (b'{"name": "x", "payload": ' + b"9" * 200 + b"}", 422, "invalid"),
        (b'{"name": "x", "payload": ' + b"9" * 5000 + b"}", 400, "malformed"),
        (b'{"name": "x", "payload": 9223372036854775808}', 422, "invalid"),
        (b'{"name": "x", "payload": "a\\u0000b"}', 422, "invalid"),
        (b'{"name": "x", "payload": {"a\\u0000b": 1}}', 422, "invalid"),
        (b'{"name": "x", "payload": ["\\ud800"]}', 422, "invalid"),
        (b'{"name": "a\\u0000b"}', 422, "invalid"),
        (nested(32), 422, "invalid"),
        (nested(500), 422, "invalid"),
        (nested(100_000), 422, "invalid"),
        (json.dumps(EVENT | {"payload": list(range(10_001))}).encode(), 422, "invalid"),
        (json.dumps(EVENT | {"payload": "x" * 1_048_576}).encode(), 413, "too-large"),
    ],
)
def test_a_body_that_cannot_be_kept(body: bytes, status: int, code: str, api: Program) -> None:
    response = api.send("/events", body)

    assert (response.status_code, code_of(response)) == (status, code)
    assert not Broadcast.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        nested(31),
        b'{"name": "x", "payload": 9223372036854775807}',
        b'{"name": "x", "payload": "\\ud83d\\ude00"}',
        '{"name": "x", "payload": "Ελλάδα"}'.encode(),
        b'\xef\xbb\xbf{"name": "x"}',
    ],
)
def test_a_body_that_can_be_kept(body: bytes, api: Program) -> None:
    assert api.send("/events", body).status_code == 202


def test_the_place_of_what_is_wrong_is_named(api: Program) -> None:
    response = api.send("/events", b'{"name": "x", "payload": {"a": [1, "\\u0000"]}}')

    [error] = response.json()["errors"]
    assert error["loc"] == ["body", "payload", "a", 1]


def test_a_malformed_body_says_where(api: Program) -> None:
    response = api.send("/events", b'{"name":\n "x",}')

    assert "line 2" in response.json()["detail"]


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "x"],
)
def test_a_body_that_is_not_declared_as_json(content_type: str, api: Program) -> None:
    response = api.send("/events", b'{"name": "x"}', content_type)

    assert (response.status_code, code_of(response)) == (415, "media-type")


@pytest.mark.parametrize(
    "content_type", ["application/json", "Application/JSON", "application/json; charset=utf-8"]
)
def test_a_body_that_is(content_type: str, api: Program) -> None:
    assert api.send("/events", b'{"name": "x"}', content_type).status_code == 202


@pytest.mark.parametrize("method", ["put", "patch", "delete", "options", "trace"])
def test_a_method_that_there_is_not(method: str, api: Program) -> None:
    client = api._client

    response = getattr(client, method)(f"{ROOT}/runs", headers=api.headers)

    assert (response.status_code, code_of(response)) == (405, "method-not-allowed")
    assert response.headers["Allow"] == "GET"


def test_head_is_get_without_a_body(api: Program, waiting: Run[None]) -> None:
    response = api._client.head(f"{ROOT}/runs/{waiting.id}", headers=api.headers)

    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["ETag"]


@pytest.mark.parametrize(
    "path", ["/", "/nothing", "/runs/", "/runs//x", "/workflows/%00", "/../admin", "/runs/%F0"]
)
def test_an_address_that_there_is_not(path: str, api: Program, stranger: Program) -> None:
    for program in (api, stranger):
        response = program.get(path)

        assert response.status_code in (401, 404), path
        assert code_of(response)


def test_a_problem_leads_to_what_it_means(api: Program) -> None:
    body = api.get("/runs/42").json()

    assert body["type"] == "/api/v1/docs#not-found"


def test_a_server_that_fails_says_no_more(
    api: Program, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise RuntimeError("token=abc in /srv/secret.py")

    monkeypatch.setattr("dashboard.queries.runs.page", fail)
    api.raises = False

    response = api.get("/runs")

    assert (response.status_code, code_of(response)) == (500, "server-error")
    assert "secret" not in response.content.decode()
    assert "secret.py" in caplog.text


def test_a_database_that_does_not_answer_is_a_reason_to_try_again(
    api: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr("dashboard.queries.runs.page", fail)

    response = api.get("/runs")

    assert (response.status_code, code_of(response)) == (503, "busy")
    assert response.headers["Retry-After"] == "1"


# ---- how many ------------------------------------------------------------------------


def test_there_is_no_limit_unless_one_is_set(api: Program) -> None:
    assert {api.get("/runs").status_code for _ in range(5)} == {200}


def test_who_asks_too_often_has_to_wait(api: Program, program: Any, settings: Any) -> None:
    settings.ORCHESTRATOR_API_RATE = "3/h"
    other = program("Admin")

    statuses = [api.get("/runs").status_code for _ in range(4)]
    response = api.get("/runs")

    assert statuses == [200, 200, 200, 429]
    assert code_of(response) == "too-many-requests"
    assert 1 <= int(response.headers["Retry-After"]) <= 3_600
    assert other.get("/runs").status_code == 200


def test_what_was_refused_was_not_done(api: Program, waiting: Run[None], settings: Any) -> None:
    settings.ORCHESTRATOR_API_RATE = "1/h"
    api.get("/runs")

    response = api.post(f"/runs/{waiting.id}/cancel", {})

    assert response.status_code == 429
    assert models.Run.objects.get(id=waiting.id).cancel_requested_at is None
    assert not OperatorAction.objects.exists()


def test_a_setting_that_makes_no_sense_is_named(settings: Any) -> None:
    settings.ORCHESTRATOR_API_RATE = "often"
    settings.ORCHESTRATOR_API_LONG_POLL = "5 parsecs"

    found = [str(message.msg) for message in settings_can_be_read(None)]

    assert ["such as 600/min" in found[0], "'5 parsecs'" in found[1]] == [True, True]
