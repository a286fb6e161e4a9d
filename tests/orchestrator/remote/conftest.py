"""What tests of steps that were handed out share."""

from __future__ import annotations

import asyncio

import pytest

from orchestrator import Context, workflow
from orchestrator.engine import worker
from tests.orchestrator.remote import functions
from tests.orchestrator.remote.functions import effect


@pytest.fixture(autouse=True)
def fresh():
    yield
    functions.calls.clear()
    functions.errors.clear()
    functions.gate.clear()
    functions.begun.clear()


@pytest.fixture
def drive(runs, settings):
    """Drive runs, and nobody else: what is handed out stays, until somebody takes it."""
    settings.ORCHESTRATOR_HINTS = False
    return lambda: worker.drain(inline=True)


@pytest.fixture
def everything(runs, settings):
    """Drive runs and execute steps until nothing is due."""
    settings.ORCHESTRATOR_HINTS = False
    return lambda: worker.drain(inline=True, remote=True)


@pytest.fixture
def pair():
    @workflow(name="pair")
    async def pair(ctx: Context) -> list[object]:
        done = await asyncio.gather(
            *(ctx.step(key, effect, key, remote=True) for key in ("a", "b"))
        )
        return [*done, await ctx.step("c", effect, "c", remote=True)]

    return pair
