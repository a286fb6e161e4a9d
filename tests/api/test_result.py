"""Waiting for the end of a run: not for long, and never so many that nobody else gets in."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse

from dashboard.api import waiting as polling
from orchestrator import Context, Run, workflow
from orchestrator.testing.runs import Runs
from tests.api.conftest import Program, code_of


def test_a_run_that_has_ended_is_answered_at_once(api: Program, runs: Runs) -> None:
    @workflow(name="sum")
    async def add(ctx: Context, numbers: list[int]) -> dict[str, int]:
        return {"sum": sum(numbers)}

    run = runs.start(add, [1, 2])

    response = api.get(f"/runs/{run.id}/result", {"timeout": "20s"})

    assert response.status_code == 200
    assert response.json() == {
        "id": str(run.id),
        "status": "completed",
        "payloads": "visible",
        "output": {"sum": 3},
        "error": None,
    }


def test_a_run_that_failed_says_why(api: Program, failed: Run[None]) -> None:
    body = api.get(f"/runs/{failed.id}/result").json()

    assert (body["status"], body["output"], body["error"]["step"]) == ("failed", None, "charge")


def test_a_run_that_has_not_ended_is_not_waited_for_without_a_timeout(
    api: Program, waiting: Run[None]
) -> None:
    response = api.get(f"/runs/{waiting.id}/result")

    assert (response.status_code, response.json()["status"]) == (202, "waiting")
    assert response.headers["Retry-After"] == "1"


@pytest.mark.parametrize("timeout", ["soon", "-1", "1e9", "NaN", "9" * 400])
def test_a_timeout_that_is_none(timeout: str, api: Program, waiting: Run[None]) -> None:
    response = api.get(f"/runs/{waiting.id}/result", {"timeout": timeout})

    assert (response.status_code, code_of(response)) == (422, "invalid")


@pytest.mark.parametrize("timeout", ["0", "0.001", ".5ms", "1 ms"])
def test_a_bare_number_is_one_of_seconds(timeout: str, api: Program, waiting: Run[None]) -> None:
    assert api.get(f"/runs/{waiting.id}/result", {"timeout": timeout}).status_code == 202


def test_no_one_waits_longer_than_the_server_allows(
    api: Program, waiting: Run[None], settings: Any
) -> None:
    settings.ORCHESTRATOR_API_LONG_POLL = "1ms"

    assert api.get(f"/runs/{waiting.id}/result", {"timeout": "1h"}).status_code == 202


class Waiting:
    """A program that asks for a result in a thread of its own."""

    def __init__(self, api: Program, run: Run[Any], pool: ThreadPoolExecutor) -> None:
        self._api, self._run = api, run
        self.answer: Future[HttpResponse] = pool.submit(self._ask)

    def _ask(self) -> HttpResponse:
        program = Program()
        program.headers = self._api.headers
        try:
            return program.get(f"/runs/{self._run.id}/result", {"timeout": "20s"})
        finally:
            connection.close()


def until_they_wait(number: int) -> None:
    pause = Event()
    while polling._waiting < number:
        pause.wait(0.005)


def test_the_end_of_a_run_ends_the_wait(api: Program, runs: Runs, waiting: Run[None]) -> None:
    with ThreadPoolExecutor(1) as pool:
        asking = Waiting(api, waiting, pool)
        until_they_wait(1)
        runs.send_event(waiting, "document.signed", {}, key="d-1")

        response = asking.answer.result(timeout=20)

    assert (response.status_code, response.json()["status"]) == (200, "completed")
    assert polling._waiting == 0


def test_so_many_wait_and_one_more_is_answered_at_once(
    api: Program, runs: Runs, waiting: Run[None], settings: Any
) -> None:
    settings.ORCHESTRATOR_API_LONG_POLLS = 1

    with ThreadPoolExecutor(1) as pool:
        asking = Waiting(api, waiting, pool)
        until_they_wait(1)
        second = api.get(f"/runs/{waiting.id}/result", {"timeout": "20s"})
        runs.send_event(waiting, "document.signed", {}, key="d-1")

        assert second.status_code == 202
        assert asking.answer.result(timeout=20).status_code == 200
