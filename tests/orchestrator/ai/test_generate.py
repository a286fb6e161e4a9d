"""AI steps: recorded once, checked, corrected, and never asked again by a replay."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from pydantic import BaseModel, Field

from orchestrator import Context, Retry, StepFailed, workflow
from orchestrator.ai import InvalidAnswer, Message, ModelBusy, Reply, Usage, generate
from orchestrator.ai.testing import replies
from orchestrator.core.errors import NotSerializable
from orchestrator.models import Attempt

ONCE = Retry(max_attempts=1)


class Draft(BaseModel):
    title: str = Field(min_length=3)
    words: int = Field(ge=1)


def drafting(runs, **options):
    """A run that generates a draft, sleeps, and returns it."""

    @workflow(name="drafting")
    async def drafting(ctx: Context) -> object:
        draft = await generate(ctx, "draft", prompt="Write.", **options)
        await ctx.sleep("1h")
        return draft

    return runs.start(drafting)


def test_the_output_has_the_type_that_was_asked_for(runs):
    with replies({"title": "Hello", "words": 3}):
        run = drafting(runs, output=Draft)
    runs.advance("1h")

    assert run.refresh().result() == Draft(title="Hello", words=3)


def test_without_a_type_the_output_is_text(runs):
    with replies("Once upon a time"):
        run = drafting(runs)
    runs.advance("1h")

    assert run.refresh().result() == "Once upon a time"


@pytest.mark.parametrize(
    ("hint", "told", "expected"),
    [
        (int, '{"value": 7}', 7),
        (int, "7", 7),
        (list[str], '{"value": ["a", "b"]}', ["a", "b"]),
        (Draft, '```json\n{"title": "Hello", "words": 3}\n```', Draft(title="Hello", words=3)),
    ],
)
def test_what_is_no_object_travels_in_one(runs, hint, told, expected):
    with replies(told) as asked:
        run = drafting(runs, output=hint)
    runs.advance("1h")

    assert run.refresh().result() == expected
    assert asked[0].schema["type"] == "object"


def test_the_model_sees_the_prompt_and_then_the_input_as_data(runs):
    with replies("ok") as asked:
        drafting(runs, input={"price": Decimal("9.50")}, system="Be brief.")

    system, prompt, data = asked[0].messages
    assert (system.role, system.content) == ("system", "Be brief.")
    assert (prompt.role, prompt.content) == ("user", "Write.")
    assert data.role == "user"
    assert '"9.50"' in data.content


def test_a_replay_asks_nobody(runs):
    with replies("only once") as asked:
        run = drafting(runs)
        runs.advance("1h")

    assert run.refresh().status == "completed"
    assert len(asked) == 1


def test_an_output_that_does_not_fit_is_sent_back_with_what_is_wrong(runs):
    with replies({"title": "x", "words": 0}, {"title": "Better", "words": 5}) as asked:
        run = drafting(runs, output=Draft)

    assert len(asked) == 2
    *_, said, correction = asked[1].messages
    assert said.role == "assistant"
    assert "title" in correction.content
    assert "words" in correction.content
    assert run.steps[0].result.output == Draft(title="Better", words=5)
    assert run.steps[0].attempts == 1


def test_after_the_last_correction_the_step_fails_and_is_not_repeated(runs):
    with replies("no", "no", "no") as asked:
        run = drafting(runs, output=Draft)

    assert run.status == "failed"
    assert len(asked) == 3
    assert run.steps[0].attempts == 1
    assert run.error["type"].endswith("InvalidAnswer")


def test_the_body_may_catch_it(runs):
    @workflow(name="fallback")
    async def fallback(ctx: Context) -> str:
        try:
            return (
                await generate(ctx, "draft", prompt="Write.", output=Draft, corrections=0)
            ).title
        except InvalidAnswer:
            return "by hand"

    with replies("no"):
        assert runs.start(fallback).result() == "by hand"


def test_an_error_of_the_service_is_retried_as_long_as_it_asks(runs):
    with replies(ModelBusy("slow down", timedelta(minutes=10)), "fine") as asked:
        run = drafting(runs)
        [wait] = run.waiting_on
        assert wait.kind == "retry"
        runs.advance("9m")
        assert len(asked) == 1
        runs.advance("1m")

    assert run.refresh().steps[0].result.output == "fine"


@pytest.mark.parametrize(("finish", "words"), [("length", "cut off"), ("refused", "refused")])
def test_half_an_output_and_a_refusal_are_errors_at_once(runs, finish, words):
    with replies(Reply(content="half", finish=finish)):
        run = drafting(runs)

    assert run.status == "failed"
    assert words in run.error["message"]


def test_every_request_has_a_key_that_a_repeated_attempt_repeats(runs):
    with replies(ConnectionError("gone"), "no", {"title": "Hello", "words": 3}) as asked:
        run = drafting(runs, output=Draft)
        runs.advance("10s")

    first, again, corrected = (one.idempotency_key for one in asked)
    assert first == again == f"{run.id}:draft:0"
    assert corrected == f"{run.id}:draft:1"


def test_tokens_and_time_are_kept_with_the_step(runs, settings):
    settings.ORCHESTRATOR_AI = {"prices": {"test:m": ("2.00", "10.00")}}
    first = Reply(content="no", usage=Usage(1000, 100), model="m-2026")
    second = Reply(content='{"title": "Hello", "words": 1}', usage=Usage(2000, 200), model="m-2026")
    with replies(first, second):
        run = drafting(runs, output=Draft, model="test:m")

    account = run.steps[0].details["ai"]
    assert account["model"] == "test:m"
    assert account["answered_by"] == "m-2026"
    assert (account["input_tokens"], account["output_tokens"]) == (3000, 300)
    assert account["requests"] == 2
    assert Decimal(account["cost"]) == Decimal("0.009")


def test_what_a_failed_attempt_used_is_kept_too(runs):
    with replies(Reply(content="no", usage=Usage(5, 7)), ConnectionError("gone")):
        run = drafting(runs, output=Draft)

    attempt = Attempt.objects.get(run_id=run.id)
    assert attempt.details["ai"]["input_tokens"] == 5


def test_what_was_asked_is_kept_with_the_result_but_not_without_end(runs):
    with replies("ok"):
        run = drafting(runs, input="x" * 50_000)

    prompt, data = run.steps[0].result.prompt
    assert prompt == Message("user", "Write.")
    assert "more characters" in data.content
    assert len(data.content) < 17_000


def test_a_type_that_could_not_be_stored_is_refused_before_anybody_is_paid(runs):
    class Local(BaseModel):
        x: int

    with replies() as asked:
        run = drafting(runs, output=Local)

    assert run.status == "failed"
    assert NotSerializable.__name__ in run.error["type"]
    assert asked == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"type": "magic"}, "'generative' or 'agentic'"),
        ({"tools": [len]}, "only type='agentic'"),
        ({"corrections": -1}, "0 or more"),
        ({"output": object()}, "cannot be asked of a model"),
    ],
)
def test_wrong_options_are_refused_with_a_word_on_what_to_write(runs, options, words):
    run = drafting(runs, **options)

    assert run.status == "failed"
    assert words in run.error["message"]


@pytest.mark.parametrize(
    ("model", "words"),
    [("gpt-5", "provider:model"), ("nobody:gpt", "no provider is called 'nobody'")],
)
def test_an_unknown_model_fails_at_once_and_says_what_there_is(runs, model, words):
    run = drafting(runs, model=model)

    assert run.status == "failed"
    assert words in run.error["message"]
    assert run.steps[0].attempts == 1


def test_a_failed_generation_is_a_failed_step(runs):
    @workflow(name="caught")
    async def caught(ctx: Context) -> str:
        try:
            return await generate(ctx, "draft", prompt="Write.", retry=ONCE)
        except StepFailed as error:
            return error.message

    with replies(ConnectionError("gone")):
        assert "gone" in runs.start(caught).result()
