"""Human tasks: as in the inbox, found, claimed, drafted and answered by a program."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission, User

from dashboard.models import ApiAnswer
from humantasks import human_task, inbox
from humantasks.models import HumanTask, TaskAudit, TaskDecision, TaskDraft
from orchestrator import Context, get_run, workflow
from orchestrator.testing.runs import Runs
from tests.api.conftest import Acting, Program, code_of
from tests.humantasks.conftest import DATA, Ask

APPROVE = {"outcome": "approve", "data": {"risk": "low"}}


def path(one: HumanTask, *parts: str) -> str:
    return "/".join(["/tasks", str(one.pk), *parts])


def titles(program: Program, **query: Any) -> list[str]:
    return [one["title"] for one in program.get("/tasks", query).json()["items"]]


# ---- reading ---------------------------------------------------------------------------------


def test_a_task_is_shown_with_what_is_judged(ann: Program, task: HumanTask) -> None:
    response = ann.get(path(task))

    body = response.json()
    assert response.headers["ETag"] == f'"{body["data_rev"]}.{body["seq"]}"'
    assert (body["ref"], body["type"], body["status"]) == (task.ref, "kyc-review", "ready")
    assert (body["team"], body["assignee"], body["priority"]) == ("compliance-team", None, "normal")
    assert (body["data"], body["run_id"]) == (DATA, str(task.run_id))


def test_the_data_is_for_who_may_judge_it(
    acting: Acting,
    carol: User,
    held: HumanTask,
    ann: Program,
) -> None:
    ann.post(path(held, "release"), {"reason": "I know Ada"})
    carol.user_permissions.add(Permission.objects.get(codename="view_humantask"))
    watcher = acting(carol)

    body = watcher.get(path(held)).json()
    reasons = {one["reason"] for one in watcher.get(path(held, "audit")).json()["items"]}

    assert (body["title"], body["payloads"], body["data"]) == (held.title, "hidden", None)
    assert reasons == {None}
    assert "I know Ada" in {one["reason"] for one in ann.get(path(held, "audit")).json()["items"]}


def test_next_claims_the_most_pressing(ann: Program, ask: Ask) -> None:
    ask(title="low", priority="low")
    ask(title="urgent", priority="urgent")

    first = ann.post("/tasks/next")
    of_type = [
        ann.post("/tasks/next", {"type": name}).status_code for name in ("odd", "kyc-review")
    ]

    assert (first.json()["title"], first.json()["assignee"]) == ("urgent", "alice")
    assert first.headers["ETag"]
    assert of_type == [204, 200]
    assert ann.post("/tasks/next").status_code == 204


def test_a_form_says_what_is_asked_and_what_may_be_done(
    ann: Program,
    held: HumanTask,
    acting: Acting,
    bob: User,
) -> None:
    mine, his = ann.get(path(held, "form")).json(), acting(bob).get(path(held, "form")).json()

    assert set(mine["form"]["properties"]) == {"risk", "sanctions_checked", "note"}
    assert [(one["name"], one["positive"], one["comment"]) for one in mine["outcomes"]] == [
        ("approve", True, "optional"),
        ("reject", False, "required"),
    ]
    assert [one["needs_form"] for one in mine["outcomes"]] == [True, False]
    own = ("claim", "release", "draft", "complete")
    assert [mine["operations"][one] for one in own] == [None] * 4
    assert [his["operations"][one] for one in own] == ["already_claimed"] + ["not_assignee"] * 3


def test_what_may_not_be_seen_does_not_exist(
    acting: Acting,
    carol: User,
    task: HumanTask,
) -> None:
    stranger = acting(carol)

    answers = [
        *(stranger.get(path(task, *parts)) for parts in ([], ["form"], ["audit"], ["draft"])),
        *(stranger.post(path(task, verb)) for verb in ("claim", "release")),
        stranger.post(path(task, "complete"), APPROVE),
        stranger.put(path(task, "draft"), {}),
    ]

    assert {(one.status_code, code_of(one)) for one in answers} == {(404, "unknown-task")}
    assert titles(stranger, view="all") == []


def test_views_are_those_of_the_inbox(ann: Program, ask: Ask, alice: User, bob: User) -> None:
    free, mine, his, done = (ask(title=name) for name in ("free", "mine", "his", "done"))
    inbox.claim(mine, user=alice)
    inbox.claim(his, user=bob)
    inbox.claim(done, user=alice)
    inbox.complete(done, user=alice, outcome="approve", data={"risk": "low"})

    assert titles(ann) == ["free"]
    assert titles(ann, view="mine") == ["mine"]
    assert titles(ann, view="open") == ["free", "mine", "his"]
    assert titles(ann, view="done") == ["done"]
    assert titles(ann, view="all") == ["done", "his", "mine", "free"]
    assert titles(ann, view="all", status=["ready", "completed"]) == ["done", "free"]
    assert titles(ann, run_id=str(free.run_id)) == ["free"]
    assert titles(ann, view="all", text=f"#{his.ref}") == ["his"]
    assert titles(ann, type="other") == []


@pytest.mark.parametrize("view", ["queue", "all"])
def test_lists_go_on_where_the_page_before_ended(ann: Program, ask: Ask, view: str) -> None:
    for number in range(5):
        ask(title=f"t{number}", priority="urgent" if number == 3 else "normal")
    pages, cursor = [], None
    while not pages or cursor:
        query = {"view": view, "limit": 2} | ({"cursor": cursor} if cursor else {})
        page = ann.get("/tasks", query).json()
        pages.append([one["title"] for one in page["items"]])
        cursor = page["next_cursor"]

    first = ["t3", "t0"] if view == "queue" else ["t4", "t3"]
    assert (pages[0], [len(page) for page in pages]) == (first, [2, 2, 1])
    assert {one for page in pages for one in page} == {f"t{number}" for number in range(5)}


def test_a_cursor_of_another_view_is_none(ann: Program, ask: Ask) -> None:
    ask(), ask()
    cursor = ann.get("/tasks", {"limit": 1}).json()["next_cursor"]

    response = ann.get("/tasks", {"view": "done", "cursor": cursor})

    assert response.json()["errors"][0]["loc"] == ["query", "cursor"]


# ---- acting ----------------------------------------------------------------------------------


def test_claim_answer_and_the_run_goes_on(ann: Program, task: HumanTask, runs: Runs) -> None:
    claimed = ann.post(path(task, "claim"))
    answered = ann.post(path(task, "complete"), {**APPROVE, "comment": "fine"})
    runs.drain()

    assert (claimed.json()["status"], claimed.json()["assignee"]) == ("claimed", "alice")
    body = answered.json()
    assert (answered.status_code, body["status"], body["outcome"]) == (200, "completed", "approve")
    assert body["completed_by"] == "alice"
    assert get_run(task.run_id).status == "completed"
    assert {entry.via for entry in TaskAudit.objects.exclude(verb="created")} == {"api"}
    entries, cursor = [], ""
    while cursor is not None:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = ann.get(path(task, "audit"), query).json()
        entries, cursor = entries + page["items"], page["next_cursor"]
    assert [(one["verb"], one["actor"]) for one in entries] == [
        ("created", None),
        ("claimed", "Alice"),
        ("completed", "Alice"),
    ]


def test_the_second_claim_is_told_who_was_faster(
    acting: Acting,
    bob: User,
    held: HumanTask,
) -> None:
    response = acting(bob).post(path(held, "claim"))

    body = response.json()
    assert (response.status_code, code_of(response)) == (409, "already_claimed")
    assert (body["by"], body["is_me"], body["task"]["status"]) == ("Alice", False, "claimed")
    assert "Alice has already claimed this task" in body["detail"]
    assert body["at"]


def test_release_keeps_the_draft(ann: Program, held: HumanTask) -> None:
    ann.put(path(held, "draft"), {"data": {"note": "half"}})

    response = ann.post(path(held, "release"))

    assert (response.json()["status"], response.json()["has_draft"]) == ("ready", True)
    assert code_of(ann.post(path(held, "complete"), APPROVE)) == "not_assignee"


def test_a_draft_comes_back_as_it_was_put(ann: Program, held: HumanTask) -> None:
    data = {"risk": "high", "sanctions_checked": True, "note": "see page 2"}

    put = ann.put(path(held, "draft"), {"data": data, "comment": "to do"})
    got = ann.get(path(held, "draft"))

    assert put.json() == got.json()
    assert (got.json()["data"], got.json()["comment"], got.json()["draft_rev"]) == (
        data,
        "to do",
        1,
    )
    assert TaskDraft.objects.get().data["data.risk"] == ["high"]


def test_a_draft_of_another_page_is_not_overwritten(ann: Program, held: HumanTask) -> None:
    ann.put(path(held, "draft"), {"data": {"note": "one"}})
    ann.put(path(held, "draft"), {"data": {"note": "two"}, "draft_rev": 1})

    late = ann.put(path(held, "draft"), {"data": {"note": "three"}, "draft_rev": 1})

    assert (late.status_code, code_of(late)) == (409, "draft_conflict")
    assert ann.get(path(held, "draft")).json()["data"]["note"] == "two"


def test_a_draft_of_what_the_form_does_not_ask_is_refused(ann: Program, held: HumanTask) -> None:
    response = ann.put(path(held, "draft"), {"data": {"risc": "low"}})

    [error] = response.json()["errors"]
    assert (response.status_code, error["loc"]) == (422, ["body", "data", "risc"])
    assert "It has: risk, sanctions_checked, note" in error["msg"]
    assert code_of(ann.get(path(held, "draft"))) == "not-found"


def test_a_late_draft_does_not_come_back(ann: Program, held: HumanTask) -> None:
    ann.post(path(held, "complete"), APPROVE)

    assert ann.put(path(held, "draft"), {"data": {"note": "late"}}).status_code == 204
    assert not TaskDraft.objects.exists()


@pytest.mark.parametrize(
    ("answer", "places"),
    [
        ({"outcome": "maybe"}, [["body", "outcome"]]),
        ({"outcome": "approve", "data": {"risk": "none"}}, [["body", "data", "risk"]]),
        ({"outcome": "approve"}, [["body", "data", "risk"]]),
        ({"outcome": "reject"}, [["body", "comment"]]),
        ({"outcome": "approve", "answer": {}}, [["body", "answer"]]),
    ],
)
def test_a_wrong_answer_is_refused_with_the_places(
    ann: Program, held: HumanTask, answer: dict[str, Any], places: list[list[str]]
) -> None:
    response = ann.post(path(held, "complete"), answer)

    assert (response.status_code, code_of(response)) == (422, "invalid")
    assert [one["loc"] for one in response.json()["errors"]] == places
    assert not TaskDecision.objects.exists()


def test_the_same_answer_twice_is_one_decision(ann: Program, held: HumanTask) -> None:
    form = {**APPROVE, "submission_id": str(uuid4())}
    twice = [ann.post(path(held, "complete"), form) for _ in range(2)]
    other = ann.post(path(held, "complete"), {**form, "comment": "no"})
    late = ann.post(path(held, "complete"), APPROVE)

    assert [one.status_code for one in twice] == [200, 200]
    assert (other.status_code, code_of(other)) == (409, "idempotency_mismatch")
    assert (late.status_code, code_of(late)) == (409, "already_completed")
    assert late.json()["is_me"] is True


def test_an_idempotency_key_gives_the_first_answer_again(
    ann: Program,
    task: HumanTask,
    bob: User,
) -> None:
    first = ann.post(path(task, "claim"), idempotency_key="k")
    HumanTask.objects.filter(pk=task.pk).update(assignee=bob)

    again = ann.post(path(task, "claim"), idempotency_key="k")

    assert first.json() == again.json()
    assert ApiAnswer.objects.count() == 1


def test_what_is_judged_must_be_what_was_seen(ann: Program, held: HumanTask) -> None:
    response = ann.post(path(held, "complete"), {**APPROVE, "data_rev": 2})

    assert (response.status_code, code_of(response)) == (409, "stale")


def test_a_task_that_has_changed_since_is_left_alone(
    ann: Program,
    task: HumanTask,
) -> None:
    seen = ann.get(path(task)).headers["ETag"]
    now = ann.post(path(task, "claim"), if_match=seen).headers["ETag"]

    stale = [
        ann.post(path(task, "release"), if_match=seen),
        ann.post(path(task, "complete"), APPROVE, if_match=seen),
        ann.put(path(task, "draft"), {}, if_match=seen),
    ]
    right = ann.post(path(task, "release"), if_match=now)

    assert {(one.status_code, code_of(one)) for one in stale} == {(412, "task-changed")}
    assert right.json()["status"] == "ready"


@pytest.mark.parametrize("headers", [{}, {"if_match": "*"}, {"idempotency_key": "k"}])
def test_who_started_the_run_may_not_answer_and_that_they_tried_is_kept(
    ann: Program,
    ask: Ask,
    alice: User,
    headers: dict[str, str],
) -> None:
    own = ask(initiator=alice)

    response = ann.post(path(own, "claim"), **headers)

    assert (response.status_code, code_of(response)) == (403, "sod")
    assert [entry.verb for entry in TaskAudit.objects.order_by("seq")][-1] == "claim_refused"
    assert ann.get(path(own, "form")).json()["operations"]["claim"] == "sod"


def test_a_withdrawn_task_says_so(ann: Program, held: HumanTask) -> None:
    get_run(held.run_id).cancel("not needed")

    response = ann.post(path(held, "complete"), APPROVE)

    assert (response.status_code, code_of(response)) == (409, "withdrawn")
    assert "not needed" in response.json()["detail"]


@pytest.mark.parametrize("scopes", [["runs:read", "runs:write"], ["tasks:read"]])
def test_a_token_needs_the_scope(
    acting: Acting,
    alice: User,
    task: HumanTask,
    scopes: list[str],
) -> None:
    program = acting(alice, *scopes)

    response = program.post(path(task, "claim"), idempotency_key="k")

    assert (response.status_code, code_of(response)) == (403, "missing-scope")
    assert response.json()["scope"] == "tasks:write"
    assert program.get(path(task)).status_code == (200 if "tasks:read" in scopes else 403)


def test_a_task_without_a_form_is_answered_without_data(
    runs: Runs, ann: Program, alice: User
) -> None:
    @workflow(name="plain")
    async def plain(ctx: Context) -> str | None:
        return (await human_task(ctx, "look", assign_to="compliance-team")).outcome

    run = runs.start(plain)
    asked = HumanTask.objects.get()
    form = ann.get(path(asked, "form")).json()
    ann.post(path(asked, "claim"))
    ann.post(path(asked, "complete"), {"outcome": "approve"})
    runs.drain()

    assert (form["form"], form["outcomes"][0]["needs_form"]) == (None, False)
    assert run.refresh().output == "approve"
