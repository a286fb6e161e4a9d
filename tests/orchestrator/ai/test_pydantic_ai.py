"""Models of pydantic-ai: one request at a time, turns and tools stay with the workflow."""

from __future__ import annotations

import asyncio

import pytest
from pydantic import BaseModel
from pydantic_ai import exceptions
from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import FunctionModel
from pydantic_ai.models.test import TestModel as FakeModel
from pydantic_ai.usage import RequestUsage

from orchestrator import Context, workflow
from orchestrator.ai import (
    BadReply,
    Message,
    ModelBusy,
    ModelRefused,
    ModelUnavailable,
    Request,
    generate,
)
from orchestrator.ai.pydantic_ai import PydanticAI


class Draft(BaseModel):
    title: str


ASKED = Request(model="any", messages=(Message("system", "Be brief."), Message("user", "Hi")))


def ask(model, request=ASKED):
    return asyncio.run(PydanticAI(model=model).ask(request))


def test_a_model_that_talks_is_answered_with_text_and_tokens():
    reply = ask(FakeModel(custom_output_text="Hello"))

    assert reply.content == "Hello"
    assert reply.usage.input_tokens > 0


def talking(*turns):
    """A model that says these turns, and what it was asked."""
    asked, left = [], list(turns)

    def say(messages, info):
        asked.append((messages, info))
        turn = left.pop(0)
        if isinstance(turn, Exception):
            raise turn
        return turn

    # It must say that it takes schemas, as the models of services do.
    return FunctionModel(say, profile={"supports_json_schema_output": True}), asked


def test_an_agent_takes_its_turns_in_the_workflow(runs, settings):
    model, asked = talking(
        ModelResponse([ToolCallPart("look_up", {"topic": "bees"}, "c1")]),
        ModelResponse([TextPart('{"title": "Bees"}')], usage=RequestUsage(output_tokens=4)),
    )
    provider = {"class": "orchestrator.ai.pydantic_ai.PydanticAI", "model": model}
    settings.ORCHESTRATOR_AI = {"default": "fake:m", "providers": {"fake": provider}}

    @workflow(name="agent")
    async def agent(ctx: Context) -> Draft:
        return await generate(
            ctx, "draft", prompt="Write.", output=Draft, type="agentic", tools=[look_up]
        )

    run = runs.start(agent)

    assert run.result() == Draft(title="Bees")
    assert [step.key for step in run.steps] == ["draft", "draft: look_up", "draft#2"]
    messages, info = asked[1]
    assert [part.part_kind for message in messages for part in message.parts] == [
        "user-prompt",
        "tool-call",
        "tool-return",
    ]
    assert info.function_tools[0].name == "look_up"


def look_up(topic: str) -> str:
    """Look a topic up."""
    return f"all about {topic}"


@pytest.mark.parametrize(
    ("raised", "error"),
    [
        (exceptions.ModelHTTPError(429, "m"), ModelBusy),
        (exceptions.ModelHTTPError(502, "m"), ModelUnavailable),
        (exceptions.ModelHTTPError(401, "m"), ModelRefused),
        (exceptions.ModelAPIError("m", "gone"), ModelUnavailable),
        (exceptions.UnexpectedModelBehavior("odd"), BadReply),
        (exceptions.UserError("wrong"), ModelRefused),
    ],
)
def test_its_errors_are_ours(raised, error):
    model, _ = talking(raised)

    with pytest.raises(error):
        ask(model)


def test_a_model_that_nobody_knows_is_refused():
    with pytest.raises(ModelRefused, match="nowhere"):
        ask(None, Request(model="nowhere:gpt", messages=ASKED.messages))
