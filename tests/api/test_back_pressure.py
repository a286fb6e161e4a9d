"""What the engine refuses for now is answered with the time to wait."""

from __future__ import annotations

import pytest
from pytest_django.fixtures import Settings

from orchestrator import Context, Run, models, workflow
from tests.api.conftest import Program, code_of


@pytest.fixture(autouse=True)
def brief() -> None:
    @workflow(name="brief", start_rate="2/m")
    async def brief(ctx: Context, n: int = 0) -> int:
        return n


def test_starts_above_the_rate_are_told_when_to_come_again(api: Program) -> None:
    for _ in range(2):
        assert api.post("/workflows/brief/runs", {}).status_code == 201

    response = api.post("/workflows/brief/runs", {})

    assert (response.status_code, code_of(response)) == (429, "too-many-requests")
    assert 50 <= int(response.headers["Retry-After"]) <= 60
    assert models.Run.objects.count() == 2


def test_a_known_key_is_answered_above_the_rate(api: Program) -> None:
    for number in range(2):
        api.post("/workflows/brief/runs", {"idempotency_key": f"k-{number}"})

    assert api.post("/workflows/brief/runs", {"idempotency_key": "k-0"}).status_code == 200


def test_a_full_mailbox_asks_to_come_again(
    api: Program, waiting: Run[None], settings: Settings
) -> None:
    settings.ORCHESTRATOR_MAX_MAILBOX = 1
    url = f"/runs/{waiting.id}/events"
    assert api.post(url, {"name": "noise"}).status_code == 202

    response = api.post(url, {"name": "noise"})

    assert (response.status_code, code_of(response)) == (429, "too-many-requests")
    assert response.headers["Retry-After"] == "1"
    assert "mailbox is full" in response.json()["detail"]
