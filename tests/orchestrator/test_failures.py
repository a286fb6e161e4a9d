"""A step that fails: its retries, what the body sees, and what it never sees again."""

from __future__ import annotations

import asyncio
import threading

import pytest

from orchestrator import (
    Context,
    NonRetryable,
    Retry,
    RunFailed,
    StepFailed,
    StepTimeout,
    current_step,
    workflow,
)
from orchestrator.engine import worker
from orchestrator.models import Attempt

ONCE = Retry(max_attempts=1)


class CardDeclined(Exception):
    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def test_a_failed_attempt_is_tried_again_and_meanwhile_no_worker_is_held(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> object:
        return await ctx.step("charge", effect, 1, retry=Retry(initial_delay="10s", jitter=False))

    runs.fail(step="charge", times=2, error=ConnectionError("gone"))
    run = runs.start(w)
    [wait] = run.waiting_on

    assert run.status == "awaiting_retry"
    assert (wait.kind, wait.name, wait.detail) == (
        "retry",
        "charge",
        {"attempt": 2, "of": 3, "error": "gone"},
    )

    runs.advance("10s")
    runs.advance("20s")
    assert run.refresh().result() == 1
    assert run.steps[0].attempts == 3
    assert list(Attempt.objects.order_by("number").values_list("key", "number")) == [
        ("charge", 1),
        ("charge", 2),
    ]


def test_every_attempt_has_the_same_idempotency_key(runs):
    seen = []

    def charge() -> None:
        step = current_step()
        seen.append((step.attempt, step.idempotency_key))
        raise ConnectionError

    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step("charge", charge, retry=Retry(max_attempts=2))

    run = runs.start(w)
    runs.advance("1m")

    assert seen == [(1, f"{run.id}:charge"), (2, f"{run.id}:charge")]


def test_the_error_is_caught_as_its_own_class_on_the_first_pass_and_on_replay(runs, effect):
    caught = []

    def charge() -> None:
        raise CardDeclined(51)

    @workflow(name="w")
    async def w(ctx: Context) -> None:
        try:
            await ctx.step("charge", charge, retry=ONCE)
        except CardDeclined as error:
            caught.append((error.code, isinstance(error, StepFailed), error.attempts, error.key))
        await ctx.sleep("1h")

    runs.start(w)
    runs.advance("1h")

    assert caught == [(51, True, 1, "charge")] * 2


# Absurd and OpenWorkflow execute the failed step again here, and take the other branch.
def test_a_caught_failure_is_not_executed_again_on_replay(runs, effect):
    attempts = []

    def flaky() -> str:
        attempts.append(1)
        if len(attempts) == 1:
            raise ValueError("first")
        return "fine"

    @workflow(name="w")
    async def w(ctx: Context) -> str:
        try:
            return await ctx.step("flaky", flaky, retry=ONCE)
        except ValueError:
            await ctx.step("compensate", effect, "undone")
            await ctx.sleep("1h")
            return "undone"

    run = runs.start(w)
    runs.advance("1h")

    assert run.refresh().result() == "undone"
    assert len(attempts) == 1


def test_a_non_retryable_error_is_not_retried(runs):
    def refuse() -> None:
        raise NonRetryable("no such account")

    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step("refuse", refuse)

    run = runs.start(w)

    assert run.status == "failed"
    assert run.error["message"] == "no such account"
    assert run.error["key"] == "refuse"


def test_give_up_on_wins_over_retry_on(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step("a", effect, retry=Retry(give_up_on=(KeyError,)))

    runs.fail(step="a", error=KeyError("x"))

    assert runs.start(w).status == "failed"


# DBOS, OpenWorkflow and Absurd repeat the effect of such a step.
@pytest.mark.parametrize(
    ("value", "where"),
    [
        ({"socket": object()}, "result.socket"),
        ([1, float("nan")], "result[1]"),
        ("a\x00b", "result"),
        ("\ud800", "result"),
        ({"items": [{"x": {1, object}}]}, "result.items[0].x"),
    ],
)
def test_a_result_that_cannot_be_stored_fails_the_step_at_once(runs, value, where):
    calls = []

    def make() -> object:
        calls.append(1)
        return value

    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step("make", make)

    run = runs.start(w)

    assert run.status == "failed"
    assert "NotSerializable" in run.error["type"]
    assert where in run.error["message"]
    assert calls == [1]


def test_a_result_over_the_limit_fails_the_step_at_once(runs, settings):
    settings.ORCHESTRATOR_MAX_PAYLOAD = 100

    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step("make", lambda: "é" * 60)

    run = runs.start(w)

    assert run.status == "failed"
    assert "122 bytes" in run.error["message"]


def test_a_body_that_raises_fails_the_run(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        raise RuntimeError("a bug")

    run = runs.start(w)

    with pytest.raises(RunFailed, match="a bug"):
        run.result()
    assert 'raise RuntimeError("a bug")' in run.error["traceback"]


def test_a_wrong_output_fails_the_run(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> int:
        return "many"  # type: ignore[return-value]

    run = runs.start(w)

    assert run.status == "failed"
    assert "output of w" in run.error["message"]


def test_the_group_fails_with_its_first_error_and_finished_siblings_are_kept(runs, effect):
    def fail() -> None:
        raise ValueError("b")

    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await asyncio.gather(ctx.step("a", effect, 1), ctx.step("b", fail, retry=ONCE))

    run = runs.start(w)

    assert run.status == "failed"
    assert {step.key: step.status for step in run.steps} == {"a": "completed", "b": "failed"}


def test_a_task_group_fails_as_asyncio_says(runs, effect):
    def fail() -> None:
        raise ValueError("b")

    @workflow(name="w")
    async def w(ctx: Context) -> str:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(ctx.step("b", fail, retry=ONCE))
                group.create_task(ctx.sleep("1d"))
        except ExceptionGroup as errors:
            return str(errors.exceptions[0])
        return "not"

    run = runs.start(w)

    assert run.result() == "b"
    assert {step.key: step.status for step in run.steps} == {"b": "failed", "sleep": "cancelled"}


def test_an_async_step_is_cancelled_at_its_timeout(runs):
    async def slow() -> None:
        await asyncio.sleep(30)

    @workflow(name="w")
    async def w(ctx: Context) -> str:
        try:
            await ctx.step("slow", slow, timeout="50ms", retry=ONCE)
        except StepTimeout as error:
            return str(error)
        return ""

    assert runs.start(w).result() == "step 'slow' took longer than 0.05 s"


def test_a_sync_step_is_given_up_at_its_timeout_and_its_late_result_ignored(transactional_db):
    finish, finished = threading.Event(), threading.Event()

    def slow() -> str:
        finish.wait(10)
        finished.set()
        return "late"

    @workflow(name="w")
    async def w(ctx: Context) -> str:
        try:
            return await ctx.step("slow", slow, timeout="50ms", retry=ONCE)
        except TimeoutError:
            return "gave up"

    run = w.start()
    worker.drain()

    assert run.refresh().result() == "gave up"
    assert not finished.is_set()
    finish.set()
    assert finished.wait(10)
    assert run.refresh().steps[0].status == "failed"


def test_what_a_step_does_to_its_arguments_is_not_seen_by_the_body(runs):
    def grow(items: list[int]) -> int:
        items.append(1)
        return len(items)

    @workflow(name="w")
    async def w(ctx: Context) -> list[object]:
        items: list[int] = []
        first = await ctx.step("a", grow, items)
        await ctx.sleep("1h")
        return [first, await ctx.step("b", grow, items), items]

    run = runs.start(w)
    runs.advance("1h")

    assert run.refresh().result() == [1, 1, []]


def test_a_durable_call_inside_a_step_is_refused_with_both_names(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        async def outer() -> None:
            await ctx.step("inner", effect)

        await ctx.step("outer", outer)

    run = runs.start(w)
    runs.advance("5m")

    assert run.refresh().status == "failed"
    assert "'inner'" in run.error["message"]
    assert "'outer'" in run.error["message"]


def test_a_retried_step_looks_the_same_to_the_body_at_first_and_on_replay(runs, effect):
    seen = []

    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step("a", effect, retry=Retry(initial_delay="10s"))
        step = ctx.steps["a"]
        seen.append((step.started_at, step.completed_at, step.attempts))
        await ctx.sleep("1h")

    runs.fail(step="a", error=ConnectionError())
    run = runs.start(w)
    runs.advance("2h")

    assert run.refresh().status == "completed"
    assert len(seen) == 2
    assert seen[0] == seen[1]
