"""Machines: started, found, read, drawn, and moved by events, which they may refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import LazySettings
from pydantic import BaseModel

from dashboard.models import OperatorAction
from orchestrator import Retry, Run, action, models, state, state_machine, transition
from orchestrator.core.definition import registry
from orchestrator.machine import Machine
from orchestrator.state_machine import StateMachine
from orchestrator.testing.runs import Runs
from tests.api.conftest import MakeProgram, Program, code_of

ETAG = r'W/"\d+-visible"'


class Parcel(BaseModel):
    """The context of the machine."""

    number: str = "p-1"
    weight: int = 1
    password: str = "hunter2"


def is_light(context: Parcel, event: Any) -> bool:
    return bool(context.weight < event.limit)


def define(**more: Any) -> StateMachine[Parcel]:
    return state_machine(
        name="parcel",
        initial="packed",
        context=Parcel,
        states={
            "packed": state(on={"SEND": transition("sent", guard=is_light)}),
            "sent": state(on={"ARRIVE": transition("arrived")}),
            "arrived": state(type="final"),
            **more,
        },
    )


@pytest.fixture
def parcel(runs: Runs) -> StateMachine[Parcel]:
    return define()


@pytest.fixture
def machine(parcel: StateMachine[Parcel]) -> Machine[Parcel]:
    return parcel.start(Parcel(), initiator="ana")


@pytest.fixture
def post(api: Program, machine: Machine[Parcel]) -> Callable[..., Any]:
    """Send an event to the machine."""

    def post(name: str, payload: Any = None, **more: Any) -> Any:
        headers = {one: more.pop(one) for one in ("idempotency_key",) if one in more}
        body = {"name": name, "payload": payload, **more}
        return api.post(f"/machines/{machine.id}/events", body, **headers)

    return post


def test_a_machine_is_started_with_its_context(api: Program, parcel: StateMachine[Parcel]) -> None:
    body = {"input": {"number": "p-9"}, "idempotency_key": "p-9"}

    made, again = (api.post("/machines/parcel/runs", body) for _ in range(2))

    assert (made.status_code, again.status_code) == (201, 200)
    assert made.json()["id"] == again.json()["id"]
    assert made.headers["Location"] == f"/api/v1/machines/{made.json()['id']}"
    assert parcel.get(made.json()["id"]).context.number == "p-9"


def test_what_is_no_state_machine_is_not_started_as_one(api: Program, waiting: Run[None]) -> None:
    answers = [api.post(f"/machines/{name}/runs", {}) for name in ("signature", "odd")]

    assert [(one.status_code, code_of(one)) for one in answers] == [(404, "unknown-machine")] * 2


def test_a_machine_is_shown_with_its_state_and_what_it_takes(
    api: Program, machine: Machine[Parcel]
) -> None:
    response = api.get(f"/machines/{machine.id}")

    body = response.json()
    assert (body["workflow"], body["state"], body["takes"]) == ("parcel", "packed", ["SEND"])
    assert body["context"] == {"number": "p-1", "weight": 1, "password": "•••• redacted"}
    assert body["initiator"] == "ana"
    assert response.headers["ETag"] == f'W/"{body["rev"]}-visible"'


def test_who_may_not_see_payloads_sees_where_it_is(
    program: MakeProgram, machine: Machine[Parcel]
) -> None:
    machine.send("SEND", {"limit": 0}, actor="ana")
    viewer = program("Viewer")

    body = viewer.get(f"/machines/{machine.id}").json()
    [refused] = viewer.get(f"/machines/{machine.id}/history").json()["items"]

    assert (body["state"], body["payloads"], body["context"]) == ("packed", "hidden", None)
    assert (refused["event"], refused["accepted"]) == ("SEND", False)
    assert (refused["payload"], refused["guards"], refused["refused_because"]) == (None, [], None)


def test_an_event_of_which_the_run_has_failed_names_the_error(
    program: MakeProgram, runs: Runs
) -> None:
    def jam(context: Any) -> None:
        raise OSError("paper jam")

    once = action(jam, retry=Retry(max_attempts=1))
    machine = state_machine(
        name="printer",
        initial="idle",
        states={"idle": state(on={"PRINT": "busy"}), "busy": state(on_enter=once)},
    ).start()
    address = f"/machines/{machine.id}"

    told = program("Operator").post(f"{address}/events", {"name": "PRINT"}).json()
    [hidden] = program("Viewer").get(f"{address}/history").json()["items"]

    assert (told["accepted"], told["outcome"], told["done"]) == (True, "failed", False)
    assert told["failed_because"] == "OSError: paper jam (in jam)"
    assert (hidden["outcome"], hidden["failed_because"]) == ("failed", None)


def test_an_accepted_event_says_where_it_led(post: Any, machine: Machine[Parcel]) -> None:
    response = post("SEND", {"limit": 5})

    body = response.json()
    assert response.status_code == 200
    assert (body["from_state"], body["to_state"], body["accepted"]) == ("packed", "sent", True)
    assert (body["actor"], body["payload"], body["done"]) == ("operator", {"limit": 5}, True)
    assert machine.refresh().state == "sent"
    row = OperatorAction.objects.get()
    assert (row.action, row.outcome, row.detail) == ("send event", "applied", "SEND")
    assert row.run_id == machine.id


def test_a_refused_event_says_why(post: Any, machine: Machine[Parcel]) -> None:
    by_guard, by_state = post("SEND", {"limit": 1}), post("ARRIVE")

    assert [one.status_code for one in (by_guard, by_state)] == [200, 200]
    assert by_guard.json()["refused_because"] == "not so: is_light"
    assert by_guard.json()["guards"][0]["passed"] is False
    assert by_state.json()["refused_because"] == "packed does not take ARRIVE; it takes SEND"
    assert machine.refresh().state == "packed"


def test_the_same_id_is_one_event_with_one_answer(post: Any, machine: Machine[Parcel]) -> None:
    first = post("SEND", {"limit": 5}, event_id="e-1")
    again = post("SEND", {"limit": 5}, idempotency_key="e-1")
    other = post("ARRIVE", idempotency_key="e-1")

    assert first.json() == again.json()
    assert (other.status_code, code_of(other)) == (409, "idempotency-conflict")
    assert len(machine.history) == OperatorAction.objects.count() == 1


def test_a_machine_that_has_ended_takes_nothing(post: Any, machine: Machine[Parcel]) -> None:
    machine.send("SEND", {"limit": 5})
    machine.send("ARRIVE")

    late = post("SEND", {"limit": 5})

    assert (late.status_code, code_of(late)) == (409, "refused")
    assert late.json()["detail"] == "The event was not sent: the run has completed."
    assert OperatorAction.objects.get().outcome == "rejected"


def test_a_machine_whose_mailbox_is_full_takes_events_later(
    post: Any, machine: Machine[Parcel], settings: LazySettings
) -> None:
    settings.ORCHESTRATOR_MAX_MAILBOX = 1
    machine.pause()
    machine.send("SEND", {"limit": 5}, wait=False)

    response = post("SEND", {"limit": 5})

    assert (response.status_code, code_of(response)) == (429, "too-many-requests")
    assert response.headers["Retry-After"] == "1"


def test_an_event_that_nobody_has_judged_yet_is_told_later(
    api: Program, machine: Machine[Parcel], settings: LazySettings
) -> None:
    settings.ORCHESTRATOR_API_LONG_POLL = 0
    machine.pause()

    sent = api.post(f"/machines/{machine.id}/events", {"name": "SEND", "payload": {"limit": 5}})
    machine.resume()

    assert (sent.status_code, sent.json()["accepted"]) == (202, None)
    assert "not judged yet" in sent.json()["refused_because"]
    [told] = api.get(f"/machines/{machine.id}/history").json()["items"]
    assert (told["number"], told["accepted"]) == (sent.json()["number"], True)


@pytest.mark.parametrize(
    ("name", "payload", "answer"),
    [
        ("SEND", {"limit": 5}, (True, "sent", None)),
        ("SEND", {"limit": 0}, (False, "packed", "not so: is_light")),
        ("ARRIVE", None, (False, "packed", "packed does not take ARRIVE; it takes SEND")),
    ],
)
def test_can_asks_and_changes_nothing(
    api: Program, machine: Machine[Parcel], name: str, payload: Any, answer: tuple[Any, ...]
) -> None:
    rev = machine.refresh()._row.rev

    body = api.post(f"/machines/{machine.id}/can", {"name": name, "payload": payload}).json()

    assert (body["accepted"], body["to_state"], body["refused_because"]) == answer
    assert (machine.refresh()._row.rev, machine.history, machine.events) == (rev, [], [])


def test_the_history_goes_on_page_by_page(api: Program, machine: Machine[Parcel]) -> None:
    for number in range(5):
        machine.send(f"ODD{number}")
    machine.send("SEND", {"limit": 5})
    machine.send("ARRIVE")
    address = f"/machines/{machine.id}/history"

    pages, cursor = [], None
    while not pages or cursor:
        page = api.get(address, {"limit": 3} | ({"cursor": cursor} if cursor else {})).json()
        pages.append([one["event"] for one in page["items"]])
        cursor = page["next_cursor"]

    assert pages == [["ODD0", "ODD1", "ODD2"], ["ODD3", "ODD4", "SEND"], ["ARRIVE"]]


def test_an_event_that_came_too_late_is_in_the_history(
    api: Program, machine: Machine[Parcel]
) -> None:
    machine.pause()
    machine.send("SEND", {"limit": 5}, wait=False)
    machine.cancel()

    [late] = api.get(f"/machines/{machine.id}/history").json()["items"]

    assert (late["event"], late["accepted"], late["outcome"]) == ("SEND", None, "waiting")
    assert late["refused_because"] == (
        "not judged: the machine had been cancelled before it came to this event"
    )


def test_machines_are_found_by_state(
    api: Program, parcel: StateMachine[Parcel], waiting: Run[None]
) -> None:
    one, two, three = (parcel.start(Parcel()) for _ in range(3))
    two.send("SEND", {"limit": 5})

    def found(**query: Any) -> list[str]:
        return [item["id"] for item in api.get("/machines", query).json()["items"]]

    assert found() == [str(three.id), str(two.id), str(one.id)]
    assert found(machine="parcel", state="sent") == [str(two.id)]
    assert found(machine="parcel", state="packed", limit=1) == [str(three.id)]
    assert found(status="completed") == []


@pytest.mark.parametrize(
    ("query", "place", "words"),
    [
        ({"state": "sent"}, "state", "give `machine` too"),
        ({"machine": "odd"}, "machine", "There are: "),
        ({"machine": "parcel", "state": "odd"}, "state", "It has: packed, sent, arrived"),
    ],
)
def test_a_filter_that_fits_nothing_says_what_there_is(
    api: Program, parcel: StateMachine[Parcel], query: dict[str, str], place: str, words: str
) -> None:
    response = api.get("/machines", query)

    [error] = response.json()["errors"]
    assert (response.status_code, error["loc"]) == (422, ["query", place])
    assert words in error["msg"]


def test_an_ordinary_run_is_no_machine(api: Program, waiting: Run[None]) -> None:
    answers = [
        api.get(f"/machines/{waiting.id}"),
        api.get(f"/machines/{waiting.id}/history"),
        api.get(f"/machines/{waiting.id}/diagram"),
        api.post(f"/machines/{waiting.id}/can", {"name": "X"}),
        api.post(f"/machines/{waiting.id}/events", {"name": "X"}),
    ]

    assert {(one.status_code, code_of(one)) for one in answers} == {(404, "unknown-machine")}
    assert "which is no state machine" in answers[0].json()["detail"]


def test_a_machine_whose_state_is_gone_is_still_shown(
    api: Program, machine: Machine[Parcel]
) -> None:
    checkpoint = machine.refresh()._row.checkpoint
    assert checkpoint
    models.Run.objects.filter(id=machine.id).update(
        state="lost", checkpoint=checkpoint.replace("packed", "lost")
    )

    shown = api.get(f"/machines/{machine.id}")
    drawn = api.get(f"/machines/{machine.id}/diagram")
    asked = api.post(f"/machines/{machine.id}/can", {"name": "SEND"})

    assert (shown.status_code, shown.json()["state"], shown.json()["takes"]) == (200, "lost", [])
    assert drawn.status_code == 200
    assert "in 'lost', which is no state any more" in shown.json()["trouble"]
    assert (asked.status_code, asked.json()["accepted"]) == (200, False)


def test_a_machine_without_code_is_none_here(
    api: Program, machine: Machine[Parcel], monkeypatch: pytest.MonkeyPatch
) -> None:
    models.Run.objects.filter(id=machine.id).update(version="0")

    response = api.get(f"/machines/{machine.id}")

    assert (response.status_code, code_of(response)) == (404, "unknown-machine")
    assert registry.get("parcel").version == "1"


def test_sending_needs_permission_and_scope(program: MakeProgram, machine: Machine[Parcel]) -> None:
    callers = [program("Viewer"), program("Operator", "runs:read", "runs:write")]

    refused = [one.post(f"/machines/{machine.id}/events", {"name": "SEND"}) for one in callers]

    assert [code_of(one) for one in refused] == ["not-permitted", "missing-scope"]
    assert machine.events == []


# ---- diagrams --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("format_", "media_type", "begins"),
    [
        ("svg", "image/svg+xml", "<svg"),
        ("mermaid", "text/vnd.mermaid; charset=utf-8", "stateDiagram"),
        ("dot", "text/vnd.graphviz; charset=utf-8", "digraph"),
    ],
)
def test_a_chart_is_drawn_in_three_formats(
    api: Program, machine: Machine[Parcel], format_: str, media_type: str, begins: str
) -> None:
    of_chart = api.get("/workflows/parcel/diagram", {"format": format_})
    of_machine = api.get(f"/machines/{machine.id}/diagram", {"format": format_})

    for drawn in (of_chart, of_machine):
        assert (drawn.status_code, drawn.headers["Content-Type"]) == (200, media_type)
        assert begins in drawn.content.decode()[:200]


def test_the_svg_of_a_machine_marks_its_state(
    api: Program, parcel: StateMachine[Parcel], machine: Machine[Parcel]
) -> None:
    machine.send("SEND", {"limit": 5})

    drawn = api.get(f"/machines/{machine.id}/diagram").content.decode()

    assert drawn == parcel.to_svg(current="sent") != parcel.to_svg()


def test_the_path_of_a_run_is_drawn(api: Program, waiting: Run[None]) -> None:
    drawn = api.get(f"/runs/{waiting.id}/diagram")

    assert drawn.headers["Content-Type"] == "image/svg+xml"
    assert "document.signed" in drawn.content.decode()


def test_a_workflow_has_no_chart(api: Program, waiting: Run[None]) -> None:
    plain, unknown = (api.get(f"/workflows/{name}/diagram") for name in ("signature", "odd"))

    assert (plain.status_code, code_of(plain)) == (404, "no-diagram")
    assert (unknown.status_code, code_of(unknown)) == (404, "unknown-workflow")
    assert api.get("/workflows/signature").json()["diagram"] is None


def test_the_catalogue_has_the_chart_of_a_machine(
    api: Program, parcel: StateMachine[Parcel]
) -> None:
    body = api.get("/workflows/parcel").json()

    assert (body["is_machine"], body["events"]) == (True, ["SEND", "ARRIVE"])
    assert body["diagram"] == parcel.to_mermaid()
