"""Replies that are none, and limits: what is asked for again, and what is not."""

from __future__ import annotations

from decimal import Decimal

import pytest
from pydantic import BaseModel

from orchestrator import Context, Retry, workflow
from orchestrator.ai import (
    InvalidAnswer,
    OverBudget,
    Reply,
    ToolCall,
    Usage,
    generate,
    tool,
)
from orchestrator.ai.testing import call, replies
from orchestrator.models import Attempt


class Note(BaseModel):
    text: str


def noting(runs, **options):
    """A run that generates once, driven over its retries."""

    @workflow(name="noting")
    async def noting(ctx: Context) -> object:
        return await generate(ctx, "note", **{"prompt": "Write.", "model": "test:m"} | options)

    run = runs.start(noting)
    runs.advance("1h")
    return run.refresh()


def used(content, tokens=10, **more):
    return Reply(content=content, usage=Usage(tokens, 1), model="m\ud800", **more)


@pytest.mark.parametrize("text", ["half \ud800", "a\x00b", "", " \n"])
def test_text_that_is_none_or_cannot_be_stored_is_asked_for_again(runs, text):
    with replies(used(text), "fine"):
        run = noting(runs)

    assert run.result() == "fine"
    [first] = Attempt.objects.filter(run_id=run.id)
    assert first.error["type"].endswith("BadReply")
    assert first.details["ai"]["input_tokens"] == 10
    assert run.steps[0].attempts == 2


@pytest.mark.parametrize("text", ["", " \n", "null", '{"value": null}'])
def test_a_text_that_may_be_missing_is_none(runs, text):
    with replies(used(text), "asked once too often"):
        run = noting(runs, output=str | None)

    assert run.result() is None
    assert run.steps[0].attempts == 1


@pytest.mark.parametrize("text", ['{"text": "\\u0000"}', '{"text": "\\\\\\u0000"}', "{\ud800}"])
def test_the_same_goes_for_what_is_written_in_json(runs, text):
    with replies(used(text), {"text": "fine"}):
        run = noting(runs, output=Note)

    assert run.result() == Note(text="fine")
    assert Attempt.objects.get(run_id=run.id).error["type"].endswith("BadReply")


def test_text_about_an_escape_is_no_escape(runs):
    with replies('{"text": "write \\\\u0000"}'):
        assert noting(runs, output=Note).result() == Note(text="write \\u0000")


def test_a_reply_that_never_is_one_fails_with_its_tokens_kept(runs):
    with replies(*[used("")] * 3):
        run = noting(runs, retry=Retry(max_attempts=3))

    assert run.status == "failed"
    assert "answered nothing" in run.error["message"]
    told = [one.details["ai"]["input_tokens"] for one in Attempt.objects.filter(run_id=run.id)]
    assert told == [10, 10, 10]


def search(query: str) -> str:
    return f"all about {query}"


def agent(runs, *script, **options):
    with replies(*script) as asked:
        run = noting(runs, type="agentic", tools=[tool(search)], **options)
    return run, asked


def test_calls_with_text_that_cannot_be_stored_are_asked_for_again(runs):
    bad = Reply(tool_calls=(ToolCall("1", "search", '{"query": "\ud800"}'),))

    run, asked = agent(runs, bad, call("search", query="x"), "done")

    assert run.result() == "done"
    assert len(asked) == 3


def test_hundreds_of_calls_at_once_are_asked_for_again(runs):
    run, asked = agent(runs, [call("search", query="x")] * 101, "done")

    assert run.result() == "done"
    assert [step.key for step in run.steps] == ["note"]
    assert len(asked) == 2


def test_calls_without_an_id_get_one(runs):
    told = (ToolCall("", "search", '{"query": "a"}'), ToolCall("", "search", '{"query": "b"}'))

    _, asked = agent(runs, Reply(tool_calls=told), "done")

    *_, said, first, second = asked[1].messages
    assert [one.id for one in said.tool_calls] == [first.tool_call_id, second.tool_call_id]
    assert first.tool_call_id != second.tool_call_id
    assert "all about b" in second.content


def calling(tokens):
    return Reply(tool_calls=(call("search", query="x"),), usage=Usage(tokens, 0))


def test_an_agent_that_has_used_its_tokens_is_not_asked_again(runs):
    run, asked = agent(runs, calling(600), calling(500), max_total_tokens=1000)

    assert run.status == "failed"
    assert run.error["type"] == f"{OverBudget.__module__}:OverBudget"
    assert "1,100 tokens are used, of 1,000 at most" in run.error["message"]
    assert len(asked) == 2


def test_an_answer_counts_even_if_it_took_more_than_it_might(runs):
    run, _ = agent(
        runs, calling(600), Reply(content="done", usage=Usage(500, 0)), max_total_tokens=1000
    )

    assert run.result() == "done"


@pytest.mark.parametrize("limit", ["0.004", 0.004, Decimal("0.004")])
def test_an_agent_that_has_spent_its_money_is_not_asked_again(runs, settings, limit):
    settings.ORCHESTRATOR_AI = {"prices": {"test:m": ("2.00", "10.00")}}

    run, asked = agent(runs, calling(1000), calling(1000), max_cost=limit)

    assert "0.004 is spent, of 0.004 at most" in run.error["message"]
    assert len(asked) == 2


def test_attempts_that_failed_count_too(runs):
    cut = [used("", tokens=600), used("", tokens=600)]
    with replies(*cut):
        run = noting(runs, max_total_tokens=1000)

    assert "1,202 tokens are used" in run.error["message"]
    assert run.steps[0].attempts == 3


def test_corrections_count_too(runs):
    with replies(used("no", tokens=600), used("no", tokens=600)) as asked:
        run = noting(runs, output=Note, corrections=5, max_total_tokens=1000)

    assert run.error["type"].endswith("OverBudget")
    assert len(asked) == 2


def test_a_limit_of_money_needs_a_price(runs):
    with replies("x") as asked:
        run = noting(runs, max_cost=1)

    assert "needs the price of 'test:m'" in run.error["message"]
    assert asked == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"max_total_tokens": 0}, "above 0"),
        ({"max_cost": -1}, "above 0"),
        ({"max_cost": "a lot"}, "above 0"),
        ({"max_cost": float("nan")}, "above 0"),
        ({"prompt": None}, "prompt is text"),
        ({"system": 5}, "system is text"),
        ({"prompt": "a\x00b"}, "prompt holds a NUL"),
        ({"input": object()}, "input cannot be shown to a model"),
        ({"input": "\ud800"}, "input cannot be shown to a model"),
    ],
)
def test_what_cannot_be_asked_is_said_before_anybody_is_paid(runs, options, words):
    with replies("x") as asked:
        run = noting(runs, **options)

    assert run.status == "failed"
    assert words in run.error["message"]
    assert asked == []


def test_a_model_is_corrected_as_often_as_was_said_and_no_more(runs):
    with replies(*["no"] * 4) as asked:
        run = noting(runs, output=Note, corrections=3)

    assert run.error["type"] == f"{InvalidAnswer.__module__}:InvalidAnswer"
    assert len(asked) == 4
