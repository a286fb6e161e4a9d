"""`replay_check`: a recorded history, replayed against today's code without a database."""

from __future__ import annotations

import asyncio
import json

import pytest

from orchestrator import (
    Context,
    EventTimeout,
    NonDeterminism,
    NonRetryable,
    Retry,
    StepFailed,
    UnknownWorkflow,
    get_run,
    histories,
    workflow,
)
from orchestrator.core.definition import registry
from orchestrator.models import LogLine
from orchestrator.models import Run as Row
from orchestrator.testing import InvalidHistory, ReplayFailed, replay_check
from tests.orchestrator.lifecycle import OrderContext, register

ONCE = Retry(max_attempts=1)


def double(n: int) -> int:
    return 2 * n


def refuse() -> None:
    raise NonRetryable("no")


def exported(run, **options):
    """The history of a run, as a file would hold it."""
    return json.dumps(histories.export(Row.objects.get(id=run.id), **options))


def rewritten(fn, name="w"):
    """Today's code of a workflow."""
    registry._by_name.pop(name, None)
    return workflow(name=name)(fn)


@pytest.fixture
def check(django_assert_num_queries):
    """`replay_check`, which must ask no database."""

    def check(history, workflow=None):
        with django_assert_num_queries(0):
            return replay_check(history, workflow)

    return check


# ---- what a run can be made of --------------------------------------------------------


async def retries(ctx: Context) -> object:
    return await ctx.step("a", double, 1, retry=Retry(initial_delay="1s"))


async def branches(ctx: Context) -> object:
    first = await asyncio.gather(*(ctx.step("n", double, n) for n in range(3)))
    sleep = asyncio.create_task(ctx.sleep("1h"))
    event = asyncio.create_task(ctx.wait_for_event("go"))
    done, _ = await asyncio.wait({sleep, event}, return_when=asyncio.FIRST_COMPLETED)
    return [*first, event in done]


async def timeouts(ctx: Context) -> object:
    try:
        async with asyncio.timeout(60):
            await ctx.wait_for_event("never")
    except TimeoutError:
        ctx.logger.info("too late")
    try:
        await ctx.wait_for_event("never", timeout="1m")
    except EventTimeout:
        return await ctx.step("late", double, 2)


async def failures(ctx: Context) -> object:
    await ctx.step("book", double, 1, compensate=double)
    try:
        await ctx.step("pay", refuse)
    except StepFailed as error:
        await ctx.step("note", str, error.message)
    await ctx.step("pay", refuse)


async def notes(ctx: Context) -> object:
    ctx.set_attributes(country="DE", draw=ctx.random.random())
    ctx.set_progress(0.5, "half")
    if ctx.patched("faster"):
        await ctx.step("fast", double, 1)
    ctx.logger.info("here", at=ctx.now(), id=ctx.uuid4(), attempt=ctx.attempt)
    return await ctx.step("charge", double, 3, at_most_once=True, idempotency_key="k")


async def cancels(ctx: Context) -> object:
    try:
        await ctx.sleep("1d")
    finally:
        await ctx.step("clean", double, 1)


SHAPES = [retries, branches, timeouts, failures, notes, cancels]


@pytest.mark.parametrize("fn", SHAPES, ids=lambda fn: fn.__name__)
def test_whatever_a_run_has_done_replays(runs, check, fn):
    if fn is retries:
        runs.fail(step="a", times=2, error=ConnectionError("down"))
    run = runs.start(rewritten(fn))
    if fn is cancels:
        run.cancel("enough")
        runs.drain()
    runs.advance("2h")
    assert run.refresh().status in ("completed", "failed", "cancelled")

    found = check(exported(run))

    assert (found.then, found.status, found.asks) == (run.status, run.status, ())
    assert found.outcomes >= len([one for one in run.steps if one.kind == "step"])


@pytest.mark.parametrize("fn", [branches, timeouts, cancels], ids=lambda fn: fn.__name__)
def test_a_run_that_is_under_way_replays(runs, check, fn):
    run = runs.start(rewritten(fn))

    found = check(exported(run))

    assert (found.then, found.status, found.asks) == ("waits", "waiting", ())


def test_a_run_that_waits_for_its_child_replays_and_so_does_the_child(runs, check):
    child = rewritten(cancels, "child")

    async def parent(ctx: Context) -> object:
        return await ctx.start_child(child)

    run = runs.start(rewritten(parent))
    [child_run] = runs.children(run)
    assert check(exported(run)).then == check(exported(child_run)).then == "waits"
    runs.advance("1d")

    assert check(exported(run)).then == "completed"
    assert check(exported(child_run)).then == "completed"


def test_a_machine_replays_from_where_it_last_came_to_rest(runs, effect, check):
    machine = register(tell=effect).start(OrderContext())
    run = get_run(machine.id)
    assert check(exported(run)).then == "waits"
    machine.send("PAYMENT_RECEIVED", {"amount": 30})
    machine.send("OUT_OF_STOCK")
    under_way = exported(run.refresh())
    assert check(under_way).then == "waits"
    runs.advance("14d")

    assert check(exported(runs.expect(run))).then == "completed"
    # Only what came after the checkpoint is handed over.
    assert check(under_way).outcomes < len(json.loads(under_way)["journal"])


def test_a_run_that_died_before_a_record_goes_on(runs, check):
    runs.crash_at("after_body", step="a")
    run = runs.start(rewritten(retries))

    found = check(exported(run))

    assert (found.then, found.asks) == ("goes on", ("step 'a'",))
    runs.drain()


def test_a_run_that_has_not_begun_has_nothing_to_replay(runs, check):
    run = runs.start(rewritten(retries), delay="1d")

    assert check(exported(run)).then == "has not begun"


def test_a_replay_writes_no_log_and_executes_no_step(runs, effect, caplog):
    async def w(ctx: Context) -> object:
        ctx.logger.info("hello")
        return await ctx.step("a", effect)

    run = runs.start(rewritten(w))
    caplog.clear()
    replay_check(exported(run))

    assert (len(effect.calls), LogLine.objects.count(), caplog.messages) == (1, 1, [])


# ---- code that has changed ------------------------------------------------------------


async def before(ctx: Context) -> object:
    first = await ctx.step("a", double, 1)
    await ctx.sleep("1h")
    return await ctx.step("b", double, first)


@pytest.fixture
def history(runs):
    """Of a run of `before` that has completed."""
    run = runs.start(rewritten(before))
    runs.advance("1h")
    return exported(runs.expect(run))


async def renamed(ctx: Context) -> object:
    await ctx.step("a", double, 1)
    await ctx.sleep("1h")
    await ctx.step("B", double, 1)


async def another_kind(ctx: Context) -> object:
    await ctx.step("a", double, 1)
    await ctx.wait_for_event("sleep")


async def shorter(ctx: Context) -> object:
    await ctx.step("a", double, 1)


async def longer(ctx: Context) -> object:
    await before(ctx)
    await ctx.step("c", double, 1)
    await ctx.sleep("1h")


async def failing(ctx: Context) -> object:
    await before(ctx)
    raise ValueError("nowadays")


@pytest.mark.parametrize(
    ("fn", "difference"),
    [
        (renamed, ("step 'b'", "step 'B'", 3)),
        (another_kind, ("sleep 'sleep'", "event 'sleep'", 2)),
        (shorter, ("sleep 'sleep'", "the body has ended", 2)),
        (longer, ("the end: completed", "the code asked for: step 'c'", 4)),
        (failing, ("the end: completed", "the code failed: ValueError: nowadays", 4)),
    ],
)
def test_code_that_has_changed_is_told_with_the_place(history, check, fn, difference):
    rewritten(fn)

    with pytest.raises(ReplayFailed) as caught:
        check(history)

    error = caught.value
    assert (error.expected, error.got, error.position) == difference
    assert isinstance(error, NonDeterminism)
    assert str(error).startswith("w 1, run ")
    assert f"journal position {difference[2]}: " in str(error)


def test_a_change_behind_patched_is_no_difference(history, check):
    async def patched(ctx: Context) -> object:
        if ctx.patched("first"):
            await ctx.step("new", double, 1)
        result = await before(ctx)
        if ctx.patched("last"):
            await ctx.step("newer", double, 1)
        return result

    rewritten(patched)

    assert check(history).then == "completed"


def test_another_result_is_no_difference(history, check):
    async def louder(ctx: Context) -> str:
        return f"{await before(ctx)}!"

    rewritten(louder)

    assert check(history).then == "completed"


def test_a_failed_run_may_go_on_with_mended_code(runs, check):
    async def broken(ctx: Context) -> object:
        await ctx.step("a", double, 1)
        raise ZeroDivisionError

    run = runs.start(rewritten(broken))
    assert check(exported(run)).then == "failed"
    rewritten(before)

    found = check(exported(run))

    assert (found.status, found.then, found.asks) == ("failed", "waits", ("sleep 'sleep'",))


def test_what_is_open_and_no_longer_asked_for_is_told(runs, check):
    run = runs.start(rewritten(before))
    rewritten(shorter)

    with pytest.raises(ReplayFailed, match="which the code no longer asks for"):
        check(exported(run))


def test_a_value_whose_class_is_gone_is_told(history, check):
    document = json.loads(history)
    document["journal"][0]["value"] = {"$": "enum", "c": "gone:Colour", "v": "RED"}

    with pytest.raises(ReplayFailed, match="UndecodableValue: ") as caught:
        check(document)

    assert (caught.value.cause_type, caught.value.expected) == ("UndecodableValue", "")


# ---- which code, and which history ----------------------------------------------------


def test_another_workflow_takes_the_place_of_the_recorded_one(history, check):
    other = rewritten(before, "other")

    assert check(history, other).workflow == "w"
    assert check(history, "other").then == "completed"


def test_a_version_that_is_gone_is_unknown(history, check):
    registry._by_name.pop("w")

    with pytest.raises(UnknownWorkflow, match="'w'"):
        check(history)


def test_a_history_is_a_path_a_text_or_a_document(history, check, tmp_path):
    path = tmp_path / "w.json"
    path.write_text(history)

    for source in (path, str(path), history, json.loads(history)):
        assert check(source).outcomes == 3


def test_a_result_of_none_is_a_result(runs, check):
    async def w(ctx: Context) -> object:
        assert await ctx.step("a", print) is None
        return await ctx.wait_for_event("b", timeout="1s", default=None)

    run = runs.start(rewritten(w))
    runs.advance("1s")

    assert check(exported(run)).then == "completed"


def test_without_payloads_it_shows_no_value_and_is_not_replayed(runs, check):
    async def w(ctx: Context, secret: str) -> object:
        await ctx.step("a", str, secret)
        await ctx.wait_for_event("secret", "secret")

    runs.fail(step="a", error=ValueError("secret"))
    run = runs.start(rewritten(w), "secret", initiator="secret", tags={"a": "secret"})
    runs.advance("1m")
    history = exported(run, payloads=False)

    assert "secret" not in history.replace('"key": "secret"', "").replace('"name": "secret"', "")
    with pytest.raises(InvalidHistory, match="exported without payloads"):
        check(history)


def test_a_run_that_retention_has_purged_is_not_replayed(runs, check):
    run = runs.start(rewritten(retries))
    Row.objects.filter(id=run.id).update(is_purged=True)

    with pytest.raises(InvalidHistory, match="before retention purges the run"):
        check(exported(run))


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("{}", "format: Field required"),
        ('{"format": "orchestrator-history", "format_version": 2}', "format_version: Input should"),
        ("{", "Invalid JSON"),
        ("no/such/file.json", "cannot be read"),
        ({"format": "orchestrator-history", "format_version": 1, "run": {}}, "run.id: Field"),
    ],
)
def test_what_is_no_history_says_what_is_wrong(source, words):
    with pytest.raises(InvalidHistory, match=words):
        replay_check(source)
