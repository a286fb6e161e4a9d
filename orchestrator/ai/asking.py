"""One recorded step: a model is asked, and asked again while its output does not fit."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from pydantic import ValidationError
from pydantic_core import to_json

from orchestrator.ai import providers
from orchestrator.ai.accounts import Account, Spent, cost
from orchestrator.ai.checking import checked
from orchestrator.ai.errors import InvalidAnswer, OverBudget, TooManyTurns, UnknownModel
from orchestrator.ai.messages import Message, Request, ToolCall, ToolSpec, Usage
from orchestrator.ai.output import Output
from orchestrator.core.step import current_step

# Of the messages that are stored with the step: enough to see what was asked.
MAX_SHOWN = 16_000
MAX_ALL_SHOWN = 64_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """When an agent, or a model that is corrected, is not asked once more."""

    turns: int
    tokens: int | None = None
    cost: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What a step asks of a model."""

    model: str | None
    messages: tuple[Message, ...]
    # How many of the messages the answer shows: in later turns only those that are new.
    new: int
    output: Output
    limits: Limits
    tools: tuple[ToolSpec, ...] = ()
    corrections: int = 2
    temperature: float | None = None
    max_tokens: int | None = None
    turn: int = 1
    # What the turns before have used.
    spent: Spent = field(default=Spent())

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
    # What the step has used, attempts that failed with it.
    spent: Spent = field(default=Spent())
    # Tools that it called and that there were not, then.
    unknown: tuple[str, ...] = ()


async def ask_model(ask: Ask) -> Answer:
    """The step. Raises InvalidAnswer when the last correction did not help either.

    The limits are judged here, so that what they said then is recorded: a replay does not
    ask what they say today.
    """
    if ask.turn > ask.limits.turns:
        raise TooManyTurns(f"the agent has not come to an end in {ask.limits.turns} turns")
    provider, name, model = providers.find(ask.model)
    if ask.limits.cost is not None and cost(name, Usage()) is None:
        raise UnknownModel(f'max_cost needs the price of {name!r} in ORCHESTRATOR_AI["prices"]')
    account = Account(name)
    messages = ask.messages
    problem: ValidationError | None = None
    for number in range(ask.corrections + 1):
        _check_budget(ask.limits, ask.spent + account.spent)
        began = time.perf_counter()
        reply = await provider.ask(_request(ask, model, messages, number))
        account.add(reply, time.perf_counter() - began)
        reply = checked(reply, may_call=bool(ask.tools), is_text=ask.output.schema is None)
        if reply.tool_calls:
            unknown = {one.name for one in reply.tool_calls} - {one.name for one in ask.tools}
            return Answer(
                content=reply.content,
                tool_calls=reply.tool_calls,
                prompt=_shown(ask),
                spent=account.spent,
                unknown=tuple(sorted(unknown)),
            )
        try:
            output = ask.output.read(reply.content)
            return Answer(output, prompt=_shown(ask), spent=account.spent)
        except ValidationError as error:
            problem = error
            messages += (Message("assistant", reply.content), _correction(error))
    assert problem is not None
    raise InvalidAnswer(
        f"{name} gave no valid output in {ask.corrections + 1} answers: {told(problem)}"
    )


def _check_budget(limits: Limits, spent: Spent) -> None:
    if limits.tokens is not None and spent.tokens >= limits.tokens:
        raise OverBudget(f"{spent.tokens:,} tokens are used, of {limits.tokens:,} at most")
    if limits.cost is not None and spent.cost is not None and spent.cost >= limits.cost:
        raise OverBudget(f"{spent.cost} is spent, of {limits.cost} at most")


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


def _correction(error: ValidationError) -> Message:
    return Message(
        "user",
        "That does not fit the schema. Answer again with the whole corrected JSON and nothing "
        f"else. What is wrong:\n{told(error)}",
    )


def told(error: ValidationError) -> str:
    """What does not fit, for a model."""
    lines = [
        f"{'.'.join(map(str, one['loc'])) or 'output'}: {one['msg']}"
        for one in error.errors(include_url=False, include_input=False)
    ]
    return "; ".join(lines[:20])


def _shown(ask: Ask) -> tuple[Message, ...]:
    new = ask.messages[-ask.new :] if ask.new else ()
    room = min(MAX_SHOWN, MAX_ALL_SHOWN // max(len(new), 1))
    return tuple(replace(one, content=_shortened(one.content, room)) for one in new)


def _shortened(text: str, room: int) -> str:
    left_out = len(text) - room
    return text if left_out <= 0 else f"{text[:room]}… ({left_out} more characters)"


def as_data(value: Any) -> str:
    """`value` as the JSON that a model is shown. Raises ValueError for what is none."""
    return json.dumps(json.loads(to_json(value, bytes_mode="base64")), ensure_ascii=False, indent=1)
