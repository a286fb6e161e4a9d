"""What AI steps have used and said, by REST."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from dashboard.queries import run as queries
from orchestrator import Context, Run, workflow
from orchestrator.ai import Reply, Usage, generate
from orchestrator.ai.testing import replies
from orchestrator.testing.runs import Runs
from tests.api.conftest import MakeProgram, Program


@pytest.fixture
def drafted(runs: Runs, settings: Any) -> Run[str]:
    """Two AI steps: the first was paid for twice, because its first answer was none."""
    settings.ORCHESTRATOR_AI = {"prices": {"test:m": ("2.00", "10.00")}}

    @workflow(name="drafted")
    async def drafted(ctx: Context) -> str:
        text = await generate(ctx, "draft", prompt="Write.", model="test:m")
        await ctx.step("count", len, text)
        return await generate(ctx, "polish", prompt="Polish.", input=text, model="test:m")

    script = [
        Reply(content="", usage=Usage(1000, 0), model="m-2026"),
        Reply(content="first", usage=Usage(1000, 100), model="m-2026"),
        Reply(content="second", usage=Usage(500, 50), model="m-2027"),
    ]
    with replies(*script):
        run = runs.start(drafted)
        runs.advance("1h")
    return run.refresh()


def test_a_run_and_its_steps_say_what_they_have_used(api: Program, drafted: Run[str]) -> None:
    found = api.get(f"/runs/{drafted.id}").json()

    draft, count, polish = found["steps"]
    assert draft["ai"] == {
        "model": "test:m",
        "answered_by": "m-2026",
        "requests": 2,
        "input_tokens": 2000,
        "output_tokens": 100,
        "seconds": draft["ai"]["seconds"],
        "cost": "0.005",
    }
    assert (draft["kind"], draft["result"], draft["attempts"]) == ("ai", "first", 2)
    assert (count["kind"], count["ai"]) == ("step", None)
    assert polish["ai"]["cost"] == "0.0015"
    used = found["ai"]
    assert (used["requests"], used["input_tokens"], used["output_tokens"]) == (3, 2500, 150)
    assert used["answered_by"] == "m-2026, m-2027"
    assert Decimal(used["cost"]) == Decimal("0.0065")


def test_a_step_says_what_was_asked(api: Program, drafted: Run[str]) -> None:
    step = api.get(f"/runs/{drafted.id}/steps/polish").json()

    assert step["result"] == "second"
    assert [one["who"] for one in step["asked"]] == ["user", "user"]
    assert step["asked"][1]["text"].endswith('"first"')
    assert step["called"] == []
    assert step["ai"]["requests"] == 1


def test_who_may_not_see_payloads_sees_what_it_cost_all_the_same(
    program: MakeProgram, drafted: Run[str]
) -> None:
    viewer = program("Viewer")

    run = viewer.get(f"/runs/{drafted.id}").json()
    step = viewer.get(f"/runs/{drafted.id}/steps/polish").json()

    assert run["ai"]["requests"] == 3
    assert step["ai"]["input_tokens"] == 500
    assert (step["result"], step["asked"], run["steps"][0]["result"]) == (None, [], None)


def test_a_run_without_models_says_nothing_of_them(api: Program, waiting: Run[None]) -> None:
    found = api.get(f"/runs/{waiting.id}").json()

    assert found["ai"] is None
    assert found["steps"][0]["ai"] is None


def test_the_sum_is_that_of_the_whole_run_also_of_a_long_one(
    api: Program, drafted: Run[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries.outcomes, "__kwdefaults__", {"size": 1})

    found = api.get(f"/runs/{drafted.id}").json()

    assert [one["key"] for one in found["steps"]] == ["draft"]
    assert found["ai"]["input_tokens"] == 2500
