"""What AI steps have used is shown with the step and with the run."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from orchestrator import Context, current_step, workflow
from orchestrator.ai import Reply, Usage, generate
from orchestrator.ai.testing import replies
from orchestrator.testing.runs import Runs


@pytest.fixture(autouse=True)
def prices(settings):
    settings.ORCHESTRATOR_AI = {"prices": {"test:m": ("2.00", "10.00")}}


def written(runs: Runs, *script: object):
    @workflow(name="w")
    async def w(ctx: Context) -> str:
        return await generate(ctx, "draft", prompt="Write.", model="test:m")

    with replies(*script):
        run = runs.start(w)
        runs.advance("1h")
    return run


GOOD = Reply(content="ok", usage=Usage(12_000, 300), model="m-2026")


def test_a_step_shows_its_model_its_tokens_and_its_cost(operator: Client, runs: Runs) -> None:
    run = written(runs, GOOD)

    page = operator.get(f"/ops/runs/{run.id}/?step=draft").content.decode()

    assert "test:m" in page
    assert "12,000 in, 300 out, 1 request in" in page
    assert "0.0270" in page


def test_who_may_see_payloads_sees_what_was_asked_and_answered(
    operator: Client, viewer: Client, runs: Runs
) -> None:
    run = written(runs, GOOD)
    url = f"/ops/runs/{run.id}/?step=draft"

    page, hidden = operator.get(url).content.decode(), viewer.get(url).content.decode()

    assert "AI step" in page
    assert "Write." in page
    assert "Write." not in hidden
    # Of what came of it the shape, and not that of how it is kept.
    assert "spent" not in hidden
    assert re.search(r"Result.*?<code[^>]*>str</code>", hidden, re.DOTALL)


def test_the_run_shows_the_sum_with_attempts_that_failed(operator: Client, runs: Runs) -> None:
    refused = Reply(content="x", usage=Usage(1000, 0), model="m", finish="refused")
    run = written(runs, ConnectionError("gone"), GOOD)
    page = operator.get(f"/ops/runs/{run.id}/").content.decode()
    assert "1 request to test:m: 12,000 tokens in, 300 out, cost 0.0270" in page

    run = written(runs, refused)
    page = operator.get(f"/ops/runs/{run.id}/").content.decode()
    assert "1 request to test:m: 1,000 tokens in" in page


def test_a_step_shows_the_sum_of_its_attempts(operator: Client, runs: Runs) -> None:
    run = written(runs, Reply(content="", usage=Usage(1000, 0), model="m-2026"), GOOD)

    page = operator.get(f"/ops/runs/{run.id}/?step=draft").content.decode()

    assert "13,000 in, 300 out, 2 requests in" in page


@pytest.mark.parametrize("query", ["", "?from=1"])
def test_a_page_of_a_long_run_shows_the_sum_of_the_run(
    operator: Client, runs: Runs, query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        for name in ("one", "two"):
            await generate(ctx, name, prompt="Write.", model="test:m")

    with replies(GOOD, Reply(content="", usage=Usage(500, 0)), GOOD):
        run = runs.start(w)
        runs.advance("1h")
    monkeypatch.setattr("dashboard.queries.run.ROWS", 1)

    page = operator.get(f"/ops/runs/{run.id}/{query}").content.decode()

    assert "3 requests to test:m: 24,500 tokens in, 600 out" in page


def test_a_run_without_models_says_nothing_of_them(operator: Client, runs: Runs) -> None:
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step("a", dict)

    run = runs.start(w)

    assert "tokens" not in operator.get(f"/ops/runs/{run.id}/").content.decode()


def test_a_heartbeat_is_shown_to_who_may_see_payloads(
    operator: Client, viewer: Client, runs: Runs
) -> None:
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step("pages", lambda: current_step().heartbeat({"page": "appendix"}))

    url = f"/ops/runs/{runs.start(w).id}/?step=pages"

    assert "appendix" in operator.get(url).content.decode()
    hidden = viewer.get(url).content.decode()
    assert "Last heartbeat" in hidden
    assert "appendix" not in hidden
