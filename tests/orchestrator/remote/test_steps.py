"""Steps that were handed out: any worker executes them, with the same promises as any step."""

from __future__ import annotations

import asyncio
import functools

import pytest
from django.contrib.auth.models import Group

from orchestrator import Context, Retry, StepFailed, workflow
from orchestrator.core.definition import registry
from orchestrator.engine import worker
from orchestrator.models import Attempt, Event, LogLine, StepTask
from orchestrator.models import Run as Row
from tests.orchestrator.remote import functions
from tests.orchestrator.remote.functions import OtherWorker, about, add_group, effect, fetch, refuse

NOW = Retry(initial_delay=0)


def one_step(fn=effect, *args, **options):
    """A workflow of one step that is handed out."""

    @workflow(name="one")
    async def one(ctx: Context) -> object:
        return await ctx.step("a", fn, *args, **({"remote": True} | options))

    return one


# ---- what it does -----------------------------------------------------------------------


def test_a_step_is_executed_elsewhere_and_its_result_recorded(runs):
    run = runs.start(one_step(effect, {"n": 1}))

    assert run.result() == {"n": 1}
    assert functions.calls == [{"n": 1}]
    [step] = run.steps
    assert (step.status, step.attempts, step.result) == ("completed", 1, {"n": 1})
    assert not StepTask.objects.exists()
    assert not Event.objects.exists()


def test_many_are_executed_and_the_results_are_in_their_order(runs):
    @workflow(name="many")
    async def many(ctx: Context) -> list[object]:
        return list(
            await asyncio.gather(*(ctx.step("s", effect, n, remote=True) for n in range(40)))
        )

    assert runs.start(many).result() == list(range(40))


@pytest.mark.parametrize("fn", [effect, fetch, functions.Tool.use])
def test_any_function_that_has_a_name_will_do(runs, fn):
    assert runs.start(one_step(fn, "x", queue="gpu")).result() == "x"


def test_local_and_remote_steps_go_together(runs):
    @workflow(name="both")
    async def both(ctx: Context) -> list[object]:
        first = await ctx.step("a", effect, 1)
        two = await asyncio.gather(ctx.step("b", effect, 2, remote=True), ctx.step("c", effect, 3))
        return [first, *two, await ctx.step("d", effect, 4, remote=True)]

    assert runs.start(both).result() == [1, 2, 3, 4]


def test_the_run_holds_no_worker_meanwhile_and_says_what_it_waits_for(runs, drive):
    run = one_step(effect, 1, queue="gpu").start()
    drive()

    row = Row.objects.get()
    assert (row.status, row.owned, row.due_at) == ("waiting", False, None)
    [wait] = run.refresh().waiting_on
    assert (wait.kind, wait.key, wait.detail["queue"]) == ("step", "a", "gpu")
    assert [(step.key, step.status) for step in run.steps] == [("a", "queued")]

    OtherWorker().take()

    assert [(step.key, step.status) for step in run.steps] == [("a", "running")]


def test_of_many_that_it_waits_for_it_names_the_first(runs, drive):
    @workflow(name="many")
    async def many(ctx: Context) -> None:
        await asyncio.gather(*(ctx.step("s", effect, n, remote=True) for n in range(50)))

    run = many.start()
    drive()

    assert len(run.refresh().waiting_on) == 20
    assert run.waiting_on[-1].detail["more"] == 30


# ---- who takes it -----------------------------------------------------------------------


def test_it_is_taken_by_workers_of_its_queue_only(runs, drive):
    one_step(effect, 1, queue="gpu").start()
    drive()

    assert OtherWorker(queues=("", "cpu")).take() == []
    assert len(OtherWorker(queues=("cpu", "gpu")).take()) == 1


def test_without_a_queue_it_is_taken_by_workers_of_its_runs_queue(runs, drive):
    one_step(effect, 1).start(queue="night")
    drive()

    assert OtherWorker(queues=("",)).take() == []
    assert len(OtherWorker(queues=("night",)).take()) == 1


def test_it_is_left_to_workers_that_have_the_runs_code(runs, drive):
    one_step(effect, 1).start()
    drive()
    code = registry._by_name.pop("one")
    assert OtherWorker().take() == []

    registry._by_name["one"] = code
    assert len(OtherWorker().take()) == 1


def test_steps_of_urgent_runs_come_first(runs, drive):
    one = one_step(effect, 1)
    slow, urgent = one.start(), one.start(priority=1)
    drive()

    taken = [OtherWorker().take(limit=1)[0].run_id for _ in range(2)]

    assert taken == [urgent.id, slow.id]


# ---- how it fails -----------------------------------------------------------------------


def test_a_failed_attempt_is_tried_again_as_the_policy_says(runs):
    functions.errors += [ConnectionError("once"), ConnectionError("twice")]

    run = runs.start(one_step(effect, 1, retry=NOW))

    assert run.result() == 1
    assert run.steps[0].attempts == 3
    attempts = Attempt.objects.order_by("number")
    assert [(one.number, one.error["message"]) for one in attempts] == [(1, "once"), (2, "twice")]


def test_between_attempts_nobody_holds_it(runs):
    functions.errors.append(ConnectionError())

    run = runs.start(one_step(effect, 1, retry=Retry(initial_delay="1h", max_delay="1h")))
    assert run.status == "awaiting_retry"
    assert not StepTask.objects.exists()
    runs.advance("1h")

    assert run.refresh().result() == 1


def test_who_made_a_failed_attempt_is_kept(runs, drive):
    one_step(effect, 1, retry=NOW).start()
    drive()
    functions.errors.append(ConnectionError())

    worker.drain(inline=True, remote=True)

    assert Attempt.objects.get().worker


def test_when_attempts_are_used_up_the_body_sees_the_original_error(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> str:
        try:
            await ctx.step("a", effect, 1, remote=True, retry=Retry(max_attempts=1))
        except KeyError as error:
            is_ours = isinstance(error, StepFailed)
            await ctx.sleep("1h")
            return f"{type(error).__name__} {error.args} {is_ours}"
        return "no"

    functions.errors.append(KeyError("x"))
    run = runs.start(w)
    runs.advance("1h")

    assert run.refresh().result() == "KeyError ('x',) True"
    assert len(functions.calls) == 1


@pytest.mark.parametrize("error", [None, SystemExit(3)])
def test_what_is_not_to_be_tried_again_is_not(runs, error):
    functions.errors += [error] if error else []

    run = runs.start(one_step(effect if error else refuse, retry=NOW))

    assert run.status == "failed"
    assert run.steps[0].attempts == 1


def test_a_result_that_cannot_be_stored_fails_the_step(runs):
    run = runs.start(one_step(functions.unstorable, retry=NOW))

    assert run.error["type"].endswith("NotSerializable")
    assert len(functions.calls) == 1


def test_an_attempt_that_takes_too_long_fails_with_a_timeout(runs):
    runs.time_out(step="a")

    run = runs.start(one_step(fetch, 1, timeout="1s", retry=Retry(max_attempts=1)))

    assert run.error["type"].endswith("StepTimeout")


# ---- what a step has --------------------------------------------------------------------


def test_a_step_knows_what_it_is_and_writes_to_the_runs_log_once(runs):
    run = runs.start(one_step(about))

    assert run.result() == {"name": "a", "attempt": 1, "key": f"{run.id}:a", "found": None}
    assert [(line.key, line.message) for line in LogLine.objects.all()] == [("a", "executed")]


def test_the_next_attempt_finds_what_the_one_before_has_told(runs):
    functions.errors.append(ConnectionError())

    run = runs.start(one_step(about, retry=NOW))

    assert run.result()["attempt"] == 2
    assert run.result()["found"] == {"attempt": 1}
    assert Attempt.objects.get().details == {"attempt": 1}


def test_a_key_of_its_own_counts_for_every_run_of_the_workflow(runs):
    one = one_step(effect, 1, idempotency_key="k")

    assert [runs.start(one).result() for _ in range(3)] == [1, 1, 1]
    assert functions.calls == [1]


def test_an_atomic_step_commits_its_writes_with_its_report(runs):
    run = runs.start(one_step(add_group, "booked", atomic=True))

    assert run.result() == Group.objects.get(name="booked").pk


def test_an_atomic_step_that_fails_leaves_nothing_behind(runs):
    functions.errors.append(ValueError())

    run = runs.start(one_step(add_group, "half", atomic=True, retry=Retry(max_attempts=1)))

    assert run.status == "failed"
    assert not Group.objects.filter(name="half").exists()


def test_a_step_that_was_handed_out_can_be_undone(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step("a", effect, 1, remote=True, compensate=effect)
        raise ValueError("after all")

    runs.start(w)

    assert functions.calls == [1, 1]


# ---- what cannot be handed out ----------------------------------------------------------


def local_function():
    def inner() -> None: ...

    return inner


@pytest.mark.parametrize(
    ("fn", "why"),
    [
        (lambda: 1, "a lambda has no name"),
        (local_function(), r"local_function.<locals>.inner is defined inside a function"),
        (functools.partial(effect, 1), "a functools.partial has no name"),
        (functions.Tool().method, "Tool.method is a method of an object"),
    ],
)
def test_a_function_that_others_cannot_find_is_refused_with_what_to_write(runs, fn, why):
    run = runs.start(one_step(fn))

    assert run.status == "failed"
    assert run.error["type"] == "builtins:TypeError"
    assert run.error["message"].startswith("step 'a' is to be executed by any worker: ")
    assert why in run.error["message"]
    assert "write a function at the top of a module" in run.error["message"]
    assert not StepTask.objects.exists()


def test_an_argument_that_cannot_be_stored_is_refused_with_what_to_hand_over(runs):
    run = runs.start(one_step(effect, object()))

    assert run.error["type"].endswith("NotSerializable")
    assert "arguments of step 'a'[0]" in run.error["message"]
    assert "hand it what can be stored, such as an id" in run.error["message"]
    assert functions.calls == []


def test_arguments_that_are_too_large_are_refused(runs, settings):
    settings.ORCHESTRATOR_MAX_PAYLOAD = 1_000

    run = runs.start(one_step(effect, "x" * 2_000))

    assert run.error["type"].endswith("PayloadTooLarge")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"remote": "gpu"}, "remote='gpu' is True or False; a queue is queue="),
        ({"queue": "no such/queue"}, "a queue's name is 1 to 100 letters"),
    ],
)
def test_options_that_say_nothing_are_refused(runs, options, message):
    run = runs.start(one_step(effect, 1, **options))

    assert message in run.error["message"]
