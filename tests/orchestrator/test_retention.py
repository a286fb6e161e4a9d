"""Retention: what is removed when, what stays, and what a late start finds."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import models as fields

from orchestrator import (
    ActionRefused,
    Context,
    IdempotencyConflict,
    RunPruned,
    UnknownRun,
    UnknownWorkflow,
    clock,
    get_run,
    models,
    retention,
    schedule,
    send_event,
    start_many,
    workflow,
)
from orchestrator.engine.keeper import Keeper
from orchestrator.models import Run as Row
from orchestrator.retention import Wanted
from orchestrator.store import pruning

MONTH = timedelta(days=31)


@pytest.fixture
def order(effect):
    @workflow(name="order")
    async def order(ctx: Context, n: int = 0) -> object:
        ctx.logger.info("begun")
        return await ctx.step("charge", effect, n)

    return order


@pytest.fixture
def waiter():
    @workflow(name="waiter")
    async def waiter(ctx: Context) -> object:
        return await ctx.wait_for_event("go")

    return waiter


def prune(**wanted: object) -> dict[str, int]:
    """A round; how much it has removed of what."""
    done: dict[str, int] = {}
    for one in retention.removing(Wanted(**wanted)):
        done[one.what] = done.get(one.what, 0) + one.done
    return {what: count for what, count in done.items() if count}


# ---- which runs --------------------------------------------------------------------------


def test_a_run_is_removed_with_all_that_is_its_own_a_month_after_its_end(runs, order):
    run = runs.start(order)
    runs.advance("29d")
    assert prune() == {}

    runs.advance("1d")

    assert prune() == {"runs": 1}
    assert not Row.objects.exists()
    assert not models.Entry.objects.exists()
    assert not models.LogLine.objects.exists()
    with pytest.raises(UnknownRun, match="retention has removed it"):
        run.refresh()
    with pytest.raises(UnknownRun):
        get_run(run.id)


def test_a_run_that_has_not_ended_is_never_removed(runs, waiter):
    runs.start(waiter)
    runs.start(waiter).pause()
    runs.advance("100d")

    assert prune(older_than=timedelta(0)) == {}
    assert Row.objects.count() == 2


def test_a_workflow_says_how_long_its_runs_are_kept(runs, order):
    @workflow(name="brief", retention="1h")
    async def brief(ctx: Context) -> None: ...

    @workflow(name="kept", retention="forever")
    async def kept(ctx: Context) -> None: ...

    for each in (order, brief, kept):
        runs.start(each)
    runs.advance("2h")
    assert prune() == {"runs": 1}

    runs.advance("1y")
    assert prune() == {"runs": 1}
    assert Row.objects.get().workflow == "kept"


def test_of_several_versions_the_one_that_keeps_longest_counts(runs):
    for version, keeping in (("1", "1h"), ("2", "10h")):

        @workflow(name="w", version=version, retention=keeping)
        async def w(ctx: Context) -> None: ...

    runs.start(w)
    runs.advance("2h")
    assert prune() == {}


def test_the_setting_may_keep_everything(runs, order, settings):
    settings.ORCHESTRATOR_RETENTION = "forever"
    runs.start(order)
    runs.advance("9y")

    assert prune() == {}


@pytest.mark.parametrize("option", ["retention", "payload_retention"])
def test_a_wrong_retention_is_refused_at_import(option):
    with pytest.raises(ValueError, match="not a duration: 'soon'"):
        workflow(name="w", **{option: "soon"})


def test_runs_of_a_workflow_that_is_not_known_here_are_left_unless_an_age_is_given(runs, order):
    runs.start(order)
    Row.objects.update(workflow="elsewhere")
    runs.advance("40d")

    assert prune() == {}
    assert retention.unknown_workflows() == ["elsewhere"]
    with pytest.raises(UnknownWorkflow, match="'elsewhere' are kept is not known here"):
        prune(workflows=("elsewhere",))
    assert prune(older_than=timedelta(days=50)) == {}
    assert prune(older_than=MONTH) == {"runs": 1}


def test_only_the_named_workflows_are_touched(runs, order, waiter):
    runs.start(order)
    runs.send_event(runs.start(waiter), "go")
    runs.advance("40d")

    assert prune(workflows=("waiter",)) == {"runs": 1}
    assert Row.objects.get().workflow == "order"


def test_a_batch_is_as_large_as_asked_and_a_round_goes_on_until_nothing_is_left(runs, order):
    for _ in range(7):
        runs.start(order)
    runs.advance("40d")

    done = [one.done for one in retention.removing(Wanted(batch=3)) if one.what == "runs"]

    assert done == [3, 3, 1]


def test_a_round_that_was_stopped_goes_on_where_it_was(runs, order):
    for _ in range(5):
        runs.start(order)
    runs.advance("40d")
    next(retention.removing(Wanted(batch=2)))
    assert Row.objects.count() == 3

    assert prune(batch=2) == {"runs": 3}


def test_runs_with_long_journals_come_in_smaller_batches(runs, order, monkeypatch):
    monkeypatch.setattr(pruning, "MAX_OUTCOMES", 2)
    for _ in range(5):
        runs.start(order)
    runs.advance("40d")

    done = [one.done for one in retention.removing(Wanted()) if one.what == "runs"]

    assert done == [2, 2, 1]


# ---- relatives ---------------------------------------------------------------------------


@pytest.fixture
def family(order, waiter):
    """A parent that waits for one child, and goes on beside another that waits for an event."""

    @workflow(name="parent")
    async def parent(ctx: Context) -> None:
        await ctx.start_child(order, 1)
        await ctx.start_child(waiter, wait=False, name="beside")
        await ctx.wait_for_event("finish")

    return parent


def test_a_child_stays_while_its_parent_goes_on(runs, family):
    parent = runs.start(family)
    runs.advance("40d")
    assert Row.objects.get(workflow="order").status == "completed"
    assert prune() == {}

    runs.send_event(parent, "finish")
    assert prune() == {"runs": 1}  # the child that has ended long ago


def test_a_parent_stays_while_a_child_of_it_goes_on(runs, family):
    parent = runs.start(family)
    runs.send_event(parent, "finish")
    runs.advance("40d")
    assert prune(workflows=("parent",)) == {}

    runs.send_event(get_run(Row.objects.get(workflow="waiter").id), "go")
    assert prune(workflows=("parent",)) == {"runs": 1}

    beside = Row.objects.get(workflow="waiter")
    assert (beside.parent_id, beside.status) == (None, "completed")


def test_what_a_fork_was_made_of_stays_until_the_fork_has_ended(runs, effect):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step("a", effect)
        await ctx.wait_for_event("go")

    run = runs.start(w)
    runs.send_event(run, "go")
    fork = run.fork("go")
    runs.advance("40d")
    assert prune() == {}

    runs.send_event(fork, "go")
    assert prune() == {"runs": 1}
    assert Row.objects.get().forked_from_id is None


# ---- keys --------------------------------------------------------------------------------


def test_a_late_start_with_the_key_of_a_removed_run_does_not_do_the_work_again(runs, order, effect):
    run = runs.start(order, 7, idempotency_key="o-7")
    runs.advance("40d")
    assert prune() == {"runs": 1}

    late = runs.start(order, 7, idempotency_key="o-7")

    assert effect.calls == [7]
    assert (late.id, late.status, late.is_gone) == (run.id, "completed", True)
    assert (late.input, late.steps, late.events) == (7, [], [])
    assert late.finished_at == run.finished_at
    with pytest.raises(RunPruned, match="its data was removed by retention"):
        late.result()
    assert late.wait().success
    with pytest.raises(UnknownRun):
        late.cancel()


def test_another_input_under_the_key_of_a_removed_run_is_a_conflict(runs, order):
    run = runs.start(order, 7, idempotency_key="o-7")
    runs.advance("40d")
    prune()

    with pytest.raises(IdempotencyConflict, match="which has another input") as caught:
        order.start(8, idempotency_key="o-7")
    assert caught.value.run_id == run.id


def test_starts_in_bulk_see_the_keys_of_removed_runs(runs):
    @workflow(name="keyed", idempotency_key="k-{input}")
    async def keyed(ctx: Context, n: int) -> int:
        return n

    runs.start(keyed, 1)
    runs.advance("40d")
    prune()

    with pytest.raises(IdempotencyConflict, match="has been, and is gone"):
        start_many(keyed, [0, 1])
    assert not Row.objects.exists()


def test_keys_answer_for_as_long_as_the_setting_says(runs, order, effect, settings):
    settings.ORCHESTRATOR_KEY_RETENTION = "10d"
    runs.start(order, 7, idempotency_key="o-7")
    runs.advance("40d")
    assert prune() == {"runs": 1}
    runs.advance("9d")
    assert prune() == {}

    runs.advance("1d")

    assert prune() == {"tombstones": 1}
    runs.start(order, 7, idempotency_key="o-7")
    assert effect.calls == [7, 7]


def test_a_run_without_a_key_and_one_of_a_schedule_leave_nothing(runs, order):
    runs.start(order)
    daily = schedule(order, every="1d")
    runs.advance("1d")
    daily.delete()
    runs.advance("40d")

    assert prune()["runs"] == 2

    assert not models.Tombstone.objects.exists()


# ---- payloads ----------------------------------------------------------------------------


@pytest.fixture
def secretive(effect):
    @workflow(name="secretive", payload_retention="7d")
    async def secretive(ctx: Context, secret: str) -> str:
        ctx.logger.info("got", secret=secret)
        ctx.set_progress(0.5, secret)
        await ctx.step("use", effect, secret)
        await ctx.wait_for_event("go")
        return secret

    return secretive


def all_text() -> str:
    tables = [models.Run, models.Entry, models.Attempt, models.Event, models.LogLine]
    return "".join(str(list(table.objects.values_list())) for table in tables)


def test_payloads_are_removed_earlier_and_the_course_of_the_run_stays(runs, secretive):
    runs.fail(step="use", error=ValueError("tea is not to be told"))
    run = runs.start(secretive, "tea", idempotency_key="t-1")
    runs.advance("1m")
    runs.send_event(run, "go", "tea")
    assert "tea" in all_text()
    runs.advance("7d")

    assert prune() == {"payloads": 1}

    assert "tea" not in all_text()
    run.refresh()
    assert (run.status, run.is_purged, run.input, run.output) == ("completed", True, None, None)
    assert [(step.key, step.status, step.attempts) for step in run.steps] == [
        ("use", "completed", 2),
        ("go", "completed", 0),
    ]
    assert models.Attempt.objects.get().error == {"type": "builtins:ValueError"}
    assert prune() == {}
    with pytest.raises(RunPruned):
        run.result()


def test_a_key_answers_also_when_the_input_is_gone(runs, secretive):
    run = runs.start(secretive, "tea", idempotency_key="t-1")
    runs.send_event(run, "go")
    runs.advance("8d")
    prune()

    assert secretive.start("tea", idempotency_key="t-1") == run
    with pytest.raises(IdempotencyConflict):
        secretive.start("coffee", idempotency_key="t-1")

    runs.advance("30d")
    assert prune() == {"runs": 1}
    assert secretive.start("tea", idempotency_key="t-1").is_gone


def test_a_run_without_payloads_cannot_be_retried_or_forked(runs, effect):
    @workflow(name="w", payload_retention="1d")
    async def w(ctx: Context) -> None:
        await ctx.step("s", effect)

    runs.fail(step="s", times=3, error=ValueError("no"))
    run = runs.start(w)
    runs.advance("2d")
    prune()

    for act in (run.retry, lambda: run.retry_from("s"), lambda: run.fork("s", input=None)):
        with pytest.raises(ActionRefused, match="removed by retention"):
            act()
    error = run.refresh().error
    assert error.keys() == {"type", "signature"}
    assert error["type"] == "builtins:ValueError"


def test_payloads_alone_are_removed_on_request(runs, order):
    runs.start(order, 7)
    runs.advance("2d")

    assert prune(payloads_only=True, older_than=timedelta(days=1)) == {"payloads": 1}
    assert Row.objects.get().is_purged


# Columns that may hold what a person has typed, and that a purge leaves on purpose.
LEFT = {
    "run": {"cancel_reason", "tags", "attributes", "waiting_on", "in_flight"},
    "entry": set(),
    "attempt": set(),
    "event": set(),
}
REMOVED = {
    "run": {"input", "output", "error", "checkpoint"},
    "entry": {"value", "error", "detail"},
    "attempt": {"error", "details"},
    "event": {"payload"},
}


@pytest.mark.parametrize("table", [models.Run, models.Entry, models.Attempt, models.Event])
def test_each_column_with_payloads_is_known_to_the_purge(table):
    """A new column fails here: say in `purge_runs` what becomes of it."""
    name = table._meta.model_name
    texts = (fields.TextField, fields.JSONField)
    found = {field.name for field in table._meta.concrete_fields if isinstance(field, texts)}

    assert found == LEFT[name] | REMOVED[name]


# ---- the rest ----------------------------------------------------------------------------


def test_log_lines_may_go_before_their_runs(runs, order, settings):
    settings.ORCHESTRATOR_LOG_RETENTION = "1d"
    runs.start(order)
    runs.advance("2d")
    runs.start(order)

    assert prune(batch=1) == {"log lines": 1}
    assert models.LogLine.objects.count() == 1


def test_results_under_steps_own_keys_go_by_their_age(runs, effect, settings):
    settings.ORCHESTRATOR_STEP_KEY_RETENTION = "1d"

    @workflow(name="w")
    async def w(ctx: Context, n: int) -> None:
        await ctx.step("s", effect, n, idempotency_key=f"k-{n}")

    for n in range(3):
        runs.start(w, n)
    runs.advance("2d")
    runs.start(w, 3)

    assert prune(batch=2) == {"step keys": 3}
    assert models.StepKey.objects.get().key == "k-3"


def test_broadcasts_and_schedules_that_are_over_go_too(runs, order):
    send_event("nobody waits")
    made = schedule(order, every="1d")
    runs.advance("1d")
    made.delete()
    runs.advance("29d")
    assert prune() == {"broadcasts": 1}

    runs.advance("2d")

    assert prune() == {"runs": 1, "schedules": 1}


def test_a_dry_run_counts_and_removes_nothing(runs, order, secretive):
    runs.start(order)
    runs.send_event(runs.start(secretive, "tea"), "go")
    runs.advance("40d")

    found = {(one.what, one.workflow): one.done for one in retention.counted(Wanted()) if one.done}

    assert found == {
        ("runs", "order"): 1,
        ("runs", "secretive"): 1,
        ("payloads", "secretive"): 1,
    }
    assert Row.objects.count() == 2


def test_a_keeper_that_may_prune_does_so_in_small_batches_and_then_rests(runs, order):
    for _ in range(3):
        runs.start(order)
    clock.move(MONTH)
    keeper = Keeper(prunes=True)

    assert keeper.look() <= 0.2
    assert not Row.objects.exists()
    for _ in range(10):
        if keeper.look() == 1.0:
            break
    assert keeper._round is None


def test_a_keeper_that_may_not_prune_removes_nothing(runs, order):
    runs.start(order)
    clock.move(MONTH)

    Keeper().look()

    assert Row.objects.count() == 1
