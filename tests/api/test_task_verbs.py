"""What a program may do with a human task beside answering it: as in the inbox, by its rules."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User

from humantasks import HumanTaskType, human_task_type, inbox
from humantasks.models import HumanTask, TaskAudit, TaskComment, TeamProfile
from orchestrator import clock, get_run
from orchestrator.testing.runs import Runs
from tests.api.conftest import Acting, Program, code_of
from tests.api.test_tasks import path
from tests.conftest import Person
from tests.humantasks.conftest import Ask


@pytest.fixture
def lead(alice: User, person: Person) -> User:
    """Lena leads Alice's and Bob's team, and is not in it."""
    lena = person("lena", first_name="Lena")
    team = Group.objects.get(name="compliance-team")
    TeamProfile.objects.create(group=team).leads.add(lena)
    return lena


@pytest.fixture
def led(acting: Acting, lead: User) -> Program:
    """A program of Lena's."""
    return acting(lead)


def may(user: User, codename: str) -> User:
    user.user_permissions.add(Permission.objects.get(codename=codename))
    return User.objects.get(pk=user.pk)


def errors(response: Any) -> list[list[str]]:
    assert (response.status_code, code_of(response)) == (422, "invalid")
    return [one["loc"] for one in response.json()["errors"]]


def last_entry() -> TaskAudit:
    return TaskAudit.objects.latest("id")


# ---- handing on ------------------------------------------------------------------------------


def test_a_lead_assigns_and_the_audit_says_through_which_door(
    led: Program,
    task: HumanTask,
    bob: User,
) -> None:
    response = led.post(path(task, "assign"), {"to": "bob", "note": "you know him"})

    assert (response.status_code, response.json()["assignee"]) == (200, "bob")
    assert response.headers["ETag"] == f'"1.{response.json()["seq"]}"'
    entry = last_entry()
    assert (entry.verb, entry.via, entry.reason) == ("assigned", "api", "you know him")


def test_nobody_but_a_lead_assigns(ann: Program, task: HumanTask, bob: User) -> None:
    response = ann.post(path(task, "assign"), {"to": "bob"})

    assert (response.status_code, code_of(response)) == (403, "not_lead")


@pytest.mark.parametrize("who", ["carol", "nobody"])
def test_who_is_none_of_the_team_is_not_told_apart_from_nobody(
    led: Program,
    carol: User,
    task: HumanTask,
    who: str,
) -> None:
    response = led.post(path(task, "assign"), {"to": who})

    assert errors(response) == [["body", "to"]]
    assert f"nobody called '{who}'" in response.json()["errors"][0]["msg"]


def test_who_must_not_answer_is_not_assigned(led: Program, ask: Ask, alice: User) -> None:
    own = ask(initiator=alice)

    assert errors(led.post(path(own, "assign"), {"to": "alice"})) == [["body", "to"]]
    assert HumanTask.objects.get().assignee is None


def test_a_delegated_task_names_both(ann: Program, held: HumanTask, bob: User, runs: Runs) -> None:
    response = ann.post(path(held, "delegate"), {"to": "bob"})
    inbox.complete(held, user=bob, outcome="approve", data={"risk": "low"})
    runs.drain()

    assert (response.json()["assignee"], response.json()["owner"]) == ("bob", "alice")
    result = get_run(held.run_id).result(timeout=0)
    assert (result.completed_by, result.on_behalf_of) == ("bob", "alice")


def test_a_task_is_moved_to_another_team(led: Program, held: HumanTask, carol: User) -> None:
    response = led.post(path(held, "move"), {"to": "editors"})

    assert (response.json()["team"], response.json()["status"]) == ("editors", "ready")
    assert response.json()["payloads"] == "hidden"


def test_a_team_that_is_none_is_named(led: Program, held: HumanTask) -> None:
    response = led.post(path(held, "move"), {"to": "editors"})

    assert errors(response) == [["body", "to"]]


def test_a_task_that_was_let_pass_is_not_served_again(ann: Program, held: HumanTask) -> None:
    response = ann.post(path(held, "let-pass"), {"reason": "not my language"})

    assert response.json()["status"] == "ready"
    assert ann.post("/tasks/next").status_code == 204


def test_a_conflict_that_is_declared_keeps_one_out(ann: Program, held: HumanTask) -> None:
    ann.post(path(held, "declare-conflict"), {"reason": "my brother"})

    response = ann.post(path(held, "claim"))

    assert (response.status_code, code_of(response)) == (403, "sod")


def test_a_task_is_escalated_to_the_team_above(
    ann: Program,
    held: HumanTask,
    lead: User,
) -> None:
    no_team = ann.post(path(held, "escalate"), {"note": "too large for me"})
    above = TeamProfile.objects.create(group=Group.objects.create(name="head"))
    TeamProfile.objects.filter(group__name="compliance-team").update(parent=above)

    response = ann.post(path(held, "escalate"), {"note": "too large for me"})

    assert errors(no_team) == [["body"]]
    assert (response.json()["escalation_level"], response.json()["priority"]) == (1, "high")


# ---- putting aside ---------------------------------------------------------------------------


def test_a_task_is_put_aside_and_taken_up(ann: Program, held: HumanTask) -> None:
    until = clock.now() + timedelta(hours=3)

    aside = ann.post(path(held, "snooze"), {"until": until.isoformat()}).json()
    woken = ann.post(path(held, "wake")).json()
    again = ann.post(path(held, "wake"))

    assert (aside["status"], aside["pause_kind"], bool(aside["paused_until"])) == (
        "paused",
        "snooze",
        True,
    )
    assert (woken["status"], woken["pause_kind"], woken["paused_until"]) == ("claimed", None, None)
    assert (again.status_code, code_of(again)) == (409, "wrong_state")


@pytest.mark.parametrize("until", ["2001-01-01T00:00:00Z", "tomorrow", 17])
def test_a_time_that_has_passed_is_none_to_wait_for(
    ann: Program,
    held: HumanTask,
    until: object,
) -> None:
    assert errors(ann.post(path(held, "snooze"), {"until": until})) == [["body", "until"]]


# ---- how pressing it is ----------------------------------------------------------------------


def test_a_lead_changes_priority_and_due_time(led: Program, held: HumanTask) -> None:
    due = clock.now() + timedelta(days=2)

    response = led.patch(path(held), {"priority": "urgent", "due_at": due.isoformat()})

    body = response.json()
    assert (body["priority"], body["data_rev"], body["assignee"]) == ("urgent", 1, "alice")
    assert body["due_at"][:16] == due.isoformat()[:16]


def test_both_are_changed_or_neither(led: Program, ask: Ask) -> None:
    due = ask(due="2d")

    response = led.patch(path(due), {"priority": "urgent", "due_at": None})
    with_reason = led.patch(path(due), {"due_at": None, "reason": "the customer is away"})

    assert errors(response) == [["body", "reason"]]
    assert with_reason.json()["priority"] == "normal"
    assert with_reason.json()["due_at"] is None


def test_what_is_left_out_stays(led: Program, ask: Ask) -> None:
    due = ask(due="2d")

    body = led.patch(path(due), {"priority": "low"}).json()

    assert (body["priority"], bool(body["due_at"])) == ("low", True)
    assert led.patch(path(due), {}).json()["seq"] == body["seq"]


def test_who_holds_a_task_does_not_change_how_pressing_it_is(
    ann: Program,
    held: HumanTask,
) -> None:
    response = ann.patch(path(held), {"priority": "low"})

    assert (response.status_code, code_of(response)) == (403, "not_lead")


# ---- ends ------------------------------------------------------------------------------------


def test_a_task_that_cannot_be_done_fails_the_workflow(
    ann: Program,
    held: HumanTask,
    runs: Runs,
) -> None:
    response = ann.post(path(held, "fail"), {"reason": "No papers"})
    runs.drain()

    assert response.json()["status"] == "failed"
    assert get_run(held.run_id).status == "failed"


def test_an_operator_skips_a_task(acting: Acting, oscar: User, held: HumanTask) -> None:
    operator = acting(may(may(oscar, "operate_run"), "view_humantask"))

    response = operator.post(path(held, "skip"), {"reason": "The order is gone"})

    assert response.json()["status"] == "skipped"
    late = operator.post(path(held, "skip"), {"reason": "again"})
    assert (late.status_code, code_of(late)) == (409, "already_completed")


def test_a_lead_skips_what_its_type_lets_be_skipped(led: Program, ask: Ask) -> None:
    @human_task_type("may-skip")
    class MaySkip(HumanTaskType):
        skippable = True

    strict, lax = ask(name="a"), ask(name="b", type="may-skip", form=None)

    answers = [led.post(path(one, "skip"), {"reason": "done"}) for one in (strict, lax)]

    assert [one.status_code for one in answers] == [403, 200]
    assert code_of(answers[0]) == "not_allowed"


def test_an_override_is_stamped(
    acting: Acting,
    oscar: User,
    held: HumanTask,
    runs: Runs,
) -> None:
    body = {"outcome": "approve", "data": {"risk": "low"}, "reason": "The board decided"}
    without = acting(may(oscar, "view_humantask")).post(path(held, "override"), body)
    chief = acting(may(oscar, "override_task"))
    wrong = chief.post(path(held, "override"), {**body, "outcome": "maybe"})

    response = chief.post(path(held, "override"), body)
    runs.drain()

    assert (without.status_code, code_of(without)) == (403, "not_allowed")
    assert errors(wrong) == [["body", "outcome"]]
    assert response.json()["completed_by"] == "oscar"
    assert get_run(held.run_id).result(timeout=0).override is True


# ---- what holds for all of them --------------------------------------------------------------

VERBS: dict[str, Any] = {
    "assign": {"to": "bob"},
    "delegate": {"to": "bob"},
    "move": {"to": "compliance-team"},
    "let-pass": {},
    "snooze": {"until": "2999-01-01T00:00:00Z"},
    "wake": None,
    "request-info": {"question": "Well?", "of": "bob"},
    "withdraw-question": None,
    "answer": {"text": "So"},
    "comments": {"text": "So"},
    "escalate": {"note": "So"},
    "declare-conflict": {"reason": "So"},
    "fail": {"reason": "So"},
    "skip": {"reason": "So"},
    "override": {"outcome": "reject", "reason": "So"},
}


@pytest.mark.parametrize("verb", VERBS)
def test_what_may_not_be_seen_is_not_acted_on(
    acting: Acting,
    carol: User,
    held: HumanTask,
    bob: User,
    verb: str,
) -> None:
    response = acting(carol).post(path(held, verb), VERBS[verb])

    assert (response.status_code, code_of(response)) == (404, "unknown-task")


@pytest.mark.parametrize("verb", VERBS)
def test_a_task_that_has_changed_since_is_not_acted_on(
    ann: Program,
    held: HumanTask,
    bob: User,
    verb: str,
) -> None:
    before = TaskAudit.objects.count()

    response = ann.post(path(held, verb), VERBS[verb], if_match='"1.0"')

    assert (response.status_code, code_of(response)) == (412, "task-changed")
    assert TaskAudit.objects.count() == before


@pytest.mark.parametrize("verb", VERBS)
def test_a_form_says_beforehand_what_a_verb_would_answer(
    ann: Program,
    held: HumanTask,
    bob: User,
    verb: str,
) -> None:
    name = "comment" if verb == "comments" else verb
    told = ann.get(path(held, "form")).json()["operations"][name]

    response = ann.post(path(held, verb), VERBS[verb])

    # The team above is missing, which only the verb looks for.
    answered = None if response.status_code < 300 or verb == "escalate" else code_of(response)
    assert told == answered


def test_a_key_lets_a_verb_be_sent_again(ann: Program, held: HumanTask, bob: User) -> None:
    body = {"question": "Well?", "of": "bob"}

    twice = [ann.post(path(held, "request-info"), body, idempotency_key="k") for _ in range(2)]

    assert twice[0].json() == twice[1].json()
    assert TaskComment.objects.count() == 1
