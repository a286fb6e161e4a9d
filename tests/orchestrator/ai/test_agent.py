"""Agents: each turn and each tool is recorded, so a crash repeats neither."""

from __future__ import annotations

import json

import pytest
from pydantic import BaseModel

from orchestrator import Context, Retry, workflow
from orchestrator.ai import generate, tool
from orchestrator.ai.testing import call, replies

ONCE = Retry(max_attempts=1)


class Report(BaseModel):
    summary: str


CALLS: list[object] = []


@pytest.fixture(autouse=True)
def no_calls():
    CALLS.clear()


def search(query: str, limit: int = 3) -> list[str]:
    """Search the archive."""
    CALLS.append((query, limit))
    return [f"{query} {number}" for number in range(limit)]


async def weigh(item: str) -> float:
    CALLS.append(item)
    return len(item) / 2


def broken(x: int) -> int:
    CALLS.append(x)
    raise ValueError("no such record")


async def ask_editor(ctx: Context, question: str) -> str:
    """Ask the editor, and wait for the answer."""
    answer: str = await ctx.wait_for_event("answer", key=question)
    return answer


def researching(runs, tools, **options):
    """A run of an agent with these tools."""

    @workflow(name="researching")
    async def researching(ctx: Context) -> Report:
        return await generate(
            ctx,
            "research",
            prompt="Find out.",
            type="agentic",
            tools=tools,
            output=Report,
            **options,
        )

    return runs.start(researching)


DONE = {"summary": "found"}


def told(request):
    """What the tools have answered, newest last."""
    return [json.loads(one.content) for one in request.messages if one.role == "tool"]


def test_an_agent_calls_tools_until_it_answers(runs):
    with replies(
        call("search", query="cats", limit=2), call("weigh", item="cats 1"), DONE
    ) as asked:
        run = researching(runs, [search, weigh])

    assert run.result() == Report(summary="found")
    assert CALLS == [("cats", 2), "cats 1"]
    assert told(asked[2]) == [["cats 0", "cats 1"], 3.0]
    assert [step.key for step in run.steps] == [
        "research",
        "research: search",
        "research#2",
        "research: weigh",
        "research#3",
    ]


def test_the_model_sees_the_tools_as_their_signatures(runs):
    with replies(DONE) as asked:
        researching(runs, [search])

    [spec] = asked[0].tools
    assert (spec.name, spec.description) == ("search", "Search the archive.")
    assert spec.parameters["required"] == ["query"]
    assert spec.parameters["properties"]["limit"]["default"] == 3


def test_tools_of_one_turn_are_called_side_by_side(runs):
    with replies([call("search", query="a"), call("weigh", item="b")], DONE) as asked:
        run = researching(runs, [search, weigh])

    assert run.status == "completed"
    assert told(asked[1]) == [["a 0", "a 1", "a 2"], 0.5]


@pytest.mark.parametrize("failpoint", ["after_record", "before_body"])
def test_an_agent_that_crashes_half_way_repeats_no_tool(runs, failpoint):
    with replies(call("search", query="cats"), call("search", query="dogs"), DONE) as asked:
        runs.crash_at(failpoint, step="research#2" if failpoint == "before_body" else None)
        run = researching(runs, [search])
        runs.drain()

    assert run.refresh().result() == Report(summary="found")
    assert CALLS == [("cats", 3), ("dogs", 3)]
    assert len(asked) == 3


def test_an_error_of_a_tool_is_told_to_the_model(runs):
    with replies(call("broken", x=1), DONE) as asked:
        run = researching(runs, [tool(broken, retry=ONCE)])

    assert run.status == "completed"
    [error] = told(asked[1])
    assert "no such record" in error["error"]
    assert CALLS == [1]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (call("search", query=["not", "text"]), "query"),
        (call("search"), "Field required"),
        (call("search", query="x", extra=1), "extra"),
        (call("delete"), "no tool 'delete'; there are search"),
    ],
)
def test_wrong_arguments_and_unknown_tools_are_told_to_the_model(runs, wrong, words):
    with replies(wrong, DONE) as asked:
        run = researching(runs, [search])

    assert run.status == "completed"
    [error] = told(asked[1])
    assert words in error["error"]
    assert CALLS == []


def test_a_tool_with_the_context_may_wait_for_a_person(runs):
    with replies(call("ask_editor", question="May we?"), DONE) as asked:
        run = researching(runs, [ask_editor])
        [wait] = run.waiting_on
        assert wait.kind == "event"
        runs.send_event(run, "answer", "Yes.", key="May we?")

    assert run.refresh().status == "completed"
    assert told(asked[1]) == ["Yes."]


def test_an_agent_that_never_answers_is_stopped(runs):
    with replies(*[call("search", query="again")] * 3):
        run = researching(runs, [search], max_turns=3)

    assert run.status == "failed"
    assert "3 turns" in run.error["message"]


def test_an_agent_without_tools_answers_at_once(runs):
    with replies(DONE):
        assert researching(runs, []).result() == Report(summary="found")


def unannotated(x):
    return x


def starred(*things: str) -> None: ...


def sync_durable(ctx: Context, x: int) -> None: ...


@pytest.mark.parametrize(
    ("fn", "error", "words"),
    [
        (unannotated, TypeError, "annotate 'x'"),
        (starred, TypeError, "cannot be given by name"),
        (sync_durable, TypeError, "async def"),
        (lambda x: x, ValueError, "a tool's name"),
    ],
)
def test_what_cannot_be_a_tool_is_refused(fn, error, words):
    with pytest.raises(error, match=words):
        tool(fn)


def test_two_tools_of_one_name_are_refused(runs):
    run = researching(runs, [search, tool(weigh, name="search")])

    assert run.status == "failed"
    assert "two tools are named 'search'" in run.error["message"]
