"""The context: what a body may ask for, what it may know, and what is refused at once."""

from __future__ import annotations

import asyncio
import math
from datetime import datetime, timedelta
from enum import Enum, StrEnum
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from orchestrator.core.errors import NestedStep, NotSerializable
from orchestrator.core.retry import Retry
from orchestrator.core.step import current_step
from tests.core.playing import SECOND, STARTED, Play, in_step, work
from tests.core.shapes import Handle


def refused(play: Any, ask: Any) -> BaseException:
    """What `await ask(ctx)` raises. Nothing may have been asked for."""

    async def body(ctx):
        await ask(ctx)

    run = play(body)
    assert run.asked == []
    return run.error


# ---- what it knows -------------------------------------------------------------------


def test_what_is_known_of_the_run(play):
    async def body(ctx, value):
        return [ctx.run_id, ctx.workflow, ctx.version, ctx.attempt, ctx.input, ctx.tags]

    assert play(body, 5, run=7).value == [UUID(int=7), "play", "1", 1, 5, {}]


def test_now_is_the_time_of_the_last_outcome(play):
    async def body(ctx):
        times = [ctx.now(), ctx.now()]
        await ctx.step("a", work)
        return [*times, ctx.now()]

    run = play(body).answer("a")

    assert run.value == [STARTED, STARTED, STARTED + SECOND]
    assert run.replay().value == run.value


def test_chance_is_the_same_on_every_replay(play):
    async def body(ctx):
        drawn = [ctx.uuid4(), ctx.random.random(), ctx.random.sample(range(100), 3)]
        await ctx.step("a", work)
        return [*drawn, ctx.uuid4()]

    run = play(body).answer("a")

    assert run.replay().value == run.value
    assert run.value[0].version == 4
    assert run.value[0] != run.value[-1]


def test_chance_is_another_in_another_run(play):
    async def body(ctx):
        return ctx.uuid4()

    assert play(body, run=1).value != play(body, run=2).value


def test_a_step_does_not_draw_from_the_chance_of_the_body(play):
    """A replay does not execute the step again, so what the body draws next would differ."""

    async def body(ctx):
        await ctx.step("a", work)

    run = play(body)
    with in_step():
        for draw in (lambda: run.ctx.random, run.ctx.uuid4):
            with pytest.raises(NestedStep, match="charge"):
                draw()


def test_metadata_of_the_steps_that_the_body_has_seen(play):
    async def body(ctx):
        assert len(ctx.steps) == 0
        await ctx.step("a", work)
        try:
            await ctx.step("b", work)
        except ValueError:
            return dict(ctx.steps)

    run = play(body).answer("a").fail("b", ValueError("x"))
    a, b = run.value["a"], run.value["b"]

    assert (a.key, a.status, a.attempts, a.duration) == ("a", "completed", 1, SECOND)
    assert (b.status, b.attempts) == ("failed", 3)
    assert (b.started_at, b.completed_at) == (STARTED + SECOND, STARTED + 2 * SECOND)
    assert list(run.ctx.steps) == ["a", "b"]
    with pytest.raises(KeyError):
        run.ctx.steps["c"]


def test_a_duration_is_never_negative(play):
    async def body(ctx):
        await ctx.step("a", work)
        return ctx.steps["a"].duration

    run = play(body)
    run.tell(run.entry("a", finished_at=STARTED - SECOND))

    assert run.value == timedelta(0)


# ---- what a step is asked with -------------------------------------------------------


def test_what_a_step_is_asked_with(play):
    async def body(ctx):
        await ctx.step(
            "charge",
            work,
            1,
            "two",
            retry=Retry(max_attempts=9),
            timeout="1.5m",
            idempotency_key="order-5",
            atomic=True,
        )

    [step] = play(body).new

    assert (step.kind, step.fn, step.args) == ("step", work, (1, "two"))
    assert step.retry.max_attempts == 9
    assert step.timeout == timedelta(seconds=90)
    assert (step.idempotency_key, step.atomic) == ("order-5", True)


def test_what_a_step_gets_by_default(play):
    async def body(ctx):
        await ctx.step("charge", work)

    [step] = play(body).new

    assert step.retry == Retry()
    assert (step.timeout, step.idempotency_key, step.atomic) == (None, None, False)


class Callable_:
    async def __call__(self) -> None: ...


@pytest.mark.parametrize(
    "fn", [work, lambda: None, partial(work, a=1), Callable_(), str.upper, dict, Handle().__eq__]
)
def test_whatever_can_be_called_is_a_step(play, fn):
    async def body(ctx):
        await ctx.step("a", fn)

    assert play(body).asked == ["a"]


def test_a_function_that_was_called_already_is_refused(play):
    error = refused(play, lambda ctx: ctx.step("charge", work()))

    assert isinstance(error, TypeError)
    assert "pass it without calling it" in str(error)


def test_an_atomic_step_is_a_sync_function(play):
    async def charge() -> None: ...

    for fn in (charge, partial(charge)):
        error = refused(play, lambda ctx, fn=fn: ctx.step("charge", fn, atomic=True))
        assert "must be a sync function" in str(error)


@pytest.mark.parametrize("retry", [3, True, {"max_attempts": 3}, "3"])
def test_a_policy_that_is_none_is_refused(play, retry):
    """Or the engine finds out when the step has failed."""
    error = refused(play, lambda ctx: ctx.step("charge", work, retry=retry))

    assert isinstance(error, TypeError)
    assert "retry" in str(error)


@pytest.mark.parametrize("timeout", ["soon", -1, math.nan, True, "9000y", timedelta.max])
def test_a_timeout_that_is_none_is_refused(play, timeout):
    """Or the engine finds out when it adds it to the clock."""
    asks = [
        lambda ctx: ctx.step("charge", work, timeout=timeout),
        lambda ctx: ctx.wait_for_event("paid", timeout=timeout),
        lambda ctx: ctx.sleep(timeout),
    ]
    for ask in asks:
        assert isinstance(refused(play, ask), ValueError)


@pytest.mark.parametrize("key", [5, "", "a\x00", "\ud800", UUID(int=5)])
def test_an_idempotency_key_that_is_no_text_is_refused(play, key):
    error = refused(play, lambda ctx: ctx.step("charge", work, idempotency_key=key))

    assert isinstance(error, (TypeError, ValueError))


# ---- names ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a", "charge card", "ünïcode 🦜", "a#2", "x" * 180, "a/b:c"])
def test_names(play, name):
    async def body(ctx):
        await ctx.step(name, work)

    assert play(body).asked == [name]


@pytest.mark.parametrize(
    "name", ["", "x" * 181, "a\x00b", "@cancel", "\ud800", None, 5, b"a", ["a"]], ids=repr
)
def test_names_that_are_refused(play, name):
    """By every call, and with an error that the body can show."""
    asks = [
        lambda ctx: ctx.step(name, work),
        lambda ctx: ctx.sleep(5, name=name),
        lambda ctx: ctx.sleep_until(STARTED, name=name),
        lambda ctx: ctx.wait_for_event(name),
        lambda ctx: ctx.wait(name, kind="human_task"),
    ]
    for ask in asks:
        assert isinstance(refused(play, ask), (TypeError, ValueError))


class Stage(StrEnum):
    CHARGE = "charge"


class OldStage(str, Enum):  # noqa: UP042 - as it was written before 3.11
    CHARGE = "charge"


@pytest.mark.parametrize("name", [Stage.CHARGE, OldStage.CHARGE])
def test_a_name_may_be_an_enum_and_becomes_plain_text(play, name):
    """A database driver may store the name of an enum's member instead of its value."""

    async def body(ctx):
        await asyncio.gather(ctx.step(name, work), ctx.step(name, work), ctx.sleep(5, name=name))

    run = play(body)

    assert run.asked == ["charge", "charge#2", "charge#3"]
    assert {type(one.key) for one in run.new} == {str}
    assert {type(one.name) for one in run.new} == {str}


# ---- sleeps and waits ----------------------------------------------------------------


@pytest.mark.parametrize(
    "ask",
    [
        lambda ctx: ctx.sleep(),
        lambda ctx: ctx.sleep("1d", hours=1),
        lambda ctx: ctx.sleep(days=-1),
        lambda ctx: ctx.sleep(fortnights=1),
        lambda ctx: ctx.sleep(-1),
        lambda ctx: ctx.sleep("tomorrow"),
        lambda ctx: ctx.sleep_until(datetime(2026, 3, 1)),
    ],
)
def test_sleeps_that_are_refused(play, ask):
    assert isinstance(refused(play, ask), (TypeError, ValueError))


def test_what_a_wait_is_asked_with(play):
    async def body(ctx):
        await ctx.wait_for_event("paid", "order-5", timeout="1h", default=0, schema=int)

    [wait] = play(body).new

    assert (wait.kind, wait.name, wait.event, wait.correlation) == (
        "event",
        "paid",
        "paid",
        "order-5",
    )
    assert (wait.until, wait.default, wait.schema) == (STARTED + timedelta(hours=1), 0, int)


def test_a_default_that_cannot_be_stored_is_refused(play):
    """Or the engine finds out when the time is over."""
    error = refused(play, lambda ctx: ctx.wait_for_event("paid", timeout=5, default=Handle()))

    assert isinstance(error, NotSerializable)


@pytest.mark.parametrize("key", [5, UUID(int=5), "", "a\x00", "\ud800"])
def test_a_key_that_is_no_text_is_refused(play, key):
    """5 is not "5": the event would never come."""
    error = refused(play, lambda ctx: ctx.wait_for_event("paid", key))

    assert isinstance(error, (TypeError, ValueError))


# ---- in a step -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "ask",
    [
        lambda ctx: ctx.step("inner", work),
        lambda ctx: ctx.sleep("1h", name="inner"),
        lambda ctx: ctx.sleep_until(STARTED, name="inner"),
        lambda ctx: ctx.wait_for_event("inner"),
        lambda ctx: ctx.wait("inner", kind="human_task"),
    ],
)
def test_a_durable_call_in_a_step_is_refused_and_names_both(play, ask):
    async def body(ctx):
        await ctx.step("outer", work)

    run = play(body)
    with in_step("outer"), pytest.raises(NestedStep, match=r"'inner'.*'outer'"):
        asyncio.run(ask(run.ctx))

    assert run.asked == ["outer"]


def test_a_body_may_begin_while_a_step_is_executed():
    """A step may start another run, and a test's engine drives that at once."""

    async def body(ctx):
        return await ctx.step("inner", work)

    with in_step("outer"):
        run = Play(body).begin()

        assert run.answer("inner", 5).value == 5


def test_the_current_step():
    with pytest.raises(RuntimeError, match="for step functions"):
        current_step()
    with in_step("outer"):
        assert current_step().name == "outer"
        with in_step("inner"):
            assert current_step().idempotency_key == "run:inner"
        assert current_step().name == "outer"
    with pytest.raises(RuntimeError):
        current_step()
