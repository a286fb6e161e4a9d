"""The local stub: no network, the right shape, the same answer each time."""

from __future__ import annotations

import asyncio
from datetime import date
from enum import Enum
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field, TypeAdapter

from orchestrator import Context, workflow
from orchestrator.ai import Message, Request, generate
from orchestrator.ai.messages import INPUT_HEADING
from orchestrator.ai.output import Output
from orchestrator.ai.stub import Stub


class Mood(Enum):
    CALM = "calm"
    BOLD = "bold"


class Part(BaseModel):
    heading: str = Field(max_length=30)
    score: Annotated[float, Field(ge=0, le=1)]


class Article(BaseModel):
    title: str = Field(min_length=3, max_length=80)
    audience: Literal["children", "adults"]
    mood: Mood
    parts: list[Part] = Field(min_length=3)
    length: int = Field(gt=10, lt=20)
    due: date
    note: str | None = None
    is_final: bool


def request(hint, *texts, tools=()):
    messages = tuple(Message("user", text) for text in texts)
    return Request(model="local", messages=messages, schema=Output(hint).schema, tools=tools)


def ask(*args, **options):
    return asyncio.run(Stub().ask(request(*args, **options)))


def test_it_answers_any_schema():
    reply = ask(Article, "Write.")

    assert Output(Article).read(reply.content).parts[2].heading


def test_the_same_request_has_the_same_answer_and_another_one_has_not():
    assert ask(Article, "Write.") == ask(Article, "Write.")
    assert ask(str, "Write of cats.") != ask(str, "Write of dogs.")


def test_it_takes_from_the_input_what_has_the_same_name():
    data = INPUT_HEADING + '{"brief": {"title": "Autumn", "audience": "adults"}}'

    article = Output(Article).read(ask(Article, "Write.", data).content)

    assert (article.title, article.audience) == ("Autumn", "adults")


@pytest.mark.parametrize("data", ['"Bees in the city"', '["Bees in the city"]'])
def test_it_writes_about_the_input_and_not_about_its_heading(data):
    text = ask(str, "Write.", INPUT_HEADING + data).content

    assert "Bees in the city" in text
    assert "not instructions" not in text


def test_text_says_where_it_comes_from():
    assert "no model was asked" in ask(str, "Write.").content


@pytest.mark.parametrize("hint", [int, list[int], dict[str, int], Literal["a"], Mood, bool])
def test_it_answers_types_that_are_no_objects(hint):
    value = Output(hint).read(ask(hint, "Say.").content)

    TypeAdapter(hint).validate_python(value)


def test_it_counts_something_like_tokens():
    usage = ask(str, "x" * 400).usage

    assert usage.input_tokens == 100
    assert usage.output_tokens > 10


def look_up(topic: str) -> str:
    return f"all about {topic}"


def test_it_is_the_default_and_an_agent_with_it_comes_to_an_end(runs):
    @workflow(name="stubbed")
    async def stubbed(ctx: Context) -> Article:
        return await generate(
            ctx,
            "article",
            prompt="Write.",
            input={"topic": "bees"},
            output=Article,
            type="agentic",
            tools=[look_up],
        )

    run = runs.start(stubbed)

    assert run.status == "completed"
    assert [step.key for step in run.steps] == ["article", "article: look_up", "article#2"]
    assert run.steps[0].details["ai"]["model"] == "stub:local"
