"""Atomic steps, steps with a key of their own, and steps that are done at most once."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import transaction

from orchestrator import ActionRefused, AmbiguousStep, Context, current_step, get_run, workflow
from tests.conformance.world import AT_ONCE, ONCE


def add_user(name: str) -> str:
    User.objects.create(username=name)
    return name


# ---- atomic ------------------------------------------------------------------------------


def test_an_atomic_step_writes_with_the_record_of_its_result(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> str:
        return await ctx.step("add", add_user, "ada", atomic=True)

    assert runs.start(w).result() == "ada"
    assert User.objects.filter(username="ada").exists()


@pytest.mark.parametrize(
    "failpoint", ["before_body", "after_body", "in_tx_after_fence", "after_record"]
)
def test_an_atomic_step_writes_once_whenever_its_worker_dies(runs, failpoint):
    @workflow(name="w")
    async def w(ctx: Context) -> int:
        await ctx.step("add", lambda: add_user(f"user {User.objects.count()}"), atomic=True)
        return await ctx.step("count", User.objects.count)

    runs.crash_at(failpoint)
    run = runs.start(w)
    runs.drain()

    assert run.refresh().result() == 1


def test_an_atomic_step_that_fails_leaves_nothing_behind(runs):
    def add_and_fail() -> None:
        add_user("half")
        raise ValueError("no room")

    @workflow(name="w", step_retry=ONCE)
    async def w(ctx: Context) -> None:
        await ctx.step("add", add_and_fail, atomic=True)

    assert runs.start(w).status == "failed"
    assert not User.objects.exists()


def test_an_atomic_step_whose_result_cannot_be_stored_leaves_nothing_behind(runs):
    def add_and_return() -> object:
        add_user("half")
        return object()

    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step("add", add_and_return, atomic=True)

    assert runs.start(w).status == "failed"
    assert not User.objects.exists()


def test_an_atomic_step_is_retried(runs):
    @workflow(name="w", step_retry=AT_ONCE)
    async def w(ctx: Context) -> str:
        return await ctx.step("add", add_user, "ada", atomic=True)

    runs.fail(step="add", times=2, error=ConnectionError("x"))

    assert runs.start(w).result() == "ada"


def test_an_atomic_step_s_hooks_run_after_the_commit(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        def add() -> None:
            add_user("ada")
            transaction.on_commit(lambda: effect(User.objects.count()))

        await ctx.step("add", add, atomic=True)

    runs.start(w)

    assert effect.calls == [1]


def test_an_async_function_is_refused_for_an_atomic_step(runs):
    async def add() -> None: ...

    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step("add", add, atomic=True)

    run = runs.start(w)

    assert run.status == "failed"
    assert "sync function" in run.error["message"]


def test_an_ordinary_step_is_in_no_transaction(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> bool:
        return await ctx.step("look", lambda: transaction.get_connection().in_atomic_block)

    assert runs.start(w).result() is False


def test_an_atomic_step_may_start_a_run_and_send_an_event(runs):
    @workflow(name="other")
    async def other(ctx: Context) -> str:
        return await ctx.wait_for_event("go")

    @workflow(name="w")
    async def w(ctx: Context) -> str:
        def both() -> str:
            started = other.start()
            started.send_event("go", "from the step")
            return str(started.id)

        return await ctx.step("both", both, atomic=True)

    run = runs.start(w)
    runs.drain()

    assert get_run(run.result()).result() == "from the step"


# ---- keys --------------------------------------------------------------------------------


def test_every_attempt_of_a_step_has_the_same_key(runs):
    keys = []

    def charge() -> None:
        keys.append(current_step().idempotency_key)
        if len(keys) < 3:
            raise ConnectionError("later")

    @workflow(name="w", step_retry=AT_ONCE)
    async def w(ctx: Context) -> None:
        await ctx.step("charge", charge)

    run = runs.start(w)

    assert keys == [f"{run.id}:charge"] * 3


def test_a_step_that_a_death_repeats_has_the_same_key(runs):
    keys = []

    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step("charge", lambda: keys.append(current_step().idempotency_key))

    runs.crash_at("after_body", step="charge")
    runs.start(w)
    runs.drain()

    assert len(keys) == 2
    assert len(set(keys)) == 1


def test_a_key_of_its_own_gives_the_first_result_to_every_run(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context, number: int) -> int:
        return await ctx.step("load", effect, number, idempotency_key="the same")

    assert [runs.start(w, number).result() for number in (1, 2)] == [1, 1]
    assert effect.calls == [1]


def test_a_key_of_its_own_counts_within_a_run_too(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> list[int]:
        return [
            await ctx.step("first", effect, 1, idempotency_key="k"),
            await ctx.step("second", effect, 2, idempotency_key="k"),
        ]

    assert runs.start(w).result() == [1, 1]
    assert effect.calls == [1]


def test_a_key_of_its_own_belongs_to_one_workflow(runs, effect):
    def register(name: str):
        @workflow(name=name)
        async def body(ctx: Context) -> str:
            return await ctx.step("load", effect, name, idempotency_key="k")

        return body

    assert [runs.start(register(name)).result() for name in ("v", "w")] == ["v", "w"]


def test_a_failure_does_not_use_up_a_key(runs, effect):
    @workflow(name="w", step_retry=ONCE)
    async def w(ctx: Context) -> int:
        return await ctx.step("load", effect, 1, idempotency_key="k")

    runs.fail(step="load", error=ConnectionError("x"))

    assert runs.start(w).status == "failed"
    assert runs.start(w).result() == 1


def test_a_step_s_function_gets_the_key_of_its_own(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> str:
        return await ctx.step(
            "charge", lambda: current_step().idempotency_key, idempotency_key="op-7"
        )

    assert runs.start(w).result() == "op-7"


@pytest.mark.parametrize("key", ["", 5, "a\x00"])
def test_a_key_of_its_own_is_a_text(runs, effect, key):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step("charge", effect, idempotency_key=key)

    run = runs.start(w)

    assert run.status == "failed"
    assert "idempotency_key" in run.error["message"]
    assert effect.calls == []


# ---- at most once ------------------------------------------------------------------------


@pytest.fixture
def guarded(effect):
    def make(**options):
        @workflow(name="guarded", step_retry=ONCE)
        async def guarded(ctx: Context) -> str:
            try:
                return await ctx.step("wire", effect, "wired", at_most_once=True, **options)
            except AmbiguousStep:
                return "nobody knows"

        return guarded

    return make


def test_a_step_that_is_done_at_most_once_is_done(runs, guarded, effect):
    assert runs.start(guarded()).result() == "wired"
    assert effect.calls == ["wired"]


def test_a_step_is_not_done_again_when_its_worker_died_in_the_middle(runs, guarded, effect):
    runs.crash_at("after_body", step="wire")
    run = runs.start(guarded())
    runs.drain()

    assert effect.calls == ["wired"]
    assert run.refresh().status == "waiting"
    [wait] = run.waiting_on
    assert wait.name == "wire"
    assert run.steps[0].status == "intent"


@pytest.mark.parametrize(
    ("answer", "result_and_calls"),
    [
        (("result", "it was wired"), ("it was wired", 1)),
        (("fail",), ("nobody knows", 1)),
        (("retry",), ("wired", 2)),
    ],
)
def test_an_operator_says_how_it_ended(runs, guarded, effect, answer, result_and_calls):
    runs.crash_at("after_body", step="wire")
    run = runs.start(guarded())
    runs.drain()
    run.refresh().resolve("wire", *answer)

    assert (run.refresh().result(), len(effect.calls)) == result_and_calls


@pytest.mark.parametrize(
    ("policy", "result_and_calls"), [("fail", ("nobody knows", 1)), ("retry", ("wired", 2))]
)
def test_a_step_may_say_itself_what_becomes_of_it(runs, guarded, effect, policy, result_and_calls):
    runs.crash_at("after_body", step="wire")
    run = runs.start(guarded(on_ambiguous=policy))
    runs.drain()

    assert (run.refresh().result(), len(effect.calls)) == result_and_calls


def test_a_step_that_is_not_ambiguous_is_not_resolved(runs, guarded):
    run = runs.start(guarded())

    with pytest.raises(ActionRefused):
        run.resolve("wire", "fail")


def test_a_step_that_never_began_is_done(runs, guarded, effect):
    runs.crash_at("after_claim")
    run = runs.start(guarded())
    runs.drain()

    assert run.refresh().result() == "wired"


def test_a_failure_of_a_guarded_step_is_no_doubt(runs):
    @workflow(name="w", step_retry=ONCE)
    async def w(ctx: Context) -> None:
        await ctx.step("wire", lambda: 1 / 0, at_most_once=True)

    run = runs.start(w)

    assert run.status == "failed"
    assert run.error["message"] == "division by zero"
