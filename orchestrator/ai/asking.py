"""One recorded step: a model is asked, and asked again while its output does not fit."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError
from pydantic_core import to_json

from orchestrator.ai import providers
from orchestrator.ai.accounts import Account
from orchestrator.ai.errors import BadReply, InvalidAnswer, ModelRefused
from orchestrator.ai.messages import Message, Reply, Request, ToolCall, ToolSpec
from orchestrator.ai.output import Output
from orchestrator.core.step import current_step

# Of each message that is stored with the step: enough to see what was asked.
MAX_SHOWN = 16_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What a step asks of a model."""

    model: str | None
    messages: tuple[Message, ...]
    # How many of the messages the answer shows: in later turns only those that are new.
    new: int
    output: Output
    tools: tuple[ToolSpec, ...] = ()
    corrections: int = 2
    temperature: float | None = None
    max_tokens: int | None = None

    def __deepcopy__(self, _memo: dict[int, Any]) -> Ask:
        # Steps get copies of what they could change. This cannot be changed.
        return self


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model answered, as it is recorded: an output, or calls of tools."""

    output: Any = None
    content: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    # What it was asked, shortened. For people; a replay does not need it.
    prompt: tuple[Message, ...] = ()


async def ask_model(ask: Ask) -> Answer:
    """The step. Raises InvalidAnswer when the last correction did not help either."""
    provider, name, model = providers.find(ask.model)
    account = Account(name)
    messages = ask.messages
    problem: ValidationError | None = None
    for number in range(ask.corrections + 1):
        began = time.perf_counter()
        reply = await provider.ask(_request(ask, model, messages, number))
        account.add(reply, time.perf_counter() - began)
        _check_finish(reply)
        if reply.tool_calls:
            if not ask.tools:
                raise BadReply("the model called tools, and it was given none")
            return Answer(None, reply.content, reply.tool_calls, _shown(ask))
        try:
            return Answer(ask.output.read(reply.content), prompt=_shown(ask))
        except ValidationError as error:
            problem = error
            messages += (Message("assistant", reply.content), _correction(error))
    assert problem is not None
    raise InvalidAnswer(
        f"{name} gave no valid output in {ask.corrections + 1} answers: {_told(problem)}"
    )


def _request(ask: Ask, model: str, messages: tuple[Message, ...], number: int) -> Request:
    return Request(
        model=model,
        messages=messages,
        schema=ask.output.schema,
        tools=ask.tools,
        temperature=ask.temperature,
        max_tokens=ask.max_tokens,
        idempotency_key=f"{current_step().idempotency_key}:{number}",
    )


def _check_finish(reply: Reply) -> None:
    if reply.finish == "length":
        raise ModelRefused(
            "the model's output was cut off at its limit of tokens: raise max_tokens, "
            "or ask for less"
        )
    if reply.finish == "refused":
        raise ModelRefused(f"the model refused: {reply.content[:500] or 'no reason given'}")


def _correction(error: ValidationError) -> Message:
    return Message(
        "user",
        "That does not fit the schema. Answer again with the whole corrected JSON and nothing "
        f"else. What is wrong:\n{_told(error)}",
    )


def _told(error: ValidationError) -> str:
    lines = [
        f"{'.'.join(map(str, one['loc'])) or 'output'}: {one['msg']}"
        for one in error.errors(include_url=False, include_input=False)
    ]
    return "; ".join(lines[:20])


def _shown(ask: Ask) -> tuple[Message, ...]:
    new = ask.messages[-ask.new :] if ask.new else ()
    return tuple(replace(message, content=_shortened(message.content)) for message in new)


def _shortened(text: str) -> str:
    left_out = len(text) - MAX_SHOWN
    return text if left_out <= 0 else f"{text[:MAX_SHOWN]}… ({left_out} more characters)"


def as_data(value: Any) -> str:
    """`value` as the JSON that a model is shown."""
    return json.dumps(json.loads(to_json(value)), ensure_ascii=False, indent=1)
