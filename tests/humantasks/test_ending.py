"""Ends other than an answer, and decisions past the rules."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission

from humantasks import (
    HumanTaskFailed,
    HumanTaskType,
    Outcome,
    human_task,
    human_task_type,
    inbox,
)
from humantasks.inbox import InvalidAnswer, NotEligible, TaskConflict
from humantasks.models import HumanTask, TaskAudit, TaskDecision, TeamProfile
from orchestrator import Context, get_run, workflow

LOW = {"risk": "low"}


@pytest.fixture
def mine(task, alice):
    return inbox.claim(task, user=alice)


@pytest.fixture
def operator(oscar):
    oscar.user_permissions.add(Permission.objects.get(codename="operate_run"))
    return oscar


@pytest.fixture
def boss(person):
    boss = person("boss")
    boss.user_permissions.add(Permission.objects.get(codename="override_task"))
    return boss


def result(task, runs):
    runs.drain()
    return get_run(task.run_id).result(timeout=0)


# ---- it cannot be done ---------------------------------------------------------------


def test_the_workflow_is_told_that_it_cannot_be_done(runs, alice):
    @workflow(name="careful")
    async def careful(ctx: Context) -> str:
        try:
            await human_task(ctx, "look", assign_to="compliance-team")
        except HumanTaskFailed as error:
            return str(error)
        return "fine"

    run = runs.start(careful)
    task = inbox.claim(HumanTask.objects.get(), user=alice)

    assert inbox.fail(task, user=alice, reason="the file is empty").status == "failed"

    runs.drain()
    assert run.result(timeout=0) == "'look' cannot be done: the file is empty"


def test_a_failed_task_fails_a_body_that_does_not_care(mine, alice, runs):
    inbox.fail(mine, user=alice, reason="the file is empty")

    runs.drain()
    run = get_run(mine.run_id)
    assert run.status == "failed"
    assert "the file is empty" in run.error["message"]


def test_that_it_cannot_be_done_needs_a_reason(mine, alice):
    with pytest.raises(InvalidAnswer) as refused:
        inbox.fail(mine, user=alice, reason=" ")
    assert refused.value.errors[0].loc == ("reason",)


def test_only_who_holds_it_says_so(mine, bob):
    with pytest.raises(TaskConflict):
        inbox.fail(mine, user=bob, reason="x")


# ---- it need not be done -------------------------------------------------------------


def test_an_operator_skips_a_task(mine, operator, runs):
    inbox.skip(mine, user=operator, reason="the customer has left")

    found = result(mine, runs)
    assert (found.status, found.approved, found.outcome) == ("skipped", False, None)
    assert (found.comment, found.completed_by) == ("the customer has left", "oscar")
    assert HumanTask.objects.get().status == "skipped"


def test_who_was_at_it_is_told_who_skipped_it(mine, alice, operator):
    inbox.skip(mine, user=operator, reason="the customer has left")

    with pytest.raises(TaskConflict) as refused:
        inbox.complete(mine, user=alice, outcome="approve", data=LOW)
    assert (refused.value.by, refused.value.reason) == ("Oscar", "the customer has left")


def test_a_lead_skips_what_its_type_lets_them(ask, alice, bob):
    @human_task_type("optional")
    class Optional(HumanTaskType):
        skippable = True

    TeamProfile.objects.create(group=Group.objects.get(name="compliance-team")).leads.add(bob)

    assert inbox.skip(ask(type="optional"), user=bob, reason="no need").status == "skipped"
    with pytest.raises(NotEligible):
        inbox.skip(ask(name="strict"), user=bob, reason="no need")


def test_a_task_ends_once(mine, alice, operator):
    inbox.complete(mine, user=alice, outcome="approve", data=LOW)

    with pytest.raises(TaskConflict) as refused:
        inbox.skip(mine, user=operator, reason="no need")
    assert refused.value.code == "already_completed"


def test_after_a_cancel_nothing_is_skipped(mine, operator):
    get_run(mine.run_id).cancel(reason="a duplicate", by=operator)

    with pytest.raises(TaskConflict) as refused:
        inbox.skip(mine, user=operator, reason="no need")
    assert (refused.value.code, refused.value.by) == ("withdrawn", "Oscar")


# ---- past the rules ------------------------------------------------------------------


def test_who_may_decides_past_the_rules_and_the_result_says_so(ask, alice, boss, runs):
    task = inbox.claim(ask(), user=alice)

    inbox.override(task, user=boss, outcome="approve", data=LOW, reason="Alice is ill")

    found = result(task, runs)
    assert (found.approved, found.override, found.completed_by) == (True, True, "boss")
    assert TaskAudit.objects.get(verb="overridden").reason == "Alice is ill"


def test_a_superuser_who_asked_is_not_above_the_rules(ask, alice):
    alice.is_superuser = True
    alice.save()
    task = ask(initiator=alice)

    with pytest.raises(NotEligible) as refused:
        inbox.claim(task, user=alice)
    assert refused.value.why == "requester"


def test_deciding_past_the_rules_is_a_right_of_its_own(mine, operator):
    with pytest.raises(NotEligible):
        inbox.override(mine, user=operator, outcome="approve", data=LOW, reason="x")


@pytest.mark.parametrize(("data", "reason"), [(None, "x"), (LOW, "")])
def test_past_the_rules_is_not_past_the_form(mine, boss, data, reason):
    with pytest.raises(InvalidAnswer):
        inbox.override(mine, user=boss, outcome="approve", data=data, reason=reason)


# ---- reasons of an outcome -----------------------------------------------------------


REASONS = [
    Outcome("approve", positive=True),
    Outcome("reject", form=None, reason_codes={"forged": "Forged", "expired": "Expired"}),
]


def test_an_outcome_with_reasons_needs_one_of_them(ask, alice, runs):
    task = inbox.claim(ask(outcomes=REASONS), user=alice)

    for codes in ([], ["bored"]):
        with pytest.raises(InvalidAnswer) as refused:
            inbox.complete(task, user=alice, outcome="reject", reason_codes=codes)
        assert refused.value.errors[0].loc == ("reason_codes",)
    inbox.complete(task, user=alice, outcome="reject", reason_codes=["expired", "forged"])

    assert result(task, runs).reason_codes == ["forged", "expired"]
    assert TaskDecision.objects.get().reason_codes == ["forged", "expired"]


def test_another_outcome_needs_none(ask, alice):
    task = inbox.claim(ask(outcomes=REASONS), user=alice)

    inbox.complete(task, user=alice, outcome="approve", data=LOW)


@pytest.mark.parametrize("wrong", [{"key": "ab"}, {"reason_codes": {"No spaces": "x"}}])
def test_a_wrong_outcome_is_refused_where_it_is_written(wrong):
    with pytest.raises(ValueError, match="outcome stop"):
        Outcome("stop", **wrong)
