"""Starting runs: checked first, once for each key, and written down."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import call_command
from pydantic import BaseModel, Field

from dashboard.models import OperatorAction
from orchestrator import Context, models, workflow
from orchestrator.models import Status
from orchestrator.testing.runs import Runs
from tests.api.conftest import MakeProgram, Program, code_of


class Customer(BaseModel):
    email: str = Field(pattern="@")
    age: int = 18


@pytest.fixture(autouse=True)
def onboarding() -> None:
    @workflow(name="onboarding", version="1", default=True)
    async def onboarding(ctx: Context, customer: Customer) -> str:
        """Onboard a customer."""
        await ctx.wait_for_event("go")
        return customer.email

    @workflow(name="onboarding", version="2")
    async def second(ctx: Context, customer: Customer) -> str:
        return customer.email

    @workflow(name="emails/by-key", idempotency_key="mail-{email}")
    async def by_key(ctx: Context, customer: Customer) -> None:
        await ctx.wait_for_event("go")


START = "/workflows/onboarding/runs"
ANA = {"email": "ana@example.org"}


def count() -> int:
    return models.Run.objects.count()


def test_a_run_is_started(api: Program) -> None:
    response = api.post(START, {"input": ANA})

    body = response.json()
    run = models.Run.objects.get(id=body["id"])
    assert response.status_code == 201
    assert response.headers["Location"] == f"/api/v1/runs/{run.id}"
    assert (body["workflow"], body["version"]) == ("onboarding", "1")
    assert run.initiator == "operator"
    assert api.get(f"/runs/{run.id}").json()["input"] == {**ANA, "age": 18}


def test_all_that_may_be_said_of_a_run(api: Program) -> None:
    response = api.post(
        START,
        {
            "input": ANA,
            "version": "2",
            "idempotency_key": "k-1",
            "delay": "1.5h",
            "tags": {"team": ["a"]},
            "attributes": {"country": "DE", "vip": True, "score": 1.5},
        },
    )

    run = models.Run.objects.get(id=response.json()["id"])
    assert (run.version, run.idempotency_key, run.status) == ("2", "k-1", Status.SCHEDULED)
    assert (run.due_at - run.created_at).total_seconds() == pytest.approx(5400, abs=1)
    assert (run.tags, run.attributes) == (
        {"team": ["a"]},
        {"country": "DE", "vip": True, "score": 1.5},
    )


def test_a_run_may_start_at_a_time(api: Program) -> None:
    response = api.post(START, {"input": ANA, "at": "2126-01-01T00:00:00+01:00"})

    assert response.json()["status"] == "scheduled"


def test_a_known_key_finds_the_run(api: Program) -> None:
    first = api.post(START, {"input": ANA}, idempotency_key="k-1")
    again = api.post(START, {"input": ANA}, idempotency_key="k-1")
    in_the_body = api.post(START, {"input": ANA, "idempotency_key": "k-1"})

    assert [one.status_code for one in (first, again, in_the_body)] == [201, 200, 200]
    assert first.json()["id"] == again.json()["id"] == in_the_body.json()["id"]
    assert again.headers["Location"] == first.headers["Location"]
    assert count() == 1


def test_a_known_key_of_a_run_that_was_removed(api: Program, runs: Runs) -> None:
    first = api.post(START, {"input": ANA, "version": "2"}, idempotency_key="k-1")
    runs.advance("2d")
    call_command("prune", "--older-than", "1d")

    again = api.post(START, {"input": ANA, "version": "2"}, idempotency_key="k-1")
    other = api.post(START, {"input": {"email": "b@c"}, "version": "2"}, idempotency_key="k-1")

    assert [again.status_code, other.status_code] == [200, 409]
    body = again.json()
    assert (body["id"], body["status"]) == (first.json()["id"], "completed")
    assert body["removed"] is True
    assert "Location" not in again.headers
    assert count() == 0


def test_a_known_key_with_another_input_is_a_conflict(api: Program) -> None:
    first = api.post(START, {"input": ANA}, idempotency_key="k-1")

    response = api.post(START, {"input": {"email": "bob@example.org"}}, idempotency_key="k-1")

    assert (response.status_code, code_of(response)) == (409, "idempotency-conflict")
    assert response.json()["run_id"] == first.json()["id"]
    assert count() == 1


def test_two_different_keys_are_refused(api: Program) -> None:
    body = {"input": ANA, "idempotency_key": "a"}

    response = api.post(START, body, idempotency_key="b")

    assert response.status_code == 422
    assert response.json()["errors"][0]["loc"] == ["body", "idempotency_key"]
    assert count() == 0


def test_a_name_with_a_slash(api: Program) -> None:
    assert api.post("/workflows/emails/by-key/runs", {"input": ANA}).status_code == 201
    assert api.get("/workflows/emails/by-key").json()["name"] == "emails/by-key"


@pytest.mark.parametrize(
    ("body", "loc"),
    [
        ({}, ["body", "input"]),
        ({"input": {"email": "nobody"}}, ["body", "input", "email"]),
        ({"input": {"email": "a@b", "age": "old"}}, ["body", "input", "age"]),
        ({"input": ANA, "version": "9"}, ["body", "version"]),
        ({"input": ANA, "delay": "soon"}, ["body", "delay"]),
        ({"input": ANA, "delay": True}, ["body", "delay"]),
        ({"input": ANA, "delay": "9000y"}, ["body", "delay"]),
        ({"input": ANA, "delay": "1h", "at": "2126-01-01T00:00:00Z"}, ["body", "at"]),
        ({"input": ANA, "at": "2126-01-01T00:00:00"}, ["body", "at"]),
        ({"input": ANA, "idempotency_key": ""}, ["body", "idempotency_key"]),
        ({"input": ANA, "idempotency_key": "k" * 256}, ["body", "idempotency_key"]),
        ({"input": ANA, "attributes": {"a": [1]}}, ["body", "attributes", "a"]),
        ({"input": ANA, "attributes": {"a": "x" * 256}}, ["body", "attributes"]),
        ({"input": ANA, "status": "completed"}, ["body", "status"]),
        ({"input": ANA, "initiator": "root"}, ["body", "initiator"]),
    ],
)
def test_what_does_not_fit_is_named_and_nothing_is_written(
    body: dict[str, Any], loc: list[str], api: Program
) -> None:
    response = api.post(START, body)

    assert (response.status_code, code_of(response)) == (422, "invalid")
    assert loc in [error["loc"][: len(loc)] for error in response.json()["errors"]]
    assert (count(), OperatorAction.objects.count()) == (0, 0)


def test_an_input_that_makes_a_key_that_is_too_long(api: Program) -> None:
    response = api.post("/workflows/emails/by-key/runs", {"input": {"email": "a@" + "b" * 300}})

    assert (response.status_code, code_of(response)) == (422, "invalid")


def test_an_input_that_is_too_large(api: Program, settings: Any) -> None:
    settings.ORCHESTRATOR_MAX_PAYLOAD = 1_000

    response = api.post(START, {"input": {"email": "@" * 2_000}})

    assert (response.status_code, code_of(response)) == (413, "too-large")
    assert count() == 0


def test_a_workflow_that_there_is_not(api: Program) -> None:
    response = api.post("/workflows/nothing/runs", {})

    assert (response.status_code, code_of(response)) == (404, "unknown-workflow")


def test_who_may_see_may_not_start(program: MakeProgram) -> None:
    response = program("Viewer").post(START, {"input": ANA})

    assert (response.status_code, code_of(response)) == (403, "not-permitted")


def test_a_start_is_written_down_with_its_token(api: Program) -> None:
    run_id = api.post(START, {"input": ANA}).json()["id"]

    row = OperatorAction.objects.get()
    assert (row.action, str(row.run_id), row.actor_label) == ("start", run_id, "operator")
    assert row.via.startswith("test (")


# ---- the catalogue -------------------------------------------------------------------


def test_the_catalogue_lists_what_there_is(api: Program) -> None:
    api.post(START, {"input": ANA})

    found = {one["name"]: one for one in api.get("/workflows").json()["items"]}

    assert found["onboarding"]["version"] == "1"
    assert found["onboarding"]["summary"] == "Onboard a customer."
    assert found["onboarding"]["input_type"] == "Customer"
    assert [
        (one["version"], one["is_default"], one["active"])
        for one in found["onboarding"]["versions"]
    ] == [("1", True, 1), ("2", False, 0)]


def test_a_workflow_says_what_it_takes(api: Program) -> None:
    body = api.get("/workflows/onboarding").json()

    assert body["input_schema"]["required"] == ["email"]
    assert body["input_example"] == {"email": "", "age": 18}


def test_a_workflow_that_takes_nothing(api: Program) -> None:
    @workflow(name="bare")
    async def bare(ctx: Context) -> None:
        pass

    body = api.get("/workflows/bare").json()

    assert (body["takes_input"], body["input_schema"], body["input_example"]) == (False, None, None)
    assert api.post("/workflows/bare/runs", {}).status_code == 201
    assert api.post("/workflows/bare/runs", {"input": 1}).status_code == 422
