"""A workflow asks, a person answers, the workflow goes on: through the engine's front doors."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from humantasks import (
    HumanTaskResult,
    HumanTaskTimeout,
    HumanTaskType,
    Outcome,
    human_task,
    human_task_type,
    inbox,
)
from humantasks.models import HumanTask, Status, TaskAudit
from orchestrator import Context, InvalidInput, Retry, get_run, workflow
from orchestrator.store import ticks
from tests.humantasks.conftest import DATA, KycDecision, Risk


def verbs(task):
    return list(TaskAudit.objects.filter(task=task).order_by("seq").values_list("verb", flat=True))


def result_of(task):
    return get_run(task.run_id).result(timeout=0)


def test_an_approved_task_gives_the_body_its_form(task, alice):
    inbox.claim(task, user=alice)
    inbox.complete(task, user=alice, outcome="approve", data={"risk": "low", "note": "fine"})

    kyc = result_of(task)
    assert isinstance(kyc, HumanTaskResult)
    assert (kyc.status, kyc.outcome, kyc.approved) == ("completed", "approve", True)
    assert kyc.data == KycDecision(risk=Risk.LOW, note="fine")
    assert (kyc.completed_by, kyc.task_id) == ("alice", task.id)
    assert kyc.created_at <= kyc.claimed_at <= kyc.completed_at
    assert verbs(task) == ["created", "claimed", "completed"]


def test_a_rejected_task_needs_a_comment_and_no_form(task, alice):
    inbox.claim(task, user=alice)
    inbox.complete(task, user=alice, outcome="reject", comment=" The passport is forged. ")

    kyc = result_of(task)
    assert (kyc.status, kyc.outcome, kyc.approved) == ("completed", "reject", False)
    assert (kyc.data, kyc.comment) == (None, "The passport is forged.")


def test_the_run_shows_the_task_that_it_waits_for(task):
    run = get_run(task.run_id)

    assert [(wait.kind, wait.name) for wait in run.waiting_on] == [("human_task", "kyc")]
    assert (task.status, task.key, task.data_rev) == (Status.READY, "kyc", 1)
    assert task.title == "Kyc review"


def test_nobody_answered_in_time_is_no_consent(ask, runs):
    task = ask(timeout="7d")

    runs.advance("7d")

    kyc = result_of(task)
    assert (kyc.status, kyc.outcome, kyc.approved, kyc.data) == ("expired", None, False, None)
    task.refresh_from_db()
    assert (task.status, task.assignee) == (Status.EXPIRED, None)
    assert verbs(task) == ["created", "expired"]


def test_a_timeout_may_count_as_a_refusal(ask, runs):
    task = ask(timeout="7d", on_timeout=Outcome("reject"))

    runs.advance("7d")

    kyc = result_of(task)
    assert (kyc.status, kyc.outcome, kyc.approved) == ("expired", "reject", False)


def test_a_timeout_may_be_an_error_that_the_body_catches(runs, alice):
    @workflow(name="strict")
    async def strict(ctx: Context) -> str:
        try:
            await human_task(
                ctx, "kyc", assign_to="compliance-team", timeout="1h", on_timeout="raise"
            )
        except HumanTaskTimeout as error:
            return str(error)
        return "answered"

    run = runs.start(strict)
    runs.advance("1h")

    assert run.refresh().result(timeout=0) == "nobody answered 'kyc' in time"


def test_a_timeout_can_never_mean_consent(runs, asking):
    run = runs.start(asking(timeout="7d", on_timeout=Outcome("approve", positive=True)))

    assert run.status == "failed"
    assert "a timeout never means consent" in run.error["message"]


def test_due_is_a_colour_and_ends_nothing(ask, runs):
    task = ask(due="1h")

    runs.advance("2h")

    task.refresh_from_db()
    assert (task.status, task.expires_at) == (Status.READY, None)
    assert task.due_at is not None


def test_cancelling_the_run_withdraws_its_task_at_once(task, alice):
    inbox.claim(task, user=alice)

    get_run(task.run_id).cancel(reason="a duplicate")

    task.refresh_from_db()
    assert (task.status, task.assignee) == (Status.WITHDRAWN, None)
    last = TaskAudit.objects.filter(task=task).latest("seq")
    assert (last.verb, last.code, last.reason, last.actor) == (
        "withdrawn",
        "cancelled",
        "a duplicate",
        None,
    )


def test_a_branch_that_lost_the_race_withdraws_its_task(runs, alice):
    @workflow(name="race")
    async def race(ctx: Context) -> str:
        task = asyncio.ensure_future(human_task(ctx, "kyc", assign_to="compliance-team"))
        event = asyncio.ensure_future(ctx.wait_for_event("skip"))
        await asyncio.wait([task, event], return_when=asyncio.FIRST_COMPLETED)
        task.cancel()
        await ctx.sleep("1h")
        return "skipped"

    run = runs.start(race)
    runs.send_event(run, "skip")

    task = HumanTask.objects.get()
    assert task.status == Status.WITHDRAWN
    assert TaskAudit.objects.get(task=task, verb="withdrawn").code == "abandoned"


def test_a_run_that_ends_withdraws_what_it_left_open(runs, alice):
    @workflow(name="hasty")
    async def hasty(ctx: Context) -> str:
        task = asyncio.ensure_future(human_task(ctx, "kyc", assign_to="compliance-team"))
        await ctx.sleep("1h")
        return "answered" if task.done() else "hasty"

    run = runs.start(hasty)
    runs.advance("1h")

    assert run.refresh().status == "completed"
    assert HumanTask.objects.get().status == Status.WITHDRAWN


def test_the_same_name_twice_makes_two_tasks(runs, alice):
    @workflow(name="twice")
    async def twice(ctx: Context) -> list[str]:
        first = human_task(ctx, "review", assign_to="compliance-team")
        second = human_task(ctx, "review", assign_to="compliance-team")
        return [one.comment for one in await asyncio.gather(first, second)]

    run = runs.start(twice)
    for task in HumanTask.objects.order_by("key"):
        inbox.claim(task, user=alice)
        inbox.complete(task, user=alice, outcome="approve", comment=task.key)

    assert run.refresh().result(timeout=0) == ["review", "review#2"]


@pytest.mark.parametrize("failpoint", ["after_body", "before_park", "after_record", "after_park"])
def test_a_worker_that_dies_while_it_asks_leaves_one_task(failpoint, runs, alice):
    @workflow(name="shaky")
    async def shaky(ctx: Context) -> bool:
        await ctx.step("prepare", lambda: None)
        kyc = await human_task(ctx, "kyc", assign_to="compliance-team")
        return kyc.approved

    runs.crash_at(failpoint)
    run = runs.start(shaky)
    runs.drain()
    runs.drain()

    task = HumanTask.objects.get()
    inbox.claim(task, user=alice)
    inbox.complete(task, user=alice, outcome="approve")
    runs.drain()
    assert run.refresh().result(timeout=0) is True
    assert verbs(task) == ["created", "claimed", "completed"]


def test_an_answer_that_comes_while_no_worker_runs_is_kept(task, alice, runs, monkeypatch):
    monkeypatch.setattr("orchestrator.hints.send", lambda *_: None)
    inbox.claim(task, user=alice)
    inbox.complete(task, user=alice, outcome="approve", data={"risk": "low"})
    assert get_run(task.run_id).status == "waiting"
    monkeypatch.undo()

    runs.drain()

    assert result_of(task).approved


def test_an_answer_that_beats_the_timeout_is_what_the_run_gets(ask, runs, alice, monkeypatch):
    """The worker has looked for answers, found none, and is about to record the timeout."""
    task = inbox.claim(ask(timeout="1h"), user=alice)
    monkeypatch.setattr("orchestrator.hints.send", lambda *_: None)
    load_journals = ticks.load_journals

    def load_and_be_answered(claims):
        monkeypatch.setattr(ticks, "load_journals", load_journals)
        inbox.complete(task, user=alice, outcome="approve", data={"risk": "low"})
        return load_journals(claims)

    monkeypatch.setattr(ticks, "load_journals", load_and_be_answered)

    runs.advance("1h")
    runs.drain()

    assert HumanTask.objects.get().status == Status.COMPLETED
    assert result_of(task).approved


def test_data_that_does_not_fit_the_type_fails_the_run_with_the_field(runs, asking):
    @human_task_type("strict-review")
    class StrictReview(HumanTaskType):
        input = KycDecision

    run = runs.start(asking(type=StrictReview, data=DATA, form=None))

    assert run.error["type"].endswith(InvalidInput.__name__)
    assert "risk: Field required" in run.error["message"]


@dataclass
class Onboarded:
    customer: str
    kyc: HumanTaskResult[KycDecision]


def test_a_result_may_be_part_of_a_workflows_output(runs, alice):
    @workflow(name="typed")
    async def typed(ctx: Context, customer: str) -> Onboarded:
        kyc = await human_task(ctx, "kyc", assign_to="compliance-team", form=KycDecision)
        return Onboarded(customer, kyc)

    run = runs.start(typed, "Ada")
    task = inbox.claim(HumanTask.objects.get(), user=alice)
    inbox.complete(task, user=alice, outcome="approve", data={"risk": "high"})

    assert run.refresh().result(timeout=0).kyc.data == KycDecision(risk=Risk.HIGH)


def test_a_run_that_is_tried_again_asks_again(runs, alice):
    @workflow(name="retried")
    async def retried(ctx: Context) -> bool:
        kyc, _ = await asyncio.gather(
            human_task(ctx, "kyc", assign_to="compliance-team"),
            ctx.step("charge", lambda: None, retry=Retry(max_attempts=1)),
        )
        return kyc.approved

    runs.fail(step="charge", error=ConnectionError("x"))
    run = runs.start(retried)
    assert HumanTask.objects.get().status == Status.WITHDRAWN

    run.retry()
    runs.drain()

    task = HumanTask.objects.get(status=Status.READY)
    assert (task.key, task.generation) == ("kyc", 2)
    inbox.claim(task, user=alice)
    inbox.complete(task, user=alice, outcome="approve")
    assert run.refresh().result(timeout=0) is True


def test_what_was_asked_is_not_judged_by_a_limit_that_came_later(ask, alice, settings):
    task = ask(data={"text": "x" * 1_000})
    settings.ORCHESTRATOR_MAX_PAYLOAD = 800

    inbox.claim(task, user=alice)
    inbox.complete(task, user=alice, outcome="reject", comment="No.")

    assert get_run(task.run_id).status == "completed"
