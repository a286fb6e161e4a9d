"""A request with an `Idempotency-Key` is done once, however often it is sent."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier, Event
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.http import HttpResponse
from django.utils import timezone

from dashboard.api import once
from dashboard.models import ApiAnswer, OperatorAction
from orchestrator import Context, Run, models, workflow
from orchestrator.testing.runs import Runs
from tests.api.conftest import ROOT, MakeProgram, Program, code_of


def test_an_action_that_is_sent_again_gets_the_first_answer(
    api: Program, waiting: Run[None]
) -> None:
    path = f"/runs/{waiting.id}/pause"

    first = api.post(path, {"reason": "wait"}, idempotency_key="k-1")
    again = api.post(path, {"reason": "wait"}, idempotency_key="k-1")
    anew = api.post(path, {"reason": "wait"})

    assert [one.status_code for one in (first, again, anew)] == [200, 200, 409]
    assert again.json() == first.json()
    assert [row.outcome for row in OperatorAction.objects.order_by("id")] == ["applied", "rejected"]


def test_a_refusal_that_is_sent_again_stays_one(api: Program, waiting: Run[None]) -> None:
    path = f"/runs/{waiting.id}/resume"

    first = api.post(path, {}, idempotency_key="k-1")
    api.post(f"/runs/{waiting.id}/pause")
    again = api.post(path, {}, idempotency_key="k-1")

    assert [first.status_code, again.status_code] == [409, 409]
    assert again.json() == first.json()
    assert waiting.refresh().status == "paused"


def test_a_fork_is_made_once(api: Program, waiting: Run[None]) -> None:
    path, body = f"/runs/{waiting.id}/fork", {"step": "document.signed"}

    first = api.post(path, body, idempotency_key="k-1")
    again = api.post(path, body, idempotency_key="k-1")

    assert [first.status_code, again.status_code] == [201, 201]
    assert again.headers["Location"] == first.headers["Location"]
    assert models.Run.objects.count() == 2


def test_a_key_with_another_body_is_a_conflict(api: Program, waiting: Run[None]) -> None:
    path = f"/runs/{waiting.id}/pause"
    api.post(path, {"reason": "a"}, idempotency_key="k-1")

    response = api.post(path, {"reason": "b"}, idempotency_key="k-1")

    assert (response.status_code, code_of(response)) == (409, "idempotency-conflict")


def test_a_key_belongs_to_an_address_and_a_user(program: MakeProgram, waiting: Run[None]) -> None:
    api, other = program("Operator"), program("Admin")
    api.post(f"/runs/{waiting.id}/pause", idempotency_key="k-1")

    elsewhere = api.post(f"/runs/{waiting.id}/resume", idempotency_key="k-1")
    by_another = other.post(f"/runs/{waiting.id}/pause", idempotency_key="k-1")

    assert [elsewhere.status_code, by_another.status_code] == [200, 200]


def test_a_request_that_was_wrong_may_be_mended(api: Program, waiting: Run[None]) -> None:
    path = f"/runs/{waiting.id}/fork"

    wrong = api.post(path, {"step": "draft", "input": 7}, idempotency_key="k-1")
    right = api.post(path, {"step": "draft", "input": {}}, idempotency_key="k-1")

    assert [wrong.status_code, right.status_code] == [422, 201]


@pytest.mark.parametrize("key", ["", "k" * 256, "a\tb", "schlüssel"])
def test_a_key_that_cannot_be_kept_is_refused(key: str, api: Program, waiting: Run[None]) -> None:
    response = api.post(f"/runs/{waiting.id}/pause", idempotency_key=key)

    assert (response.status_code, code_of(response)) == (422, "invalid")
    assert waiting.refresh().status == "waiting"


def test_a_server_that_fails_keeps_no_answer(
    api: Program, waiting: Run[None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise RuntimeError("disk full, password=hunter2")

    api.raises = False
    with monkeypatch.context() as broken:
        broken.setattr("orchestrator.operating.deeds._witnesses", [fail])
        failed = api.post(f"/runs/{waiting.id}/pause", idempotency_key="k-1")
    again = api.post(f"/runs/{waiting.id}/pause", idempotency_key="k-1")

    assert (failed.status_code, code_of(failed)) == (500, "server-error")
    assert "hunter2" not in failed.content.decode()
    assert again.status_code == 200


def test_answers_are_kept_for_a_while(api: Program, waiting: Run[None]) -> None:
    path = f"/runs/{waiting.id}/pause"
    api.post(path, idempotency_key="k-1")

    with time_machine.travel(timezone.now() + timedelta(minutes=50)):
        assert api.post(path, idempotency_key="k-1").status_code == 200
    ApiAnswer.objects.update(created_at=timezone.now() - timedelta(hours=25))

    assert api.post(path, idempotency_key="k-1").status_code == 409
    assert ApiAnswer.objects.count() == 1


# ---- at the same time ----------------------------------------------------------------


@pytest.fixture
def reader(runs: Runs) -> Run[None]:
    @workflow(name="reader")
    async def reader(ctx: Context) -> None:
        await ctx.step("read", dict)
        await ctx.wait_for_event("never")

    return runs.start(reader)


def forks_at_once(api: Program, run: Run[None], count: int) -> list[HttpResponse]:
    barrier = Barrier(count)

    def fork(_: int) -> HttpResponse:
        program = Program()
        program.headers = api.headers
        barrier.wait()
        try:
            return program.post(f"/runs/{run.id}/fork", {"step": "read"}, idempotency_key="k-1")
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(fork, range(count)))


@pytest.mark.postgres
def test_the_same_request_at_the_same_time_is_done_once(api: Program, reader: Run[None]) -> None:
    answers = forks_at_once(api, reader, 8)

    assert {one.status_code for one in answers} == {201}
    assert len({json.loads(one.content)["id"] for one in answers}) == 1
    assert models.Run.objects.count() == 2


@pytest.mark.postgres
def test_without_the_claim_it_would_be_done_more_often(
    api: Program, reader: Run[None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def claim(request: Any, key: str) -> tuple[ApiAnswer, bool]:
        return ApiAnswer.objects.create(
            user=request.auth.user, key=key, address=f"{id(request)}", request=""
        ), True

    monkeypatch.setattr(once, "_claim", claim)

    forks_at_once(api, reader, 8)

    assert models.Run.objects.count() > 2


@pytest.mark.postgres
def test_who_is_second_does_not_wait_for_ever(api: Program, waiting: Run[None]) -> None:
    path = f"/runs/{waiting.id}/pause"
    has_begun, may_end = Event(), Event()

    def first() -> None:
        user = User.objects.get(username="operator")
        address = once._hash(f"POST {ROOT}{path}".encode())
        with transaction.atomic():
            ApiAnswer.objects.create(user=user, key="k-1", address=address, request="")
            has_begun.set()
            may_end.wait(20)
        connection.close()

    with ThreadPoolExecutor(1) as pool, connection.cursor() as cursor:
        begun = pool.submit(first)
        has_begun.wait(20)
        cursor.execute("SET lock_timeout = '50ms'")
        response = api.post(path, idempotency_key="k-1")
        may_end.set()
        begun.result(timeout=20)
        cursor.execute("RESET lock_timeout")

    assert (response.status_code, code_of(response)) == (409, "in-progress")
    assert response.headers["Retry-After"] == "1"
    assert waiting.refresh().status == "waiting"
