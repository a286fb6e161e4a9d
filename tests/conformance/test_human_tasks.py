"""Human tasks, as the run that asks sees them. The inbox has its own tests."""

from __future__ import annotations

import asyncio

import pytest
from pydantic import BaseModel

from humantasks import HumanTaskTimeout, Outcome, human_task
from orchestrator import Context, workflow


class Decision(BaseModel):
    risk: str


@pytest.fixture
def onboarding():
    """Asks a team, and returns what became of it."""

    def make(**options):
        @workflow(name="onboarding")
        async def onboarding(ctx: Context) -> list[object]:
            kyc = await human_task(
                ctx, "kyc", assign_to="compliance-team", data={"name": "Ada"}, **options
            )
            return [kyc.status, kyc.outcome, kyc.approved, kyc.data, kyc.completed_by]

        return onboarding

    return make


def test_a_run_waits_for_a_person_and_shows_it(runs, onboarding):
    run = runs.start(onboarding(timeout="7d"))

    [wait] = run.waiting_on
    assert (run.status, wait.kind, wait.name) == ("waiting", "human_task", "kyc")
    assert (wait.until - wait.since).days == 7
    assert [(step.key, step.kind, step.status) for step in run.steps] == [
        ("kyc", "human_task", "open")
    ]


def test_a_task_that_nobody_answers_is_no_consent(runs, onboarding):
    run = runs.start(onboarding(timeout="7d"))
    runs.advance("7d")

    assert run.refresh().result() == ["expired", None, False, None, None]


def test_a_task_that_nobody_answers_may_count_as_a_refusal(runs, onboarding):
    refusal = Outcome("too-late", "Too late", positive=False)
    run = runs.start(onboarding(timeout="7d", on_timeout=refusal))
    runs.advance("7d")

    assert run.refresh().result()[:3] == ["expired", "too-late", False]


def test_a_task_that_nobody_answers_may_be_an_error(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> str:
        try:
            await human_task(
                ctx, "kyc", assign_to="compliance-team", timeout="7d", on_timeout="raise"
            )
        except HumanTaskTimeout:
            await ctx.step("remind", effect, "reminded")
        return "done"

    run = runs.start(w)
    runs.advance("7d")

    assert run.refresh().result() == "done"
    assert effect.calls == ["reminded"]


def test_a_cancelled_run_asks_nobody_any_more(runs, onboarding):
    run = runs.start(onboarding())
    run.cancel()
    runs.drain()

    assert run.refresh().status == "cancelled"
    assert [step.status for step in run.steps] == ["cancelled"]


def test_a_person_and_an_event_may_race(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> str:
        asked = asyncio.ensure_future(human_task(ctx, "kyc", assign_to="compliance-team"))
        waited = asyncio.ensure_future(ctx.wait_for_event("withdrawn"))
        done, others = await asyncio.wait((asked, waited), return_when=asyncio.FIRST_COMPLETED)
        for other in others:
            other.cancel()
        await ctx.sleep("1h")
        return done.pop().result()

    run = runs.start(w)
    runs.send_event(run, "withdrawn", "by the customer")
    assert {step.key: step.status for step in run.steps}["kyc"] == "cancelled"
    runs.advance("1h")

    assert run.refresh().result() == "by the customer"


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"assign_to": []}, "assign_to"),
        ({"assign_to": "team", "priority": "soon"}, "priority"),
        ({"assign_to": "team", "timeout": "soon"}, "'soon'"),
        ({"assign_to": "team", "on_timeout": Outcome("yes", positive=True)}, "consent"),
        ({"assign_to": "team", "data": object()}, "data"),
    ],
)
def test_a_task_that_cannot_be_asked_fails_with_what_is_wrong(runs, options, what):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await human_task(ctx, "kyc", **options)

    run = runs.start(w)

    assert run.status == "failed"
    assert what in run.error["message"]


@pytest.mark.parametrize("failpoint", ["before_park", "after_park", "after_record"])
def test_a_person_is_asked_once_whenever_the_worker_dies(runs, onboarding, failpoint):
    runs.crash_at(failpoint)
    run = runs.start(onboarding(timeout="7d"))
    runs.drain()

    assert run.refresh().status == "waiting"
    assert [wait.kind for wait in run.waiting_on] == ["human_task"]
    runs.advance("8d")
    assert run.refresh().status == "completed"
