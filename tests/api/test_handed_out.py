"""A step that was handed out, in the answers about its run."""

from __future__ import annotations

from typing import Any

from orchestrator import Context, workflow
from orchestrator.engine import worker
from orchestrator.testing.runs import Runs
from tests.api.conftest import Program
from tests.orchestrator.remote.functions import OtherWorker, effect


def test_a_run_says_where_a_step_is(api: Program, runs: Runs, settings: Any) -> None:
    settings.ORCHESTRATOR_HINTS = False

    @workflow(name="render")
    async def render(ctx: Context) -> object:
        return await ctx.step("frame", effect, 1, queue="gpu")

    run = render.start()
    worker.drain(inline=True)
    OtherWorker("w2").take()

    shown = api.get(f"/runs/{run.id}").json()

    [wait] = shown["waiting_on"]
    assert (wait["kind"], wait["key"]) == ("step", "frame")
    assert {name: value for name, value in wait["detail"].items() if value is not None} == {
        "attempt": 1,
        "queue": "gpu",
        "state": "executing",
        "worker": "w2",
    }
