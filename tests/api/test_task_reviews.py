"""Tasks that several people decide: checked, returned and voted on by programs."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User

from humantasks import HumanTaskType, Quorum, human_task_type
from humantasks.models import HumanTask, TaskDecision
from orchestrator import get_run
from orchestrator.testing.runs import Runs
from tests.api.conftest import Acting, Program, code_of
from tests.api.test_task_verbs import may
from tests.api.test_tasks import path, titles
from tests.humantasks.conftest import Ask
from tests.humantasks.proposing import propose


@pytest.fixture
def proposed(two_look: Ask, alice: User) -> HumanTask:
    """What Alice has proposed, and somebody else has to check."""
    task = two_look()
    propose(task, alice)
    return task


@pytest.fixture
def cleo(acting: Acting, chief: User) -> Program:
    """A program of the one who checks."""
    return acting(chief)


@pytest.fixture
def ballot(ask: Ask, alice: User, bob: User) -> HumanTask:
    @human_task_type("ballot")
    class Ballot(HumanTaskType):
        review = Quorum(2, of=2, blind=True)

    return ask(type="ballot")


def answer(**more: Any) -> dict[str, Any]:
    return {"outcome": "approve", "data": {"risk": "low"}, **more}


def test_a_check_is_found_taken_and_approved(
    cleo: Program, proposed: HumanTask, runs: Runs
) -> None:
    found = titles(cleo, view="check")
    taken = cleo.post(path(proposed, "claim")).json()
    approved = cleo.post(path(proposed, "approve"), {"comment": "agreed"}).json()
    runs.drain()

    assert found == [proposed.title]
    assert (taken["status"], taken["assignee"], taken["review"]["seat"]) == (
        "in_review",
        None,
        "taken",
    )
    [said] = taken["review"]["said"]
    assert (said["user"], said["kind"], said["outcome"], said["comment"]) == (
        "alice",
        "proposal",
        "approve",
        "looks good",
    )
    assert said["data"]["note"] == "see page 2"
    assert (approved["status"], approved["completed_by"]) == ("completed", "alice")
    assert [one.user for one in get_run(proposed.run_id).result(timeout=0).reviewers] == [
        "alice",
        "cleo",
    ]


def test_a_return_brings_it_back(cleo: Program, ann: Program, proposed: HumanTask) -> None:
    cleo.post(path(proposed, "claim"))
    without = cleo.post(path(proposed, "return"), {"comment": " "})
    returned = cleo.post(path(proposed, "return"), {"comment": "Which page?"})

    mine = ann.get(path(proposed)).json()
    assert (without.status_code, code_of(without)) == (422, "invalid")
    assert (returned.json()["round"], returned.json()["assignee"]) == (2, "alice")
    assert (mine["has_draft"], mine["review"]["said"][-1]["comment"]) == (True, "Which page?")
    assert ann.get(path(proposed, "draft")).json()["data"]["note"] == "see page 2"


@pytest.mark.parametrize("verb", ["claim", "approve", "return"])
def test_who_proposed_does_none_of_it(ann: Program, proposed: HumanTask, verb: str) -> None:
    body = {"comment": "So"} if verb == "return" else None

    response = ann.post(path(proposed, verb), body)

    expected = (403, "sod") if verb == "claim" else (409, "wrong_state")
    assert (response.status_code, code_of(response)) == expected
    assert titles(ann, view="check") == []
    assert not TaskDecision.objects.exclude(kind="proposal").exists()


def test_a_form_says_beforehand_what_may_be_done(
    cleo: Program, ann: Program, proposed: HumanTask
) -> None:
    before = cleo.get(path(proposed, "form")).json()["operations"]
    cleo.post(path(proposed, "claim"))
    sits = cleo.get(path(proposed, "form")).json()["operations"]
    own = ann.get(path(proposed, "form")).json()["operations"]

    assert (before["claim"], before["approve"]) == (None, "wrong_state")
    assert {sits[one] for one in ("claim", "release", "approve", "return", "draft")} == {None}
    assert (own["claim"], own["approve"]) == ("sod", "not_assignee")
    assert "vote" not in own


def test_votes_are_not_told_before_the_end(
    ann: Program, acting: Acting, bob: User, ballot: HumanTask, runs: Runs
) -> None:
    his = acting(bob)
    for voter in (ann, his):
        voter.post(path(ballot, "claim"))
    first = ann.post(path(ballot, "vote"), answer(comment="sure")).json()
    told = his.get(path(ballot)).json()["review"]
    audit = his.get(path(ballot, "audit")).json()["items"][-1]

    last = his.post(path(ballot, "vote"), answer()).json()
    runs.drain()

    assert (first["status"], first["review"]["seat"], first["review"]["votes"]) == (
        "in_review",
        "done",
        1,
    )
    assert (told["blind"], told["votes"], told["said"]) == (True, 1, [])
    assert (audit["verb"], audit["code"], audit["reason"]) == ("voted", None, None)
    assert (last["status"], [one["user"] for one in last["review"]["said"]]) == (
        "completed",
        ["alice", "bob"],
    )
    assert get_run(ballot.run_id).result(timeout=0).approved


def test_a_vote_is_changed_and_sent_again(ann: Program, ballot: HumanTask) -> None:
    ann.post(path(ballot, "claim"))
    form = answer(submission_id=str(uuid4()))

    twice = [ann.post(path(ballot, "vote"), form).status_code for _ in range(2)]
    changed = ann.post(path(ballot, "vote"), {"outcome": "reject", "comment": "no"}).json()

    assert twice == [200, 200]
    assert (changed["review"]["votes"], changed["review"]["said"][0]["outcome"]) == (1, "reject")


def test_where_one_decides_nobody_votes(ann: Program, held: HumanTask) -> None:
    response = ann.post(path(held, "vote"), answer())

    assert (response.status_code, code_of(response)) == (409, "no-vote")


def test_who_may_not_see_the_data_is_told_no_reasons(
    acting: Acting, carol: User, proposed: HumanTask
) -> None:
    watcher = acting(may(carol, "view_humantask"))

    review = watcher.get(path(proposed)).json()["review"]

    assert (review["open_seats"], review["said"]) == (1, [])
