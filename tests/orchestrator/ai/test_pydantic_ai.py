"""Models of pydantic-ai: one request at a time, turns and tools stay with the workflow."""

from __future__ import annotations

import asyncio
import sys

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
    UnknownModel,
    generate,
)
from orchestrator.ai.messages import ToolSpec
from orchestrator.ai.output import Output
from orchestrator.ai.pydantic_ai import PydanticAI
from orchestrator.models import Attempt
from orchestrator.models import Run as Row


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


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ("pydantic_ai", r"pip install 'django-orchestrator\[ai\]'"),
        ("anthropic", "the client of anthropic:claude-x is not installed"),
    ],
)
def test_what_is_not_installed_is_named(monkeypatch, missing, words):
    monkeypatch.setitem(sys.modules, missing, None)

    with pytest.raises(UnknownModel, match=words):
        ask(None, Request(model="anthropic:claude-x", messages=ASKED.messages))


# ---- a model that takes no schemas ------------------------------------------------------


def calling(*turns):
    """A model that knows tools and no schemas, as many do."""
    model, asked = talking(*turns)
    return FunctionModel(model.function, profile={"supports_json_schema_output": False}), asked


WANTED = Request(
    model="any",
    messages=ASKED.messages,
    schema=Output(Draft).schema,
    tools=(ToolSpec("look_up", "Look a topic up.", {"type": "object", "properties": {}}),),
)


def test_a_model_that_takes_no_schemas_answers_by_the_call_of_a_tool():
    model, asked = calling(ModelResponse([ToolCallPart("final_result", {"title": "Bees"}, "c1")]))

    reply = ask(model, WANTED)

    assert (reply.content, reply.tool_calls) == ('{"title": "Bees"}', ())
    [(_, info)] = asked
    assert [one.name for one in info.output_tools] == ["final_result"]
    assert info.output_tools[0].parameters_json_schema["required"] == ["title"]
    assert not info.allow_text_output


def test_its_calls_of_other_tools_stay_calls():
    model, _ = calling(ModelResponse([ToolCallPart("look_up", {"topic": "bees"}, "c1")]))

    reply = ask(model, WANTED)

    assert reply.content == ""
    assert [one.name for one in reply.tool_calls] == ["look_up"]


# ---- a real service's client ------------------------------------------------------------


@pytest.fixture
def openai(service, monkeypatch):
    """A model of a service, as pydantic-ai finds it: by the environment."""
    monkeypatch.setenv("OPENAI_BASE_URL", service.url)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-4711")
    return "openai-chat:gpt-4o"


def posting(runs, model):
    @workflow(name="posting")
    async def posting(ctx: Context) -> Draft:
        return await generate(ctx, "draft", prompt="Write.", output=Draft, model=model)

    return runs.start(posting)


def test_a_model_of_a_service_is_named_in_the_settings(runs, service, openai):
    service.will_say('{"title": "x"}')

    run = posting(runs, f"pydantic-ai:{openai}")

    assert run.result() == Draft(title="x")
    account = run.steps[0].details["ai"]
    assert (account["answered_by"], account["input_tokens"]) == ("gpt-test-2026", 11)
    [(headers, body)] = service.asked
    assert headers["authorization"] == "Bearer sk-secret-4711"
    assert body["response_format"]["json_schema"]["schema"]["required"] == ["title"]


def test_its_client_does_not_wait_in_the_step(runs, service, openai):
    service.will_answer(429, b'{"error": {"message": "slow down"}}', Retry_After="600")
    service.will_say('{"title": "x"}')

    run = posting(runs, f"pydantic-ai:{openai}")
    [wait] = run.waiting_on
    runs.advance("9m")
    assert (wait.kind, len(service.asked)) == ("retry", 1)
    runs.advance("1m")

    assert run.refresh().result() == Draft(title="x")


def test_an_error_that_repeats_the_key_does_not_hold_it(runs, service, openai):
    service.will_answer(401, b'{"error": {"message": "Incorrect API key: sk-secret-4711"}}')

    run = posting(runs, f"pydantic-ai:{openai}")

    assert run.status == "failed"
    assert "Incorrect API key: [hidden]" in run.error["message"]
    stored = [*Row.objects.values_list("error", flat=True)]
    stored += [*Attempt.objects.values_list("error", flat=True)]
    assert "sk-secret-4711" not in str(stored)
