"""Tools that wait, agents that are cancelled, and deploys in the middle of one."""

from __future__ import annotations

import asyncio
import json

import pytest
from pydantic import BaseModel

from humantasks import human_task
from humantasks.models import HumanTask
from orchestrator import Context, Retry, workflow
from orchestrator.ai import TooManyTurns, generate, tool
from orchestrator.ai.testing import call, replies
from tests.conformance.world import Deployed

CALLS: list[object] = []


@pytest.fixture(autouse=True)
def no_calls():
    CALLS.clear()


class Opinion(BaseModel):
    text: str


async def ask_editor(ctx: Context, question: str) -> str:
    """Ask a person."""
    done = await human_task(
        ctx, "editor", title=question, assign_to="content-team", form=Opinion, timeout="2d"
    )
    return done.data.text if done.data else "no opinion"


async def wait_a_week(ctx: Context) -> str:
    await ctx.sleep("7d")
    return "a week later"


async def wait_for_news(ctx: Context, about: str) -> str:
    return await ctx.wait_for_event("news", key=about, timeout="1d")


async def stumble(ctx: Context, how: str) -> object:
    await ctx.step("prepare", CALLS.append, how)
    if how == "unreadable":
        return object()
    raise ValueError(how)


async def order(ctx: Context, goods: str) -> str:
    """Another workflow does it."""
    return await ctx.start_child(warehouse, goods)


@workflow(name="warehouse-of-agents")
async def warehouse(ctx: Context, goods: str) -> str:
    raise LookupError(f"no {goods} left")


def note(text: str) -> str:
    CALLS.append(text)
    return f"noted {text}"


def talking(runs, *tools, **options):
    @workflow(name="talking")
    async def talking(ctx: Context) -> str:
        return await generate(ctx, "talk", type="agentic", prompt="Go.", tools=tools, **options)

    return runs.start(talking)


def told(request):
    return [json.loads(one.content) for one in request.messages if one.role == "tool"]


def test_tools_that_wait_do_so_side_by_side_for_as_long_as_it_takes(runs):
    calls = [
        call("wait_a_week"),
        call("ask_editor", question="Shall we?"),
        call("wait_for_news", about="bees"),
        call("note", text="meanwhile"),
    ]
    with replies(calls, "Done.") as asked:
        run = talking(runs, wait_a_week, ask_editor, wait_for_news, note)
        assert sorted(one.kind for one in run.waiting_on) == ["event", "human_task", "timer"]
        runs.complete(run, "editor", outcome="approve", data={"text": "Yes."})
        runs.send_event(run, "news", "They swarm.", key="bees")
        assert len(asked) == 1
        runs.advance("7d")

    assert run.refresh().result() == "Done."
    assert told(asked[1]) == ["a week later", "Yes.", "They swarm.", "noted meanwhile"]
    assert CALLS == ["meanwhile"]


def test_a_wait_that_is_over_without_an_answer_is_told_to_the_model(runs):
    with replies(call("wait_for_news", about="bees"), "Done.") as asked:
        run = talking(runs, wait_for_news)
        runs.advance("1d")

    assert run.refresh().result() == "Done."
    assert "news" in told(asked[1])[0]["error"]


@pytest.mark.parametrize(
    ("calls", "words"),
    [
        (call("stumble", how="it broke"), "it broke"),
        (call("stumble", how="unreadable"), "object"),
        (call("order", goods="honey"), "no honey left"),
    ],
)
def test_a_tool_of_the_body_that_fails_is_told_to_the_model(runs, calls, words):
    with replies(calls, "Done.") as asked:
        run = talking(runs, stumble, order)

    assert run.result() == "Done."
    assert words in told(asked[1])[0]["error"]


def test_an_agent_that_is_cancelled_asks_nobody_any_more(runs):
    with replies([call("wait_a_week"), call("ask_editor", question="?")]) as asked:
        run = talking(runs, wait_a_week, ask_editor)
        run.cancel("enough")
        runs.drain()

    assert run.refresh().status == "cancelled"
    assert HumanTask.objects.get(run_id=run.id).status == "withdrawn"
    assert len(asked) == 1


def test_an_agent_may_clean_up_when_it_is_cancelled(runs):
    @workflow(name="tidy")
    async def tidy(ctx: Context) -> None:
        try:
            await generate(ctx, "talk", type="agentic", prompt="Go.", tools=[wait_a_week])
        finally:
            await ctx.step("tidy up", CALLS.append, "tidied")

    with replies(call("wait_a_week")):
        run = runs.start(tidy)
        run.cancel()
        runs.drain()

    assert run.refresh().status == "cancelled"
    assert CALLS == ["tidied"]


def test_two_agents_of_a_run_do_not_mix(runs):
    @workflow(name="pair")
    async def pair(ctx: Context) -> list[str]:
        first = generate(ctx, "talk", type="agentic", prompt="A.", tools=[note])
        second = generate(ctx, "talk", type="agentic", prompt="B.", tools=[note])
        return list(await asyncio.gather(first, second))

    with replies(call("note", text="a"), call("note", text="b"), "A.", "B.") as asked:
        run = runs.start(pair)

    assert run.result() == ["A.", "B."]
    assert [told(one) for one in asked[2:]] == [["noted a"], ["noted b"]]


# ---- deploys ---------------------------------------------------------------------------


def agent(*tools, **options):
    async def code(ctx: Context) -> str:
        return await generate(ctx, "talk", type="agentic", prompt="Go.", tools=tools, **options)

    return code


def note_number(text: int) -> str:
    """What `note` became: it takes a number."""
    CALLS.append(text)
    return f"noted {text}"


@pytest.mark.parametrize(
    "tools",
    [
        (wait_a_week, note),
        (wait_a_week,),
        (wait_a_week, tool(note_number, name="note")),
        (wait_a_week, tool(wait_for_news, name="brood"), note),
    ],
    ids=["the same", "one tool less", "another type", "one tool more"],
)
def test_an_agent_goes_on_after_a_deploy_of_other_tools(runs, tools):
    script = [
        [call("note", text="a"), call("note", text=["wrong"]), call("brood", about="b")],
        call("wait_a_week"),
        "Done.",
    ]
    with replies(*script) as asked:
        deployed = Deployed(agent(wait_a_week, note))
        run = runs.start(deployed.workflow)
        deployed.code = agent(*tools)
        runs.advance("7d")

    assert run.refresh().result() == "Done."
    assert CALLS == ["a"]
    first, wrong, unknown, _ = told(asked[2])
    assert first == "noted a"
    assert "text" in wrong["error"]
    assert "no tool 'brood'; there are wait_a_week, note" in unknown["error"]


def test_limits_that_a_deploy_lowers_count_from_the_next_turn(runs):
    script = [call("note", text="a"), call("note", text="b"), call("wait_a_week"), "Done."]
    with replies(*script) as asked:
        deployed = Deployed(agent(wait_a_week, note))
        run = runs.start(deployed.workflow)
        deployed.code = agent(wait_a_week, note, max_turns=2)
        runs.advance("7d")

    assert run.refresh().status == "failed"
    assert run.error["type"] == f"{TooManyTurns.__module__}:TooManyTurns"
    assert (CALLS, len(asked)) == (["a", "b"], 3)


def test_a_tool_is_tried_as_often_as_it_says(runs):
    def flaky(x: int) -> int:
        CALLS.append(x)
        raise ConnectionError("gone")

    patient = Retry(max_attempts=3, initial_delay="1m", jitter=False)
    with replies(call("flaky", x=1), "Done.") as asked:
        run = talking(runs, tool(flaky, retry=patient))
        runs.advance("10m")

    assert run.refresh().result() == "Done."
    assert CALLS == [1, 1, 1]
    assert "gone" in told(asked[1])[0]["error"]
