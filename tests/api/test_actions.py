"""Acting on runs: as in the browser, permitted, refused and written down."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission

from dashboard.models import OperatorAction
from orchestrator import Context, Retry, Run, models, workflow
from orchestrator.core.ids import uuid7
from orchestrator.testing.runs import Runs
from tests.api.conftest import MakeProgram, Program, code_of
from tests.dashboard.conftest import LoggedIn

VERBS = ["cancel", "pause", "resume", "retry", "fork", "skip-sleep"]


def audit() -> list[tuple[str, str, str]]:
    rows = OperatorAction.objects.order_by("id")
    return [(row.action, row.outcome, row.detail) for row in rows]


@pytest.fixture
def sleeping(runs: Runs) -> Run[str]:
    @workflow(name="sleepy")
    async def sleepy(ctx: Context) -> str:
        await ctx.sleep("30d", name="month")
        return "awake"

    return runs.start(sleepy)


def body_of(verb: str) -> dict[str, Any]:
    return {"step": "draft"} if verb == "fork" else {}


def test_cancel(api: Program, waiting: Run[None]) -> None:
    response = api.post(f"/runs/{waiting.id}/cancel", {"reason": "Wrong document"})

    assert response.status_code == 200
    assert response.json()["status"] in ("waiting", "cancelled")
    assert waiting.refresh().status == "cancelled"
    row = OperatorAction.objects.get()
    assert (row.action, row.reason, row.actor_label, row.ip) == (
        "cancel",
        "Wrong document",
        "operator",
        "127.0.0.1",
    )
    assert row.via.startswith("test (")


def test_the_audit_shows_the_token(api: Program, logged_in: LoggedIn, waiting: Run[None]) -> None:
    api.post(f"/runs/{waiting.id}/pause")

    page = logged_in("Admin").get(f"/ops/runs/{waiting.id}/?tab=audit").content.decode()

    assert "token test (" in page


def test_pause_and_resume(api: Program, runs: Runs, waiting: Run[None]) -> None:
    paused = api.post(f"/runs/{waiting.id}/pause")
    runs.send_event(waiting, "document.signed", {}, key="d-1")
    resumed = api.post(f"/runs/{waiting.id}/resume")

    assert [paused.json()["status"], resumed.status_code] == ["paused", 200]
    assert waiting.refresh().status == "completed"
    assert audit() == [("pause", "applied", ""), ("resume", "applied", "")]


def test_skip_a_sleep(api: Program, sleeping: Run[str]) -> None:
    wrong = api.post(f"/runs/{sleeping.id}/skip-sleep", {"key": "year"})
    right = api.post(f"/runs/{sleeping.id}/skip-sleep", {"key": "month"})

    assert [wrong.status_code, right.status_code] == [409, 200]
    assert sleeping.refresh().output == "awake"
    assert audit() == [
        ("skip sleep", "rejected", "the run has no sleep 'year'"),
        ("skip sleep", "applied", "Step month"),
    ]


@pytest.fixture
def order(runs: Runs) -> tuple[Run[Any], list[str]]:
    """A run that has failed at its second step, which would work now; and what was called."""
    calls: list[str] = []

    def call(name: str) -> str:
        calls.append(name)
        if calls == ["a", "b"]:
            raise ConnectionError("down")
        return name

    @workflow(name="two-steps")
    async def two_steps(ctx: Context, tag: str = "x") -> str:
        first = await ctx.step("a", call, "a")
        return tag + first + await ctx.step("b", call, "b", retry=Retry(max_attempts=1))

    return runs.start(two_steps), calls


def test_retry_goes_on_from_the_failed_step(
    api: Program, order: tuple[Run[Any], list[str]]
) -> None:
    run, calls = order

    response = api.post(f"/runs/{run.id}/retry", {"reason": "It is up again"})

    assert response.status_code == 200
    assert (run.refresh().output, calls) == ("xab", ["a", "b", "b"])


def test_retry_from_a_step_executes_it_again(
    api: Program, order: tuple[Run[Any], list[str]]
) -> None:
    run, calls = order

    response = api.post(f"/runs/{run.id}/retry", {"step": "a"})

    assert response.status_code == 200
    assert (run.refresh().output, calls) == ("xab", ["a", "b", "a", "b"])
    assert audit() == [("retry from", "applied", "Step a")]


def test_a_fork_has_the_results_before_its_step(
    api: Program, order: tuple[Run[Any], list[str]]
) -> None:
    run, calls = order

    response = api.post(f"/runs/{run.id}/fork", {"step": "b", "input": "y"})

    new = models.Run.objects.get(id=response.json()["id"])
    assert response.status_code == 201
    assert response.headers["Location"] == f"/api/v1/runs/{new.id}"
    assert (new.forked_from_id, new.initiator, new.output) == (run.id, "operator", '"yab"')
    assert calls == ["a", "b", "b"]
    assert run.refresh().status == "failed"
    assert audit() == [
        ("start", "applied", f"Forked from the run {run.id} at step b"),
        ("fork", "applied", f"Step b: made the run {new.id}"),
    ]


def test_a_fork_with_an_input_that_does_not_fit(
    api: Program, order: tuple[Run[Any], list[str]]
) -> None:
    run, _ = order

    response = api.post(f"/runs/{run.id}/fork", {"step": "b", "input": 7})

    assert (response.status_code, code_of(response)) == (422, "invalid")
    assert response.json()["errors"][0]["loc"] == ["body", "input"]
    assert models.Run.objects.count() == 1
    assert audit() == []


def test_a_fork_needs_the_permission_to_start_too(
    program: MakeProgram, order: tuple[Run[Any], list[str]]
) -> None:
    api = program("Operator")
    Group.objects.get(name="Operator").permissions.remove(
        Permission.objects.get(codename="start_run")
    )

    response = api.post(f"/runs/{order[0].id}/fork", {"step": "b"})

    assert (response.status_code, code_of(response)) == (403, "not-permitted")


@pytest.mark.parametrize(
    ("verb", "body", "said"),
    [
        ("retry", {}, "only a failed run can be retried; this one is waiting"),
        ("resume", {}, "a run that is waiting cannot be resumed"),
        ("skip-sleep", {}, "the run has no sleep"),
        ("fork", {"step": "nothing"}, "the run has no step 'nothing'"),
        ("retry", {"step": "draft"}, "only a run that failed or was cancelled"),
    ],
)
def test_what_the_state_does_not_allow_is_refused_in_the_engine_s_words(
    verb: str, body: dict[str, Any], said: str, api: Program, waiting: Run[None]
) -> None:
    before = models.Run.objects.get(id=waiting.id).rev

    response = api.post(f"/runs/{waiting.id}/{verb}", body)

    assert (response.status_code, code_of(response)) == (409, "refused")
    assert said in response.json()["detail"]
    assert models.Run.objects.get(id=waiting.id).rev == before
    [(_, outcome, detail)] = audit()
    assert (outcome, said in detail) == ("rejected", True)


def test_a_run_that_has_ended_cannot_be_stopped(api: Program, failed: Run[None]) -> None:
    response = api.post(f"/runs/{failed.id}/cancel", {})

    assert (response.status_code, code_of(response)) == (409, "refused")
    assert response.json()["detail"] == "The run has ended: failed"


def test_an_action_may_be_about_the_run_as_it_was_read(
    api: Program, runs: Runs, waiting: Run[None]
) -> None:
    tag = api.get(f"/runs/{waiting.id}").headers["ETag"]
    runs.send_event(waiting, "other", {})

    old = api.post(f"/runs/{waiting.id}/pause", if_match=tag)
    nonsense = api.post(f"/runs/{waiting.id}/pause", if_match='"abc"')
    now = api.get(f"/runs/{waiting.id}").headers["ETag"]
    new = api.post(f"/runs/{waiting.id}/pause", if_match=now)

    assert [old.status_code, nonsense.status_code, new.status_code] == [412, 412, 200]
    assert code_of(old) == "changed"
    assert [outcome for _, outcome, _ in audit()] == ["rejected", "rejected", "applied"]


def test_any_state_will_do(api: Program, waiting: Run[None]) -> None:
    assert api.post(f"/runs/{waiting.id}/pause", if_match="*").status_code == 200


@pytest.mark.parametrize("verb", VERBS)
def test_who_may_only_see_does_nothing(verb: str, program: MakeProgram, waiting: Run[None]) -> None:
    response = program("Viewer").post(f"/runs/{waiting.id}/{verb}", body_of(verb))

    assert (response.status_code, code_of(response)) == (403, "not-permitted")
    assert audit() == []


@pytest.mark.parametrize("verb", VERBS)
def test_a_token_that_only_reads_does_nothing(
    verb: str, program: MakeProgram, waiting: Run[None]
) -> None:
    reader = program("Operator", "runs:read")

    response = reader.post(f"/runs/{waiting.id}/{verb}", body_of(verb))

    assert (response.status_code, code_of(response)) == (403, "missing-scope")


@pytest.mark.parametrize("verb", VERBS)
def test_a_run_that_there_is_not(verb: str, api: Program) -> None:
    response = api.post(f"/runs/{uuid7()}/{verb}", body_of(verb))

    assert (response.status_code, code_of(response)) == (404, "unknown-run")


@pytest.mark.parametrize("verb", VERBS)
def test_what_changes_something_refuses_get(verb: str, api: Program, waiting: Run[None]) -> None:
    response = api.get(f"/runs/{waiting.id}/{verb}")

    assert (response.status_code, code_of(response)) == (405, "method-not-allowed")
    assert response.headers["Allow"] == "POST"
