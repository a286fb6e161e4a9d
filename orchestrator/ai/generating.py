"""`generate`: what a workflow's body calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Literal, TypeVar, overload

from orchestrator.ai.agent import converse
from orchestrator.ai.asking import Ask, as_data, ask_model
from orchestrator.ai.messages import INPUT_HEADING, Message
from orchestrator.ai.output import Output
from orchestrator.ai.tools import Tool, tools_of
from orchestrator.core.context import Context
from orchestrator.core.durations import Duration
from orchestrator.core.retry import Retry

T = TypeVar("T")
Kind = Literal["generative", "agentic"]

# Services are slow and busy now and then: patience costs nothing but a row.
_RETRY = Retry(max_attempts=5, initial_delay="2s", max_delay="2m")
_NOTHING: Any = object()


@overload
async def generate(
    ctx: Context[Any],
    name: str,
    *,
    prompt: str,
    output: type[T],
    input: Any = ...,
    model: str | None = None,
    type: Kind = "generative",
    tools: Sequence[Tool | Callable[..., Any]] = (),
    system: str = "",
    retry: Retry = _RETRY,
    timeout: Duration = "2m",
    corrections: int = 2,
    max_turns: int = 10,
    temperature: float | None = None,
    max_tokens: int | None = None,
) -> T: ...


@overload
async def generate(
    ctx: Context[Any],
    name: str,
    *,
    prompt: str,
    output: None = None,
    input: Any = ...,
    model: str | None = None,
    type: Kind = "generative",
    tools: Sequence[Tool | Callable[..., Any]] = (),
    system: str = "",
    retry: Retry = _RETRY,
    timeout: Duration = "2m",
    corrections: int = 2,
    max_turns: int = 10,
    temperature: float | None = None,
    max_tokens: int | None = None,
) -> str: ...


async def generate(
    ctx: Context[Any],
    name: str,
    *,
    prompt: str,
    output: Any = None,
    input: Any = _NOTHING,
    model: str | None = None,
    type: Kind = "generative",
    tools: Sequence[Tool | Callable[..., Any]] = (),
    system: str = "",
    retry: Retry = _RETRY,
    timeout: Duration = "2m",
    corrections: int = 2,
    max_turns: int = 10,
    temperature: float | None = None,
    max_tokens: int | None = None,
) -> Any:
    """Let a model make something of `prompt` and `input`: a value of the type `output`, or text.

    A recorded step: it is retried as `retry` says, each attempt bounded by `timeout`, and
    never asked again once there is an answer. An output that does not fit is sent back to
    the model with what is wrong, up to `corrections` times; then the step fails with
    InvalidAnswer. A service that asks for patience gets it (`Retry-After`).

    With `type="agentic"` the model may call `tools`, for at most `max_turns` turns. Each
    turn and each call is a recorded step of its own, so an agent whose worker dies goes on
    where it was, and repeats no tool. `model` is `provider:model`; by default the one that
    the setting ORCHESTRATOR_AI names, else a local stub.
    """
    if type not in ("generative", "agentic"):
        raise ValueError(f"generate {name!r}: type is 'generative' or 'agentic', not {type!r}")
    if tools and type != "agentic":
        raise ValueError(f"generate {name!r}: only type='agentic' may use tools")
    if corrections < 0 or max_turns < 1:
        raise ValueError(f"generate {name!r}: corrections is 0 or more, max_turns 1 or more")
    messages = _opening(system, prompt, input)
    known = tools_of(tools)
    ask = Ask(
        model=model,
        messages=messages,
        new=len(messages),
        output=_output(str if output is None else output),
        tools=tuple(one.spec for one in known.values()),
        corrections=corrections,
        temperature=temperature,
        max_tokens=max_tokens,
    )
    if type == "agentic":
        return await converse(
            ctx, name, ask, known, retry=retry, timeout=timeout, max_turns=max_turns
        )
    answer = await ctx.step(name, ask_model, ask, retry=retry, timeout=timeout)
    return answer.output


def _opening(system: str, prompt: str, input: Any) -> tuple[Message, ...]:
    messages = [Message("system", system)] if system else []
    messages.append(Message("user", prompt))
    if input is not _NOTHING:
        messages.append(Message("user", INPUT_HEADING + as_data(input)))
    return tuple(messages)


@lru_cache(maxsize=256)
def _output(hint: Any) -> Output:
    return Output(hint)
