"""The OpenAI-compatible adapter, against a real HTTP server on this machine."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from email.utils import format_datetime

import pytest
from django.utils import timezone
from pydantic import BaseModel

from orchestrator import Context, workflow
from orchestrator.ai import (
    BadReply,
    Message,
    ModelBusy,
    ModelRefused,
    ModelUnavailable,
    Request,
    ToolCall,
    ToolSpec,
    Usage,
    generate,
)
from orchestrator.ai.openai import OpenAICompatible
from orchestrator.ai.output import Output


class Draft(BaseModel):
    title: str


ASKED = Request(model="gpt-test", messages=(Message("user", "Hi"),), idempotency_key="run:draft:0")


@pytest.fixture
def local(service, settings):
    """The service as the default of the settings."""
    provider = {"class": "orchestrator.ai.openai.OpenAICompatible", "base_url": service.url}
    settings.ORCHESTRATOR_AI = {"default": "local:gpt-test", "providers": {"local": provider}}
    return service


def posting(runs):
    @workflow(name="posting")
    async def posting(ctx: Context) -> Draft:
        return await generate(ctx, "draft", prompt="Write.", output=Draft)

    return runs.start(posting)


def ask(service, request=ASKED, **options):
    return asyncio.run(OpenAICompatible(base_url=service.url, **options).ask(request))


def test_a_request_is_one_post_and_the_reply_has_text_and_tokens(service):
    service.will_say("Hello")

    reply = ask(service, api_key="sk-secret")

    assert (reply.content, reply.usage, reply.model) == ("Hello", Usage(11, 7), "gpt-test-2026")
    [(headers, body)] = service.asked
    assert headers["path"] == "/v1/chat/completions"
    assert headers["authorization"] == "Bearer sk-secret"
    assert headers["idempotency-key"] == "run:draft:0"
    assert body == {
        "model": "gpt-test",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": False,
    }


def wanted(**fields):
    return Request(model="gpt-test", messages=(Message("user", "Hi"),), **fields)


def test_a_schema_is_asked_for_as_the_service_understands_it(service):
    request = wanted(schema=Output(Draft).schema)
    for _ in range(3):
        service.will_say('{"title": "x"}')

    ask(service, request)
    ask(service, request, structured="json_object")
    ask(service, request, structured="prompt")

    strict, loose, prompted = (body for _, body in service.asked)
    assert strict["response_format"]["json_schema"]["schema"]["required"] == ["title"]
    assert loose["response_format"] == {"type": "json_object"}
    assert "response_format" not in prompted
    assert '"title"' in prompted["messages"][0]["content"]


def test_tools_go_out_and_calls_come_back(service):
    spec = ToolSpec("search", "Search.", {"type": "object", "properties": {}})
    function = {"name": "search", "arguments": '{"q": 1}'}
    service.will_say(None, tool_calls=[{"id": "c1", "type": "function", "function": function}])
    earlier = (
        Message("user", "Hi"),
        Message("assistant", "", (ToolCall("c0", "search", "{}"),)),
        Message("tool", '"found"', tool_call_id="c0"),
    )

    reply = ask(service, Request(model="m", messages=earlier, tools=(spec,), max_tokens=9))

    assert reply.tool_calls == (ToolCall("c1", "search", '{"q": 1}'),)
    [(_, body)] = service.asked
    assert body["tools"][0]["function"]["name"] == "search"
    assert body["messages"][1]["tool_calls"][0]["id"] == "c0"
    assert body["messages"][2] == {"role": "tool", "content": '"found"', "tool_call_id": "c0"}
    assert body["max_completion_tokens"] == 9


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (429, ModelBusy),
        (500, ModelUnavailable),
        (503, ModelUnavailable),
        (408, ModelUnavailable),
        (400, ModelRefused),
        (401, ModelRefused),
        (404, ModelRefused),
        (302, ModelRefused),
    ],
)
def test_a_status_says_whether_another_attempt_may_help(service, status, error):
    service.will_answer(status, b'{"error": {"message": "because"}}', Location="http://x/")

    with pytest.raises(error, match=f"HTTP {status}: because"):
        ask(service)


@pytest.mark.parametrize(
    ("value", "seconds"), [("30", 30), ("0.5", 0.5), ("soon", None), ("-1", 0), ("1e99", None)]
)
def test_retry_after_is_heeded(service, value, seconds):
    service.will_answer(429, b"{}", Retry_After=value)

    with pytest.raises(ModelBusy) as raised:
        ask(service)

    expected = None if seconds is None else timedelta(seconds=seconds)
    assert raised.value.retry_after == expected


def test_retry_after_may_be_a_date(service):
    at = timezone.now() + timedelta(minutes=5)
    service.will_answer(503, b"busy", Retry_After=format_datetime(at, usegmt=True))

    with pytest.raises(ModelBusy, match="busy") as raised:
        ask(service)

    assert 290 < raised.value.retry_after.total_seconds() <= 300


@pytest.mark.parametrize(
    "body",
    [b"not json", b"[]", b'{"choices": []}', b'{"choices": [{"message": null}]}', b"", b"null"],
)
def test_what_is_no_reply_is_said_so(service, body):
    service.will_answer(200, body)

    with pytest.raises(BadReply, match="not what the interface promises"):
        ask(service)


@pytest.mark.parametrize("content", [5, ["a"], {"text": "a"}, True])
def test_an_answer_that_is_no_text_is_no_reply(service, content):
    service.will_say(content)

    with pytest.raises(BadReply, match="not what the interface promises"):
        ask(service)


def test_an_error_that_repeats_the_key_does_not_hold_it(service):
    told = {"error": {"message": "Incorrect API key sk-secret, tenant key t-123, team content"}}
    service.will_answer(401, json.dumps(told).encode())

    with pytest.raises(ModelRefused) as raised:
        ask(
            service,
            api_key="sk-secret",
            headers={"X-Tenant-Key": "t-123", "X-Team": "content"},
        )

    assert "key [hidden], tenant key [hidden], team content" in str(raised.value)


def test_a_reply_that_is_none_does_not_tell_the_key_either(service):
    service.will_answer(200, b"hello sk-secret")

    with pytest.raises(BadReply, match=r"hello \[hidden\]"):
        ask(service, api_key="sk-secret")


@pytest.mark.parametrize("key", ["sk-secret\n", " sk-secret"])
def test_a_key_is_taken_without_the_space_around_it(service, key):
    service.will_say("Hello")

    ask(service, api_key=key)

    assert service.asked[0][0]["authorization"] == "Bearer sk-secret"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"api_key": "sk-sécret"}, "api_key has characters"),
        ({"api_key": "sk\r\nsecret"}, "api_key has characters"),
        ({"headers": {"X-Key": "a\nb"}}, "X-Key has characters"),
        ({"base_url": "localhost:8000/v1"}, "starts with http:// or https://"),
        ({"structured": "json"}, "structured is one of"),
        ({"timeout": "soon"}, "not a duration"),
        ({"key": "x"}, "unexpected keyword argument"),
    ],
)
def test_wrong_settings_are_said_at_once_and_without_the_key(runs, settings, options, words):
    provider = {"class": "orchestrator.ai.openai.OpenAICompatible", **options}
    settings.ORCHESTRATOR_AI = {"default": "local:m", "providers": {"local": provider}}

    run = posting(runs)

    assert run.status == "failed"
    assert run.error["type"].endswith("UnknownModel")
    assert words in run.error["message"]
    assert "secret" not in str(run.error)
    assert "sécret" not in str(run.error)


@pytest.mark.parametrize("usage", ["5", "[]", '{"prompt_tokens": -5}', '{"prompt_tokens": 1e400}'])
def test_an_answer_is_not_lost_because_its_tokens_are_counted_wrongly(service, usage):
    body = '{"choices": [{"message": {"content": "Hello"}}], "usage": %s}' % usage  # noqa: UP031
    service.will_answer(200, body.encode())

    reply = ask(service)

    assert (reply.content, reply.usage) == ("Hello", Usage(0, 0))


def test_calls_are_read_as_services_of_all_sorts_write_them(service):
    bare = {"function": {"name": "search", "arguments": {"q": 1}}}
    empty = {"id": "c2", "function": {"name": "search"}}
    service.will_say(None, tool_calls=[bare, empty])

    reply = ask(service)

    assert reply.tool_calls == (
        ToolCall("", "search", '{"q": 1}'),
        ToolCall("c2", "search", "{}"),
    )


def test_an_answer_that_does_not_fit_is_sent_back_as_often_as_was_said(runs, local):
    for _ in range(4):
        local.will_say('{"title": 5}')

    run = posting(runs)

    assert run.status == "failed"
    assert run.error["type"].endswith("InvalidAnswer")
    assert len(local.asked) == 3
    *_, said, correction = local.asked[2][1]["messages"]
    assert (said["role"], said["content"]) == ("assistant", '{"title": 5}')
    assert "title: Input should be a valid string" in correction["content"]


def test_calls_of_tools_that_were_not_given_are_asked_for_again(runs, local):
    call = {"id": "1", "type": "function", "function": {"name": "shop", "arguments": "{}"}}
    local.will_say(None, tool_calls=[call])
    local.will_say('{"title": "Hello"}')

    run = posting(runs)
    runs.advance("1m")

    assert run.refresh().result() == Draft(title="Hello")
    assert run.steps[0].attempts == 2


def test_a_reply_without_end_is_cut_off(service, monkeypatch):
    monkeypatch.setattr("orchestrator.ai.openai.MAX_REPLY", 1000)
    service.will_answer(200, b"x" * 5000)

    with pytest.raises(BadReply, match="more than 1000 bytes"):
        ask(service)


@pytest.mark.parametrize(
    ("more", "finish"),
    [
        ({"finish": "length"}, "length"),
        ({"finish": "content_filter"}, "refused"),
        ({"refusal": "I will not."}, "refused"),
    ],
)
def test_why_the_model_stopped_is_known(service, more, finish):
    service.will_say(None, **more)

    assert ask(service).finish == finish


def test_a_service_that_does_not_answer_is_given_up(service):
    service.hangs.set()

    with pytest.raises(ModelUnavailable, match=r"no answer within 0\.2 s"):
        ask(service, timeout="200ms")


def test_half_a_reply_is_not_waited_for_without_end(service):
    service.stalls.set()
    service.will_say("Hello")

    with pytest.raises(ModelUnavailable, match=r"no answer within 0\.2 s"):
        ask(service, timeout="200ms")


def test_a_service_that_fails_for_a_while_is_asked_until_it_answers(runs, local):
    local.will_answer(500, b"oops")
    local.will_answer(503, b"busy", Retry_After="120")
    local.will_answer(200, b"<html>")
    local.will_answer(408, b"{}")
    local.will_say('{"title": "Hello"}')

    run = posting(runs)
    runs.advance("1m")
    assert (run.refresh().status, len(local.asked)) == ("awaiting_retry", 2)
    runs.advance("10m")

    assert run.refresh().result() == Draft(title="Hello")
    assert run.steps[0].attempts == 5


def test_a_service_that_is_not_there_is_unavailable():
    adapter = OpenAICompatible(base_url="http://127.0.0.1:9/v1")

    with pytest.raises(ModelUnavailable, match="Connect"):
        asyncio.run(adapter.ask(ASKED))


def test_a_workflow_uses_it_by_the_settings(runs, service, settings):
    settings.ORCHESTRATOR_AI = {
        "default": "local:gpt-test",
        "providers": {
            "local": {
                "class": "orchestrator.ai.openai.OpenAICompatible",
                "base_url": service.url,
                "api_key": "sk-secret",
                "headers": {"X-Team": "content"},
            }
        },
    }
    service.will_answer(429, b"{}", Retry_After="600")
    service.will_say("not json")
    service.will_say('{"title": "Hello"}')

    @workflow(name="posting")
    async def posting(ctx: Context) -> Draft:
        return await generate(ctx, "draft", prompt="Write.", output=Draft)

    run = runs.start(posting)
    runs.advance("9m")
    assert len(service.asked) == 1
    runs.advance("1m")

    assert run.refresh().result() == Draft(title="Hello")
    account = run.steps[0].details["ai"]
    assert (account["requests"], account["input_tokens"]) == (2, 22)
    assert service.asked[0][0]["x-team"] == "content"
    assert "sk-secret" not in str([run.steps, run.events, run.error])
