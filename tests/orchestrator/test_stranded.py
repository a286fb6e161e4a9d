"""Runs whose code is missing, or does not fit: they rest, and go on when it is there."""

from __future__ import annotations

from datetime import timedelta

import pytest

from orchestrator import Context, workflow
from orchestrator.core.definition import registry
from orchestrator.engine import worker
from orchestrator.engine.upkeep import Upkeep
from orchestrator.models import Run as Row
from orchestrator.models import Worker
from orchestrator.store import stranded, testing, ticks
from orchestrator.store.records import Park, Save

LEASE = timedelta(seconds=10)
GRACE = timedelta(seconds=30)


def deploy(*bodies) -> None:
    """Have these bodies, and no others, as the code of workflow `w`."""
    registry._by_name.pop("w", None)
    for body in bodies:
        workflow(name="w", version="3")(body)


def block_unknown(**options) -> int:
    """What a worker does that has been here for the grace."""
    known = [(one.name, one.version) for one in registry]
    return stranded.block_unknown(known, grace=GRACE, lease=LEASE, limit=1_000, **options)


async def original(ctx: Context) -> str:
    await ctx.step("a", str, 1)
    await ctx.sleep("1h")
    await ctx.step("b", str, 2)
    return "original"


async def edited(ctx: Context) -> str:
    await ctx.step("other", str, 1)
    return "edited"


async def edited_again(ctx: Context) -> str:
    await ctx.sleep("1h", name="nap")
    return "edited again"


async def mended(ctx: Context) -> str:
    await ctx.step("a", str, 1)
    await ctx.sleep("1h")
    await ctx.step("b", str, 2)
    return "mended"


@pytest.fixture
def sleeper(runs):
    """A run that sleeps, of code that is there."""
    deploy()
    return runs.start(workflow(name="w", version="3")(original))


@pytest.fixture
def orphan(runs, sleeper):
    """A run that is due, whose code nobody has."""
    deploy()
    runs.advance("1h")
    return sleeper


# ---- no code ----------------------------------------------------------------------------


# OpenWorkflow and Absurd fail such a run, or claim it again and again.
def test_a_run_whose_code_nobody_has_is_blocked_and_says_why(runs, orphan):
    runs.advance("31s")
    block_unknown()

    assert orphan.refresh().status == "blocked"
    assert orphan.error["type"] == "NoCode"
    assert orphan.error["message"] == (
        "no code for w v3: no live worker has it. The run continues when a worker that has it "
        "appears"
    )


def test_a_deploy_may_take_its_time(runs, orphan):
    runs.advance("20s")

    assert block_unknown() == 0
    assert orphan.refresh().status == "waiting"


def test_a_run_of_code_that_a_live_worker_has_is_left_to_it(runs, orphan):
    deploy(original)
    Upkeep(worker="other", mend=lambda: None).beat(0)
    deploy()
    runs.advance("1s")
    assert block_unknown() == 0

    # It was heard of a moment ago: perhaps it comes back.
    runs.advance("20s")
    assert block_unknown() == 0
    runs.advance("20s")
    assert block_unknown() == 1


def test_a_worker_that_has_just_begun_blocks_nothing(runs, orphan, settings):
    runs.advance("5m")

    Upkeep(worker="new", mend=lambda: None).beat(0)
    assert orphan.refresh().status == "waiting"

    settings.ORCHESTRATOR_CODE_GRACE = 0
    Upkeep(worker="old", mend=lambda: None).beat(0)
    assert orphan.refresh().status == "blocked"


def test_it_goes_on_by_itself_when_a_worker_has_its_code(runs, orphan):
    runs.advance("31s")
    block_unknown()
    runs.drain()
    assert orphan.refresh().status == "blocked"

    deploy(original)
    runs.drain()

    assert orphan.refresh().result() == "original"
    assert orphan.error is None


def test_nobody_looks_at_it_meanwhile(runs, orphan):
    runs.advance("31s")
    block_unknown()
    epoch = Row.objects.get().epoch

    for _ in range(5):
        assert worker.drain(inline=True, mends=True) == 0
        assert block_unknown() == 0

    assert Row.objects.get().epoch == epoch


def test_an_event_that_comes_meanwhile_is_kept(runs):
    async def waits(ctx: Context) -> object:
        return await ctx.wait_for_event("go")

    deploy(waits)
    run = runs.start(workflow(name="w", version="3")(waits))
    deploy()
    run.send_event("go", "first")
    runs.advance("31s")
    block_unknown()
    run.send_event("go", "second")
    assert run.refresh().status == "blocked"

    deploy(waits)
    runs.drain()

    assert run.refresh().result() == "first"


def test_one_that_never_started_can_be_cancelled_at_once(runs, settings):
    deploy()
    settings.ORCHESTRATOR_HINTS = False
    run = workflow(name="w", version="3")(original).start()
    deploy()
    runs.advance("31s")
    block_unknown()

    run.cancel()

    assert run.refresh().status == "cancelled"


def test_the_cancel_of_one_that_has_started_waits_for_the_code_that_cleans_up(runs, orphan):
    runs.advance("31s")
    block_unknown()
    orphan.cancel()
    runs.advance("31s")
    block_unknown()
    assert orphan.refresh().status == "blocked"

    deploy(original)
    runs.drain()

    assert orphan.refresh().status == "cancelled"


def test_an_operator_may_try_at_once(runs, orphan):
    runs.advance("31s")
    block_unknown()

    orphan.resume()

    assert orphan.refresh().status == "pending"
    assert block_unknown() == 0
    runs.advance("31s")
    assert block_unknown() == 1


def test_a_run_whose_worker_died_with_the_code_is_blocked_and_the_worker_writes_nothing(
    runs, sleeper, settings
):
    known = [("w", "3")]
    settings.ORCHESTRATOR_HINTS = False
    sleeper.skip_sleep()
    [held] = ticks.claim(limit=10, lease=LEASE, worker="frozen", known=known)
    testing.expire_leases()
    deploy()
    runs.advance("31s")

    assert block_unknown() == 1
    row = Row.objects.get()
    assert (row.status, row.owned, row.crashes) == ("blocked", False, 1)
    assert ticks.save([Save(claim=held, then=Park("waiting", None, []))], worker="frozen") == {}


def test_many_are_blocked_a_few_at_a_time(runs, monkeypatch, settings):
    monkeypatch.setattr(stranded, "BATCH", 2)
    deploy()
    settings.ORCHESTRATOR_HINTS = False
    w = workflow(name="w", version="3")(original)
    for _ in range(5):
        w.start()
    deploy()
    runs.advance("31s")

    assert block_unknown() == 5
    assert set(Row.objects.values_list("status", flat=True)) == {"blocked"}


def test_what_stands_behind_a_backlog_is_found_by_a_thorough_look(
    runs, orphan, monkeypatch, settings
):
    monkeypatch.setattr(stranded, "LOOK", 1)
    runs.advance("31s")
    settings.ORCHESTRATOR_HINTS = False

    @workflow(name="busy")
    async def busy(ctx: Context) -> None: ...

    # Of known code, due for longer, and nobody gets round to it.
    backlog = busy.start()
    due_at = Row.objects.get(id=orphan.id).due_at - timedelta(seconds=1)
    Row.objects.filter(id=backlog.id).update(due_at=due_at)

    assert block_unknown(is_thorough=False) == 0
    assert block_unknown() == 1


# ---- code that does not fit -------------------------------------------------------------


@pytest.fixture
def contradicted(runs, sleeper):
    """A run that was blocked, because its code was edited."""
    deploy(edited)
    runs.advance("1h")
    assert sleeper.refresh().error["type"] == "NonDeterminism"
    return sleeper


def test_it_goes_on_by_itself_when_the_code_is_mended(runs, contradicted):
    deploy(mended)
    runs.drain()

    assert contradicted.refresh().result() == "mended"
    assert contradicted.error is None


def test_the_code_that_blocked_it_does_not_try_again(runs, contradicted):
    epoch = Row.objects.get().epoch

    for _ in range(3):
        assert worker.drain(inline=True, mends=True) == 0

    assert Row.objects.get().epoch == epoch


def test_each_code_tries_once(runs, contradicted):
    def tries(body) -> int:
        deploy(body)
        return worker.drain(inline=True, mends=True)

    assert [tries(edited_again), tries(edited), tries(edited_again), tries(edited)] == [1, 0, 0, 0]
    assert len(contradicted.refresh().error["tried"]) == 2
    assert tries(mended) == 1
    assert contradicted.refresh().result() == "mended"


def test_a_run_that_new_code_has_carried_on_and_old_code_contradicts_goes_on_with_the_new(runs):
    async def new(ctx: Context) -> str:
        await ctx.step("new", str, 1)
        await ctx.sleep("1h")
        return "new"

    deploy(new)
    run = runs.start(workflow(name="w", version="3")(new))
    deploy(original)
    runs.advance("1h")
    assert run.refresh().status == "blocked"

    deploy(new)
    runs.drain()

    assert run.refresh().result() == "new"


def test_an_operator_may_let_the_same_code_try_again(runs, contradicted):
    epoch = Row.objects.get().epoch

    contradicted.resume()

    assert contradicted.refresh().status == "blocked"
    assert Row.objects.get().epoch > epoch


def test_a_run_that_kills_its_workers_is_not_tried_by_other_code(runs, sleeper, settings):
    settings.ORCHESTRATOR_MAX_CRASHES = 1
    runs.crash_at("after_load")
    runs.advance("1h")
    runs.drain()
    assert sleeper.refresh().error["type"] == "Quarantined"

    deploy(mended)
    runs.drain()

    assert sleeper.refresh().status == "blocked"


def test_upkeep_asks_a_driver_to_look_for_blocked_runs(runs):
    asked = []
    Upkeep(worker="w", mend=lambda: asked.append(1)).beat(0)

    assert asked == [1]
    assert Worker.objects.count() == 1
