"""Registering workflows, versions side by side, and changes within one."""

from __future__ import annotations

import subprocess
import sys

import pytest

from orchestrator import Context, Workflow, current_step, workflow
from tests.conformance.world import Deployed


def test_importing_the_engine_needs_no_configured_django():
    script = (
        "from orchestrator import workflow, Context\n"
        "from humantasks import human_task\n"
        "@workflow(name='w')\n"
        "async def w(ctx: Context) -> None: ...\n"
        "print(w.name, w.version)"
    )

    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert told.stdout.split() == ["w", "1"]


def test_a_plain_function_is_refused_with_what_to_write():
    def onboard(ctx: Context) -> None: ...

    with pytest.raises(TypeError, match="async def onboard"):
        workflow(name="w")(onboard)  # type: ignore[call-overload]


def test_a_body_takes_the_context_and_one_input_at_most():
    async def none() -> None: ...
    async def three(ctx: Context, a: int, b: int) -> None: ...

    for body in (none, three):
        with pytest.raises(TypeError, match="`ctx`, or `ctx` and one input"):
            workflow(name="w")(body)  # type: ignore[call-overload]


@pytest.mark.parametrize("options", [{"name": ""}, {"name": "a b"}, {"name": "w", "version": ""}])
def test_a_name_that_cannot_be_part_of_an_address_is_refused(options):
    async def body(ctx: Context) -> None: ...

    with pytest.raises(ValueError, match="letters, digits"):
        workflow(**options)(body)


@pytest.mark.parametrize(
    "options",
    [
        {"timeout": "soon"},
        {"max_concurrent": 0},
        {"concurrency_key": "{a}"},
        {"idempotency_key": "{a"},
        {"retry": 3},
        {"step_retry": {"max_attempts": 2}},
    ],
)
def test_an_option_that_cannot_work_is_refused_when_it_is_given(options):
    async def body(ctx: Context) -> None: ...

    with pytest.raises((ValueError, TypeError)):
        workflow(name="w", **options)(body)


def test_two_functions_may_not_share_a_name_and_a_version():
    @workflow(name="w")
    async def one(ctx: Context) -> None: ...

    with pytest.raises(ValueError, match="registered twice"):

        @workflow(name="w")
        async def other(ctx: Context) -> None: ...


def test_a_workflow_keeps_its_function_s_name_and_text():
    @workflow(name="open-account", version="1.0")
    async def onboard(ctx: Context) -> None:
        """Open an account."""

    assert isinstance(onboard, Workflow)
    assert (onboard.name, onboard.version) == ("open-account", "1.0")
    assert (onboard.__name__, onboard.__doc__) == ("onboard", "Open an account.")


def register(*versions: str, default: str = "") -> Workflow[None, str]:
    """One function under several versions, as a project has it that keeps old ones."""

    async def body(ctx: Context) -> str:
        await ctx.sleep("1h")
        return ctx.version

    for version in versions:
        found = workflow(name="w", version=version, default=version == default)(body)
    return found


@pytest.mark.parametrize(
    ("versions", "highest"),
    [
        (["1", "2"], "2"),
        (["10", "9"], "10"),
        (["1.9", "1.10"], "1.10"),
        (["v2", "v10"], "v10"),
        (["1.0", "1.0-rc1"], "1.0"),
        (["2024-10-01", "2024-09-30"], "2024-10-01"),
    ],
)
def test_a_new_run_takes_the_highest_version(runs, versions, highest):
    assert runs.start(register(*versions)).version == highest


def test_a_new_run_takes_the_default_version_if_there_is_one(runs):
    assert runs.start(register("1", "2", "3", default="2")).version == "2"


def test_a_run_may_be_started_with_an_old_version(runs):
    run = runs.start(register("1", "2"), version="1")
    runs.advance("1h")

    assert run.refresh().result() == "1"


def test_a_run_keeps_its_version_for_life(runs):
    old = runs.start(register("1"))
    new = runs.start(register("1", "2"))
    runs.advance("1h")

    assert (old.refresh().result(), new.refresh().result()) == ("1", "2")


def test_one_function_may_serve_several_versions(runs):
    async def body(ctx: Context) -> str:
        return "new" if ctx.version == "2" else "old"

    for version in ("1", "2"):
        w = workflow(name="w", version=version)(body)

    assert runs.start(w).result() == "new"
    assert runs.start(w, version="1").result() == "old"


# ---- ctx.patched -------------------------------------------------------------------------


@pytest.fixture
def patched(effect):
    """A workflow whose code is changed under `ctx.patched` while runs of it wait."""

    async def old(ctx: Context) -> None:
        await ctx.sleep("1h", name="first")
        await ctx.step("old", effect, "old")
        await ctx.sleep("1h", name="second")

    async def new(ctx: Context) -> None:
        await ctx.sleep("1h", name="first")
        if ctx.patched("faster"):
            await ctx.step("new", effect, "new")
        else:
            await ctx.step("old", effect, "old")
        await ctx.sleep("1h", name="second")

    code = Deployed(old)
    return code, new


def test_a_run_that_had_passed_a_change_keeps_the_old_branch(runs, patched, effect):
    code, new = patched
    run = runs.start(code.workflow)
    runs.advance("1h")
    code.code = new
    runs.advance("1h")

    assert run.refresh().status == "completed"
    assert effect.calls == ["old"]


def test_a_run_under_way_keeps_the_old_branch_where_it_has_not_come_to_it(runs, patched, effect):
    code, new = patched
    run = runs.start(code.workflow)
    code.code = new
    runs.advance("1h")
    runs.advance("1h")

    assert run.refresh().status == "completed"
    assert effect.calls == ["old"]


def test_a_change_with_a_text_made_at_run_time_is_taken_where_a_run_comes_to_it(runs, effect):
    async def old(ctx: Context) -> None:
        await ctx.sleep("1h", name="first")
        await ctx.step("old", effect, "old")

    async def new(ctx: Context) -> None:
        await ctx.sleep("1h", name="first")
        await ctx.step("new" if ctx.patched("-".join("ab")) else "old", effect, "new")

    code = Deployed(old)
    run = runs.start(code.workflow)
    code.code = new
    runs.advance("1h")

    assert run.refresh().status == "completed"
    assert effect.calls == ["new"]


def test_a_run_keeps_the_changes_that_it_began_with_over_further_deploys(runs, patched, effect):
    code, new = patched

    async def newer(ctx: Context) -> None:
        await new(ctx)
        await ctx.sleep("1h", name="third")

    code.code = new
    run = runs.start(code.workflow)
    code.code = newer
    runs.advance("3h")

    assert run.refresh().status == "completed"
    assert effect.calls == ["new"]


def test_a_new_run_takes_the_new_branch_on_every_replay(runs, patched, effect):
    code, new = patched
    code.code = new
    run = runs.start(code.workflow)
    runs.advance("1h")
    runs.advance("1h")

    assert run.refresh().status == "completed"
    assert effect.calls == ["new"]


def test_a_change_is_no_step_of_the_run(runs, patched):
    code, new = patched
    code.code = new
    run = runs.start(code.workflow)
    runs.advance("3h")

    assert "faster" not in [step.name for step in run.refresh().steps if step.kind == "step"]


# ---- the context -------------------------------------------------------------------------


def test_the_context_says_what_the_run_is(runs):
    seen = {}

    @workflow(name="w", version="3", tags={"team": "red"})
    async def w(ctx: Context, number: int) -> None:
        seen.update(
            id=ctx.run_id,
            workflow=ctx.workflow,
            version=ctx.version,
            attempt=ctx.attempt,
            input=ctx.input,
            initiator=ctx.initiator,
            tags=dict(ctx.tags),
        )

    run = runs.start(w, 5, initiator="dana")

    assert seen == {
        "id": run.id,
        "workflow": "w",
        "version": "3",
        "attempt": 1,
        "input": 5,
        "initiator": "dana",
        "tags": {"team": "red"},
    }


def test_a_step_knows_what_it_is(runs):
    seen = []

    def charge() -> None:
        step = current_step()
        seen.append((step.run_id, step.name, step.attempt, step.idempotency_key))

    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step("charge", charge)
        await ctx.step("charge", charge)

    run = runs.start(w)

    assert seen == [
        (run.id, "charge", 1, f"{run.id}:charge"),
        (run.id, "charge#2", 1, f"{run.id}:charge#2"),
    ]


def test_there_is_no_current_step_outside_of_one(runs):
    with pytest.raises(RuntimeError, match="no step"):
        current_step()


def test_time_and_chance_are_the_same_on_every_replay(runs):
    seen = []

    @workflow(name="w")
    async def w(ctx: Context) -> None:
        first = (ctx.now(), ctx.uuid4(), ctx.random.random(), ctx.random.choice("abcdef"))
        await ctx.sleep("1h")
        seen.append((*first, ctx.now(), ctx.uuid4(), ctx.random.randrange(1_000_000)))
        await ctx.sleep("1h")

    runs.start(w)
    runs.advance("1h")
    runs.advance("1h")

    assert seen[0] == seen[1]
    assert (seen[0][4] - seen[0][0]).total_seconds() >= 3_600


def test_chance_differs_from_run_to_run(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> object:
        return ctx.uuid4()

    assert runs.start(w).result() != runs.start(w).result()


def test_a_step_s_metadata_is_there_once_the_body_has_its_outcome(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        assert "process" not in ctx.steps
        await ctx.step("process", lambda: None)
        await ctx.sleep("1h")
        step = ctx.steps["process"]
        assert (step.status, step.attempts) == ("completed", 1)
        assert step.completed_at - step.started_at == step.duration
        assert ctx.steps["sleep"].duration.total_seconds() >= 3_600
        assert list(ctx.steps) == ["process", "sleep"]

    run = runs.start(w)
    runs.advance("1h")

    assert run.refresh().error is None
    assert run.status == "completed"
