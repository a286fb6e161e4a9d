"""A worker dies anywhere in an agent: what is recorded is neither paid nor done again."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from orchestrator import Context, current_step, failpoints, workflow
from orchestrator.ai import Reply, Request, Usage, generate, tool
from orchestrator.ai.testing import call

TURNS = ["research", "research#2", "research#3"]
TOOLS = ["research: look_up", "research: look_up#2", "research: store"]
DID: Counter[str] = Counter()


class Model:
    """Answers from what it is told, as a real one does: two tools at once, one more, the end."""

    async def ask(self, request: Request) -> Reply:
        DID[current_step().name] += 1
        told = [json.loads(one.content) for one in request.messages if one.role == "tool"]
        calls = {
            0: (call("look_up", topic="bees"), call("look_up", topic="cats")),
            2: (call("store", text=" and ".join(told[:2])),),
        }.get(len(told), ())
        return Reply(content="" if calls else told[-1], tool_calls=calls, usage=Usage(10, 1))


def look_up(topic: str) -> str:
    DID[current_step().name] += 1
    return f"all about {topic}"


def store(text: str) -> str:
    DID[current_step().name] += 1
    return f"stored: {text}"


@pytest.fixture(autouse=True)
def model(settings):
    DID.clear()
    provider = {"class": f"{__name__}.Model"}
    settings.ORCHESTRATOR_AI = {"default": "here:m", "providers": {"here": provider}}


@workflow(name="researching-with-crashes")
async def researching(ctx: Context) -> str:
    return await generate(
        ctx,
        "research",
        type="agentic",
        prompt="Find out.",
        tools=[look_up, tool(store, atomic=True)],
    )


# Where a worker can die, and the step that it has at hand there. An atomic step is recorded
# in its own transaction, and not after it.
PLACES = [
    *((name, key) for name in failpoints.AT_STEPS for key in (*TURNS, *TOOLS)),
    *((name, None) for name in failpoints.NAMES if name not in failpoints.AT_STEPS),
]
PLACES.remove(("after_record", TOOLS[-1]))


@pytest.mark.parametrize(("failpoint", "key"), PLACES)
def test_wherever_its_worker_dies_an_agent_repeats_nothing_that_is_recorded(runs, failpoint, key):
    runs.crash_at(failpoint, step=key)
    run = runs.start(researching)
    recorded = {step.key for step in run.steps if step.status == "completed"}
    before = DID.copy()
    runs.drain()

    assert run.refresh().result() == "stored: all about bees and all about cats"
    assert {step.key for step in run.steps} == {*TURNS, *TOOLS} == set(DID)
    assert {key for key in DID if DID[key] > before[key]}.isdisjoint(recorded), DID
    # What ended and was not recorded: one turn, one tool, or two that ran side by side.
    assert sum(DID.values()) <= len(DID) + 2
