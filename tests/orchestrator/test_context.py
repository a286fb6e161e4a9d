"""What else a body may ask for: children, other runs, logs, attributes, changes, undoing."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from orchestrator import (
    Context,
    Retry,
    RunCancelled,
    RunFailed,
    StepFailed,
    current_step,
    get_run,
    workflow,
)
from orchestrator.core.definition import registry
from orchestrator.models import LogLine, RunAttribute
from orchestrator.models import Run as Row

ONCE = Retry(max_attempts=1)


@pytest.fixture
def double():
    @workflow(name="double")
    async def double(ctx: Context, n: int) -> int:
        if n < 0:
            raise ValueError("negative")
        await ctx.sleep("1h")
        return n * 2

    return double


# ---- children ----------------------------------------------------------------------------


def test_a_child_is_a_run_of_its_own_and_its_output_comes_back(runs, double):
    @workflow(name="parent")
    async def parent(ctx: Context, n: int) -> int:
        return await ctx.start_child(double, n)

    run = runs.start(parent, 21)
    [wait] = run.waiting_on
    child = Row.objects.get(parent_id=run.id)
    assert (wait.kind, wait.key, child.parent_key) == ("child", "double", "double")
    runs.advance("1h")

    assert run.refresh().result() == 42


def test_children_run_side_by_side(runs, double):
    @workflow(name="parent")
    async def parent(ctx: Context) -> list[int]:
        return await asyncio.gather(*(ctx.start_child(double, n) for n in range(3)))

    run = runs.start(parent)
    runs.advance("1h")

    assert run.refresh().result() == [0, 2, 4]
    assert Row.objects.filter(parent_id=run.id).count() == 3


def test_the_failure_of_a_child_is_raised_in_its_parent(runs, double):
    @workflow(name="parent")
    async def parent(ctx: Context) -> str:
        try:
            await ctx.start_child(double, -1)
        except RunFailed as error:
            return str(error.error["message"])
        return "fine"

    assert runs.start(parent).result() == "negative"


@pytest.mark.parametrize(("policy", "status"), [("cancel", "cancelled"), ("abandon", "waiting")])
def test_a_child_follows_its_policy_when_its_parent_is_cancelled(runs, double, policy, status):
    @workflow(name="parent")
    async def parent(ctx: Context) -> None:
        await ctx.start_child(double, 1, on_parent_cancel=policy)

    run = runs.start(parent)
    run.cancel()
    runs.drain()

    assert run.refresh().status == "cancelled"
    assert Row.objects.get(parent_id=run.id).status == status


def test_a_cancelled_child_raises_in_its_parent(runs, double):
    @workflow(name="parent")
    async def parent(ctx: Context) -> str:
        try:
            await ctx.start_child(double, 1)
        except RunCancelled:
            return "cancelled"
        return "fine"

    run = runs.start(parent)
    get_run(Row.objects.get(parent_id=run.id).id).cancel()
    runs.drain()

    assert run.refresh().result() == "cancelled"


def test_a_child_that_nobody_waits_for_goes_on_alone(runs, double):
    @workflow(name="parent")
    async def parent(ctx: Context) -> str:
        child = await ctx.start_child(double, 1, wait=False)
        return str(child.id)

    run = runs.start(parent)
    child = get_run(run.result())

    assert child.parent_id == run.id
    assert child.status == "waiting"


@pytest.mark.parametrize("failpoint", ["after_record", "before_park", "before_finish"])
def test_a_child_is_started_once_whatever_dies(runs, double, failpoint):
    @workflow(name="parent")
    async def parent(ctx: Context) -> int:
        return await ctx.start_child(double, 2)

    runs.crash_at(failpoint)
    run = runs.start(parent)
    runs.drain()
    runs.advance("1h")
    runs.drain()

    assert run.refresh().result() == 4
    assert Row.objects.filter(workflow="double").count() == 1


# ---- other runs --------------------------------------------------------------------------


def test_a_run_sends_an_event_to_another_once(runs):
    @workflow(name="receiver")
    async def receiver(ctx: Context) -> object:
        return await ctx.wait_for_event("hello")

    @workflow(name="sender")
    async def sender(ctx: Context, target: str) -> object:
        sent = await ctx.send_event(UUID(target), "hello", {"n": 1})
        await ctx.sleep("1h")
        return sent

    target = runs.start(receiver)
    run = runs.start(sender, str(target.id))
    runs.advance("1h")

    assert target.refresh().result() == {"n": 1}
    assert run.refresh().result() == {"delivered": True, "reason": ""}
    assert len(target.events) == 1


# ---- logs, attributes, progress ----------------------------------------------------------


def test_a_line_of_the_log_is_stored_once_however_often_the_body_is_replayed(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        ctx.logger.info("started", n=1)
        await ctx.step("a", effect)
        ctx.logger.warning("between")
        await ctx.sleep("1h")
        ctx.logger.info("woke")
        await ctx.sleep("1h")

    run = runs.start(w)
    runs.advance("2h")

    lines = LogLine.objects.filter(run_id=run.id).order_by("id")
    assert [(line.level, line.message, line.fields) for line in lines] == [
        ("info", "started", {"n": 1}),
        ("warning", "between", {}),
        ("info", "woke", {}),
    ]


@pytest.mark.parametrize("failpoint", ["after_claim", "after_body", "after_record", "before_park"])
def test_no_line_is_lost_or_doubled_when_the_worker_dies(runs, effect, failpoint):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        ctx.logger.info("one")
        await ctx.step("a", effect, atomic=True)
        ctx.logger.info("two")
        await ctx.sleep("1h")
        ctx.logger.info("three")

    runs.crash_at(failpoint)
    runs.start(w)
    runs.drain()
    runs.advance("1h")

    assert list(LogLine.objects.order_by("id").values_list("message", flat=True)) == [
        "one",
        "two",
        "three",
    ]


def test_the_log_of_a_step_names_its_attempt(runs):
    def shout() -> None:
        step = current_step()
        step.logger.error("no", attempt=step.attempt, thing=object())
        raise ValueError

    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step("shout", shout, retry=Retry(max_attempts=2, initial_delay=0))

    runs.start(w)
    runs.drain()

    lines = LogLine.objects.order_by("id").values_list("key", "attempt", "level")
    assert list(lines) == [("shout", 1, "error"), ("shout", 2, "error")]


def test_attributes_and_progress_are_shown_and_can_be_searched(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        ctx.set_attributes(customer="c-1", vip=True)
        ctx.set_progress(0.4, "12 of 30")
        await ctx.sleep("1h")
        ctx.set_attributes(customer="c-2")

    run = runs.start(w, attributes={"country": "DE"})
    assert run.attributes == {"country": "DE", "customer": "c-1", "vip": True}
    assert run.progress == (0.4, "12 of 30")
    runs.advance("1h")

    assert run.refresh().attributes == {"country": "DE", "customer": "c-2", "vip": True}
    assert set(RunAttribute.objects.values_list("key", "value")) == {
        ("country", "DE"),
        ("customer", "c-2"),
        ("vip", "true"),
    }


@pytest.mark.parametrize("value", [object(), ["a"], "x" * 256])
def test_an_attribute_that_cannot_be_indexed_is_refused(runs, value):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        ctx.set_attributes(customer=value)

    assert runs.start(w).status == "failed"


# ---- changes -----------------------------------------------------------------------------


def deploy(body) -> None:
    registry._by_name.pop("changing", None)
    workflow(name="changing")(body)


async def old(ctx: Context) -> list[str]:
    done = [await ctx.step("a", lambda: "a")]
    await ctx.sleep("1h")
    return [*done, await ctx.step("old", lambda: "old")]


async def new(ctx: Context) -> list[str]:
    done = [await ctx.step("a", lambda: "a")]
    if ctx.patched("extra"):
        done.append(await ctx.step("extra", lambda: "extra"))
    await ctx.sleep("1h")
    return [*done, await ctx.step("old", lambda: "old")]


def test_runs_in_flight_take_the_old_branch_and_new_runs_the_new_one(runs):
    @workflow(name="changing")
    async def first(ctx: Context) -> list[str]:
        return await old(ctx)

    before = runs.start(first)
    deploy(new)
    after = runs.start(first)
    runs.advance("1h")

    assert before.refresh().result() == ["a", "old"]
    assert after.refresh().result() == ["a", "extra", "old"]


# ---- undoing -----------------------------------------------------------------------------


def test_what_was_done_is_undone_in_reverse_order_when_the_body_fails(runs, effect):
    @workflow(name="saga")
    async def saga(ctx: Context) -> None:
        await ctx.step("flight", lambda: "f-1", compensate=effect)
        await ctx.step("hotel", lambda: "h-1", compensate=effect)
        raise RuntimeError("no car")

    run = runs.start(saga)

    assert run.status == "failed"
    assert run.error["message"] == "no car"
    assert effect.calls == ["h-1", "f-1"]
    assert [step.key for step in run.steps] == ["flight", "hotel", "undo hotel", "undo flight"]


def test_undoing_can_be_left_to_the_author(runs, effect):
    @workflow(name="saga", compensate=False)
    async def saga(ctx: Context) -> str:
        try:
            await ctx.step("flight", lambda: "f-1", compensate=effect)
            await ctx.step("hotel", int, "no number", retry=ONCE)
        except ValueError:
            await ctx.compensate()
        return "undone"

    run = runs.start(saga)

    assert run.result() == "undone"
    assert effect.calls == ["f-1"]


def test_the_others_are_undone_even_if_one_cannot_be(runs, effect):
    def stuck(_: object) -> None:
        raise StepFailed("stuck")

    @workflow(name="saga", step_retry=ONCE)
    async def saga(ctx: Context) -> None:
        await ctx.step("flight", lambda: "f-1", compensate=effect)
        await ctx.step("hotel", lambda: "h-1", compensate=stuck)
        raise RuntimeError("no car")

    run = runs.start(saga)

    assert run.status == "failed"
    assert "undo hotel" in run.error["message"]
    assert effect.calls == ["f-1"]


# ---- keys and at most once ---------------------------------------------------------------


def test_a_step_with_a_key_of_its_own_is_executed_once_for_all_runs_of_the_workflow(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context, n: int) -> object:
        return await ctx.step("charge", effect, n, idempotency_key="order-1")

    first, second = runs.start(w, 1), runs.start(w, 2)

    assert (first.result(), second.result()) == (1, 1)
    assert effect.calls == [1]


def test_an_at_most_once_step_is_not_executed_again_after_a_death(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> object:
        return await ctx.step("pay", effect, "paid", at_most_once=True)

    runs.crash_at("after_body", step="pay")
    run = runs.start(w)
    runs.drain()

    assert effect.calls == ["paid"]
    assert [(wait.kind, wait.key) for wait in run.refresh().waiting_on] == [("ambiguous", "pay")]
    run.resolve("pay", "result", "paid after all")
    assert run.refresh().result() == "paid after all"


@pytest.mark.parametrize(("policy", "calls"), [("fail", 1), ("retry", 2)])
def test_a_policy_decides_about_an_ambiguous_step(runs, effect, policy, calls):
    @workflow(name="w")
    async def w(ctx: Context) -> object:
        return await ctx.step("pay", effect, "paid", at_most_once=True, on_ambiguous=policy)

    runs.crash_at("after_body", step="pay")
    run = runs.start(w)
    runs.drain()

    assert run.refresh().status == ("failed" if policy == "fail" else "completed")
    assert len(effect.calls) == calls
