"""An agent: a model that calls tools, turn by turn, each recorded."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from orchestrator.ai.asking import Answer, Ask, as_data, ask_model
from orchestrator.ai.errors import WrongCall
from orchestrator.ai.messages import Message, ToolCall
from orchestrator.ai.tools import Tool
from orchestrator.core.context import Context
from orchestrator.core.durations import Duration
from orchestrator.core.errors import NestedStep, NonDeterminism, TooManyAtOnce, UndecodableValue
from orchestrator.core.names import MAX_NAME
from orchestrator.core.retry import Retry

# What is wrong with the run, and not with the tool. Of everything else the model is told.
_NOT_TOLD = (NestedStep, NonDeterminism, TooManyAtOnce, UndecodableValue)


async def converse(
    ctx: Context[Any],
    name: str,
    ask: Ask,
    tools: Mapping[str, Tool],
    *,
    retry: Retry,
    timeout: Duration,
) -> Any:
    """Ask, call the tools that the model wants, and ask again until it answers."""
    while True:
        answer = await ctx.step(name, ask_model, ask, retry=retry, timeout=timeout)
        if not answer.tool_calls:
            return answer.output
        results = await asyncio.gather(
            *(
                _call(ctx, name, tools, call, is_unknown=call.name in answer.unknown)
                for call in answer.tool_calls
            )
        )
        ask = replace(
            ask,
            messages=(*ask.messages, _said(answer), *results),
            new=len(results),
            turn=ask.turn + 1,
            spent=ask.spent + answer.spent,
        )


def _said(answer: Answer) -> Message:
    return Message("assistant", answer.content, answer.tool_calls)


async def _call(
    ctx: Context[Any], name: str, tools: Mapping[str, Tool], call: ToolCall, *, is_unknown: bool
) -> Message:
    """What a tool gives the model; an error is an answer too."""
    try:
        if is_unknown:
            # Not by the name that the model has made up: names of steps are for everybody.
            work = _refused(f"there is no tool {call.name!r}; there are {', '.join(tools)}")
            await ctx.step(_key(name, "unknown tool"), work)
        told = as_data(await _result(ctx, _key(name, call.name), tools.get(call.name), call))
    except _NOT_TOLD:
        raise
    except Exception as error:
        told = json.dumps({"error": str(error) or type(error).__name__})
    return Message("tool", told, tool_call_id=call.id)


async def _result(ctx: Context[Any], key: str, known: Tool | None, call: ToolCall) -> Any:
    # A call that is wrong is recorded like any other: a replay takes what is recorded, also
    # when today's code has other tools, or other types.
    if known is None:
        return await ctx.step(key, _refused(f"there is no tool {call.name!r} any more"))
    try:
        work = known.bound(call.arguments)
    except WrongCall as error:
        return await ctx.step(key, _refused(str(error)))
    if known.is_durable:
        await ctx.step(key, _accept)
        return await work.func(ctx, **work.keywords)
    return await ctx.step(key, work, **known.options)


def _key(name: str, tool: str) -> str:
    return f"{name}: {tool}"[:MAX_NAME]


def _accept() -> None:
    """A call whose tool is part of the body: what the tool does is recorded by itself."""


def _refused(why: str) -> Callable[[], None]:
    return partial(_refuse, why)


def _refuse(why: str) -> None:
    raise WrongCall(why)
