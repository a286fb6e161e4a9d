"""Steps that were handed out, on the page of their run and in the API."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from orchestrator import Context, Run, workflow
from orchestrator.engine import worker
from tests.dashboard.conftest import HTMX
from tests.dashboard.test_run_page import words
from tests.orchestrator.remote.functions import OtherWorker, effect


@pytest.fixture
def run(runs: object, settings: object) -> Run[object]:
    """A run that has handed a step to the workers of the queue `gpu`."""
    settings.ORCHESTRATOR_HINTS = False  # type: ignore[attr-defined]

    @workflow(name="render")
    async def render(ctx: Context) -> object:
        return await ctx.step("frame", effect, 1, queue="gpu")

    run = render.start()
    worker.drain(inline=True)
    return run


@pytest.fixture
def look(operator: Client, run: Run[object]) -> Callable[[], str]:
    url = reverse("dashboard:run", args=[run.id])
    return lambda: words(operator.get(url).content.decode())


def test_the_page_says_whose_workers_a_step_was_handed_to_and_who_executes_it(
    look: Callable[[], str],
) -> None:
    assert "frame was handed to the workers of the queue gpu , and none has taken it yet" in look()

    OtherWorker("w2").take()

    assert "Executes frame on w2" in look()


def test_an_open_page_shows_that_a_step_was_taken(operator: Client, run: Run[object]) -> None:
    url = reverse("dashboard:run", args=[run.id])
    seen = {**HTMX, "X-Seen": operator.get(url).context["tag"]}
    assert operator.get(url, headers=seen).status_code == 204

    OtherWorker("w2").take()

    assert operator.get(url, headers=seen).status_code == 200


def test_the_timeline_shows_how_long_it_waited_and_since_when_it_executes(
    operator: Client, run: Run[object]
) -> None:
    url = reverse("dashboard:run", args=[run.id])

    def kinds() -> list[str]:
        [placed] = operator.get(url).context["layout"].rows
        return [segment.kind for segment in placed.row.segments]

    assert kinds() == ["queue"]
    OtherWorker("w2").take()
    assert kinds() == ["queue", "run"]
