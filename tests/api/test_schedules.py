"""Schedules: read, made, changed and acted on, permitted, refused and written down."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from dashboard.models import OperatorAction
from orchestrator import Context, get_schedule, schedule, workflow
from orchestrator.schedules import Schedule, declaring
from orchestrator.schedules.syncing import sync
from orchestrator.testing.runs import Runs
from tests.api.conftest import MakeProgram, Program, code_of


@pytest.fixture
def nightly(runs: Runs) -> Schedule:
    @workflow(name="report")
    async def report(ctx: Context, region: str = "DE") -> str:
        return region

    return schedule(report, cron="0 3 * * *", tz="Europe/Berlin", input="FR", name="nightly")


@pytest.fixture
def declared(nightly: Schedule, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a schedule that code declares."""
    from orchestrator.core.scheduling import wanted_of  # noqa: PLC0415
    from orchestrator.core.timing import timing  # noqa: PLC0415

    when = timing(cron=None, every="1h", tz=None)
    wanted = wanted_of("report", when, "DE", overlap="skip", catch_up="one", name="in-code")
    monkeypatch.setattr(declaring, "declared", {})
    monkeypatch.setitem(declaring.declared, "in-code", wanted)
    monkeypatch.setattr("orchestrator.schedules.syncing.declared", declaring.declared)
    monkeypatch.setattr("orchestrator.schedules.verbs.declared", declaring.declared)
    sync()
    return "in-code"


def audit() -> list[tuple[str, str, str]]:
    rows = OperatorAction.objects.order_by("id")
    return [(row.action, row.outcome, row.detail) for row in rows]


def test_a_schedule_is_shown_with_what_comes_next(api: Program, nightly: Schedule) -> None:
    response = api.get("/schedules/nightly")

    body = response.json()
    assert response.headers["ETag"] == f'W/"{body["rev"]}-schedule"'
    assert body["words"] == "At 03:00 every day (Europe/Berlin)"
    assert (body["cron"], body["every"], body["tz"]) == ("0 3 * * *", None, "Europe/Berlin")
    assert (body["state"], body["source"], body["input"]) == ("active", "operator", "FR")
    assert body["next_at"].startswith(f"{nightly.next_at:%Y-%m-%dT%H:%M}")


def test_who_may_not_see_payloads_sees_no_input(program: MakeProgram, nightly: Schedule) -> None:
    assert program("Viewer").get("/schedules/nightly").json()["input"] is None


def test_lists_go_on_by_name(api: Program, nightly: Schedule) -> None:
    for name in ("a", "z/1", "b"):
        api.put(f"/schedules/{name}", {"workflow": "report", "every": "1h"})

    first = api.get("/schedules", {"limit": 3}).json()
    rest = api.get("/schedules", {"limit": 3, "cursor": first["next_cursor"]}).json()

    assert [one["name"] for one in first["items"]] == ["a", "b", "nightly"]
    assert ([one["name"] for one in rest["items"]], rest["next_cursor"]) == (["z/1"], None)


def test_a_list_has_what_is_asked_for(api: Program, nightly: Schedule) -> None:
    api.put("/schedules/hourly", {"workflow": "report", "every": 3600})
    nightly.pause()
    api.delete("/schedules/hourly")

    def names(**query: Any) -> list[str]:
        return [one["name"] for one in api.get("/schedules", query).json()["items"]]

    assert names() == ["nightly"]
    assert names(state=["ended", "paused"]) == ["hourly", "nightly"]
    assert names(state="active") == []
    assert names(workflow="other") == []


def test_the_next_times_are_in_the_zone_of_the_schedule(api: Program, nightly: Schedule) -> None:
    query = {"count": 3, "after": "2027-03-27T00:00:00Z"}

    times = api.get("/schedules/nightly/times", query).json()["times"]

    assert times == [
        "2027-03-27T03:00:00+01:00",
        "2027-03-28T03:00:00+02:00",
        "2027-03-29T03:00:00+02:00",
    ]


def test_put_makes_a_schedule_and_then_changes_it(api: Program, nightly: Schedule) -> None:
    body = {"workflow": "report", "every": "1h", "input": "ES", "overlap": "queue"}

    made = api.put("/schedules/hourly", body)
    changed = api.put("/schedules/hourly", {**body, "every": "2h", "reason": "too often"})

    assert (made.status_code, made.json()["every"]) == (201, 3600.0)
    assert (changed.status_code, changed.json()["every"]) == (200, 7200.0)
    assert get_schedule("hourly").input == "ES"
    assert audit() == [("put schedule", "applied", "hourly")] * 2


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"every": "1h"}, ["body", "workflow"]),
        ({"workflow": "odd", "every": "1h"}, ["body", "workflow"]),
        ({"workflow": "report"}, ["body", "cron"]),
        ({"workflow": "report", "cron": "soon"}, ["body", "cron"]),
        ({"workflow": "report", "cron": "0 3 * * *", "tz": "Mars"}, ["body", "tz"]),
        ({"workflow": "report", "every": "1h", "tz": "UTC"}, ["body", "tz"]),
        ({"workflow": "report", "every": "1ms"}, ["body", "every"]),
        ({"workflow": "report", "every": "1h", "input": 7}, ["body", "input"]),
        ({"workflow": "report", "every": "1h", "overlap": "none"}, ["body", "overlap"]),
    ],
)
def test_a_wrong_schedule_is_refused_with_the_place(
    api: Program, nightly: Schedule, body: dict[str, Any], place: list[str]
) -> None:
    response = api.put("/schedules/hourly", body)

    assert (response.status_code, code_of(response)) == (422, "invalid")
    assert response.json()["errors"][0]["loc"] == place
    assert api.get("/schedules/hourly").status_code == 404


def test_a_name_that_none_can_have_is_refused(api: Program, nightly: Schedule) -> None:
    response = api.put("/schedules/.x", {"workflow": "report", "every": "1h"})

    assert response.json()["errors"][0]["loc"] == ["path", "name"]


def test_what_code_declares_is_not_changed_here(api: Program, declared: str) -> None:
    put = api.put(f"/schedules/{declared}", {"workflow": "report", "every": "2h"})
    deleted = api.delete(f"/schedules/{declared}")

    assert [code_of(put), code_of(deleted)] == ["refused", "refused"]
    assert "declared in code" in put.json()["detail"]
    assert get_schedule(declared).words == "Every 1:00:00"
    assert [outcome for _, outcome, _ in audit()] == ["rejected", "rejected"]


def test_pause_and_resume(api: Program, nightly: Schedule) -> None:
    paused = api.post("/schedules/nightly/pause", {"reason": "the partner is down"})
    again = api.post("/schedules/nightly/pause")
    resumed = api.post("/schedules/nightly/resume")

    assert (paused.json()["state"], paused.json()["next_at"]) == ("paused", None)
    assert paused.json()["paused_by"] == "operator"
    assert (again.status_code, code_of(again)) == (409, "refused")
    assert resumed.json()["state"] == "active"
    assert audit()[1] == (
        "pause schedule",
        "rejected",
        "nightly: a schedule that is paused cannot be paused",
    )


def test_trigger_starts_a_run_once_for_each_key(api: Program, nightly: Schedule) -> None:
    first = api.post("/schedules/nightly/trigger", idempotency_key="now")
    again = api.post("/schedules/nightly/trigger", idempotency_key="now")

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["id"] == again.json()["id"]
    assert first.headers["Location"] == f"/api/v1/runs/{first.json()['id']}"
    [run] = nightly.runs()
    assert (str(run.id), run.initiator) == (first.json()["id"], "operator")
    assert str(OperatorAction.objects.get().run_id) == first.json()["id"]


def test_trigger_of_what_todays_code_does_not_take_is_refused(
    api: Program, nightly: Schedule
) -> None:
    @workflow(name="report", version="2")
    async def report(ctx: Context, number: int) -> None: ...

    response = api.post("/schedules/nightly/trigger")

    assert (response.status_code, code_of(response)) == (409, "refused")
    assert nightly.runs() == []


def test_backfill_starts_what_was_missing(api: Program, nightly: Schedule) -> None:
    assert nightly.next_at
    end = nightly.next_at - timedelta(days=1)
    span = {"start": (end - timedelta(days=2)).isoformat(), "end": end.isoformat()}

    made = api.post("/schedules/nightly/backfill", span)
    late = api.post("/schedules/nightly/backfill", {**span, "end": "2500-01-01T00:00:00Z"})
    listed = api.get("/schedules/nightly/runs", {"limit": 2}).json()

    assert (made.status_code, len(made.json()["run_ids"])) == (201, 3)
    assert (late.status_code, late.json()["errors"][0]["loc"]) == (422, ["body", "end"])
    assert [one["id"] for one in listed["items"]] == made.json()["run_ids"][:0:-1]
    assert listed["next_cursor"]


def test_a_schedule_that_has_changed_since_is_left_alone(api: Program, nightly: Schedule) -> None:
    seen = api.get("/schedules/nightly").headers["ETag"]
    nightly.pause()

    body = {"workflow": "report", "every": "1h"}
    stale = [
        api.post("/schedules/nightly/resume", if_match=seen),
        api.post("/schedules/nightly/trigger", if_match=seen),
        api.put("/schedules/nightly", body, if_match=seen),
        api.put("/schedules/new", body, if_match=seen),
        api.delete("/schedules/nightly", if_match=seen),
    ]

    assert [(one.status_code, code_of(one)) for one in stale] == [(412, "changed")] * 5
    assert (nightly.refresh().state, nightly.words[:2]) == ("paused", "At")


def test_a_schedule_that_there_is_not(api: Program, nightly: Schedule) -> None:
    answers = [
        api.get("/schedules/x"),
        api.get("/schedules/x/runs"),
        api.get("/schedules/x/times"),
        api.delete("/schedules/x"),
        api.post(
            "/schedules/x/backfill", {"start": "2020-01-01T00:00Z", "end": "2020-01-02T00:00Z"}
        ),
        *(api.post(f"/schedules/x/{verb}") for verb in ("pause", "resume", "trigger")),
    ]

    assert {(one.status_code, code_of(one)) for one in answers} == {(404, "unknown-schedule")}
    assert audit() == []


@pytest.mark.parametrize(
    ("role", "scopes", "code"),
    [
        ("Viewer", [], "not-permitted"),
        ("Operator", ["schedules:read", "runs:write"], "missing-scope"),
    ],
)
def test_acting_needs_permission_and_scope(
    program: MakeProgram, nightly: Schedule, role: str, scopes: list[str], code: str
) -> None:
    caller = program(role, *scopes)

    refused = [
        caller.put("/schedules/nightly", {"workflow": "report", "every": "1h"}),
        caller.delete("/schedules/nightly"),
        caller.post("/schedules/nightly/pause"),
        caller.post("/schedules/nightly/trigger"),
    ]

    assert caller.get("/schedules/nightly").status_code == 200
    assert [(one.status_code, code_of(one)) for one in refused] == [(403, code)] * 4
    assert nightly.refresh().state == "active"
