"""Events: to a run, to all that wait; once for each id."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from dashboard.models import OperatorAction
from orchestrator import Context, Run, workflow
from orchestrator.core.ids import uuid7
from orchestrator.models import Broadcast, Event
from orchestrator.testing.runs import Runs
from tests.api.conftest import MakeProgram, Program, code_of

SIGNED = {"name": "document.signed", "key": "d-1", "payload": {"by": "ana"}}


def test_an_event_reaches_its_run(api: Program, waiting: Run[None]) -> None:
    response = api.post(f"/runs/{waiting.id}/events", SIGNED)

    assert response.status_code == 202
    assert response.json() == {
        "delivered": True,
        "duplicate": False,
        "reason": "",
        "run_ids": [str(waiting.id)],
    }
    assert waiting.refresh().status == "completed"
    assert waiting.events[0].payload == {"by": "ana"}
    assert Event.objects.get().sent_by == "operator"


def test_a_broadcast_reaches_who_waits(api: Program, waiting: Run[None]) -> None:
    response = api.post("/events", SIGNED)

    assert response.status_code == 202
    assert response.json()["run_ids"] == [str(waiting.id)]
    assert waiting.refresh().status == "completed"


def test_a_broadcast_for_which_nobody_waits_is_kept(api: Program) -> None:
    response = api.post("/events", {"name": "nobody.waits"})

    assert response.status_code == 202
    assert response.json()["delivered"] is False
    assert "it is kept until" in response.json()["reason"]


@pytest.mark.parametrize("path", ["/events", "/runs/{run}/events"])
def test_an_event_with_a_known_id_is_sent_once(path: str, api: Program, waiting: Run[None]) -> None:
    address = path.format(run=waiting.id)
    event = {"name": "news", "payload": {"a": 1}}

    first = api.post(address, event, idempotency_key="e-1")
    again = api.post(address, event, idempotency_key="e-1")
    in_the_body = api.post(address, event | {"event_id": "e-1"})
    other = api.post(address, event | {"payload": {"a": 2}}, idempotency_key="e-1")

    statuses = [one.status_code for one in (first, again, in_the_body, other)]
    assert statuses == [202, 200, 200, 409]
    assert again.json()["duplicate"] is True
    assert code_of(other) == "idempotency-conflict"
    assert Event.objects.count() + Broadcast.objects.count() == 1
    assert [row.action for row in OperatorAction.objects.all()] == ["send event"]


def test_two_different_ids_are_refused(api: Program) -> None:
    response = api.post("/events", {"name": "x", "event_id": "a"}, idempotency_key="b")

    assert response.status_code == 422
    assert not Broadcast.objects.exists()


def test_an_event_to_a_run_that_has_ended_is_refused_and_written_down(
    api: Program, failed: Run[None]
) -> None:
    response = api.post(f"/runs/{failed.id}/events", {"name": "x"})

    assert (response.status_code, code_of(response)) == (409, "refused")
    assert "the run has failed" in response.json()["detail"]
    assert OperatorAction.objects.get().outcome == "rejected"


def test_an_event_to_no_run(api: Program) -> None:
    response = api.post(f"/runs/{uuid7()}/events", {"name": "x"})

    assert (response.status_code, code_of(response)) == (404, "unknown-run")


class Signed(BaseModel):
    by: str


def test_a_payload_that_the_run_cannot_use_is_refused(api: Program, runs: Runs) -> None:
    @workflow(name="typed")
    async def typed(ctx: Context) -> None:
        await ctx.wait_for_event("signed", schema=Signed)

    run = runs.start(typed)

    response = api.post(f"/runs/{run.id}/events", {"name": "signed", "payload": {"by": 7}})

    assert (response.status_code, code_of(response)) == (422, "invalid")
    assert response.json()["errors"][0]["loc"] == ["body", "payload", "by"]


@pytest.mark.parametrize(
    ("event", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "@answer x"}, "name"),
        ({"name": "x" * 201}, "name"),
        ({}, "name"),
        ({"name": "x", "key": ""}, "key"),
        ({"name": "x", "sent_by": "root"}, "sent_by"),
    ],
)
def test_an_event_that_nobody_can_wait_for(event: dict[str, Any], field: str, api: Program) -> None:
    response = api.post("/events", event)

    assert response.status_code == 422
    assert response.json()["errors"][0]["loc"] == ["body", field]


def test_who_may_only_see_sends_nothing(program: MakeProgram, waiting: Run[None]) -> None:
    viewer = program("Viewer")

    for path in ("/events", f"/runs/{waiting.id}/events"):
        assert viewer.post(path, SIGNED).status_code == 403
    assert waiting.refresh().status == "waiting"
