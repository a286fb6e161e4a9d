"""An agent: a model that calls tools, turn by turn, each recorded."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from orchestrator.ai.asking import Answer, Ask, as_data, ask_model
from orchestrator.ai.errors import TooManyTurns
from orchestrator.ai.messages import Message, ToolCall
from orchestrator.ai.tools import Tool
from orchestrator.core.context import Context
from orchestrator.core.durations import Duration
from orchestrator.core.errors import EventTimeout, RunCancelled, RunFailed, StepFailed
from orchestrator.core.names import MAX_NAME
from orchestrator.core.retry import Retry

# What a tool may end in without ending the agent: the model is told, and may try otherwise.
_TOLD = (ValidationError, StepFailed, EventTimeout, RunFailed, RunCancelled)


async def converse(
    ctx: Context[Any],
    name: str,
    ask: Ask,
    tools: Mapping[str, Tool],
    *,
    retry: Retry,
    timeout: Duration,
    max_turns: int,
) -> Any:
    """Ask, call the tools that the model wants, and ask again until it answers."""
    for _ in range(max_turns):
        answer = await ctx.step(name, ask_model, ask, retry=retry, timeout=timeout)
        if not answer.tool_calls:
            return answer.output
        results = await asyncio.gather(
            *(_call(ctx, name, tools, call) for call in answer.tool_calls)
        )
        ask = replace(ask, messages=(*ask.messages, _said(answer), *results), new=len(results))
    raise TooManyTurns(f"agent {name!r} has not come to an end in {max_turns} turns")


def _said(answer: Answer) -> Message:
    return Message("assistant", answer.content, answer.tool_calls)


async def _call(ctx: Context[Any], name: str, tools: Mapping[str, Tool], call: ToolCall) -> Message:
    """What a tool gives the model; an error is an answer too."""
    try:
        told = as_data(await _result(ctx, name, tools, call))
    except _TOLD as error:
        told = json.dumps({"error": str(error)})
    return Message("tool", told, tool_call_id=call.id)


async def _result(ctx: Context[Any], name: str, tools: Mapping[str, Tool], call: ToolCall) -> Any:
    known = tools.get(call.name)
    if known is None:
        return {"error": f"there is no tool {call.name!r}; there are {', '.join(tools)}"}
    work = known.bound(call.arguments)
    if known.is_durable:
        return await work.func(ctx, **work.keywords)
    return await ctx.step(f"{name}: {call.name}"[:MAX_NAME], work, **known.options)
