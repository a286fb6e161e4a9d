"""`generate`: what a workflow's body calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal, TypeVar, overload

from orchestrator.ai.agent import converse
from orchestrator.ai.asking import Ask, Limits, as_data, ask_model
from orchestrator.ai.messages import INPUT_HEADING, Message
from orchestrator.ai.output import Output
from orchestrator.ai.tools import Tool, tools_of
from orchestrator.core.codec import encode
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
    max_total_tokens: int | None = None,
    max_cost: Decimal | str | float | None = None,
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
    max_total_tokens: int | None = None,
    max_cost: Decimal | str | float | None = None,
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
    max_total_tokens: int | None = None,
    max_cost: Decimal | str | float | None = None,
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

    Once `max_total_tokens` tokens are used (of input and output, in all turns, corrections
    and attempts together), or `max_cost` is spent by the prices in the settings, the model is
    not asked again, and the step fails with OverBudget. `max_tokens` limits one output.
    """
    _check_options(name, type, tools, corrections, max_turns)
    messages = _opening(name, system, prompt, input)
    known = tools_of(tools)
    ask = Ask(
        model=model,
        messages=messages,
        new=len(messages),
        output=_output(str if output is None else output),
        limits=_limits(name, max_turns, max_total_tokens, max_cost),
        tools=tuple(one.spec for one in known.values()),
        corrections=corrections,
        temperature=temperature,
        max_tokens=max_tokens,
    )
    if type == "agentic":
        return await converse(ctx, name, ask, known, retry=retry, timeout=timeout)
    answer = await ctx.step(name, ask_model, ask, retry=retry, timeout=timeout)
    return answer.output


def _check_options(
    name: str, type: str, tools: Sequence[Any], corrections: int, max_turns: int
) -> None:
    if type not in ("generative", "agentic"):
        raise ValueError(f"generate {name!r}: type is 'generative' or 'agentic', not {type!r}")
    if tools and type != "agentic":
        raise ValueError(f"generate {name!r}: only type='agentic' may use tools")
    if corrections < 0 or max_turns < 1:
        raise ValueError(f"generate {name!r}: corrections is 0 or more, max_turns 1 or more")


def _limits(
    name: str, turns: int, tokens: int | None, cost: Decimal | str | float | None
) -> Limits:
    try:
        amount = None if cost is None else Decimal(str(cost))
        is_right = all(limit is None or limit > 0 for limit in (tokens, amount))
    except (ArithmeticError, TypeError):
        is_right = False
    if not is_right:
        raise ValueError(
            f"generate {name!r}: max_total_tokens={tokens!r} and max_cost={cost!r} must be "
            "numbers above 0, or None"
        )
    return Limits(turns=turns, tokens=tokens, cost=amount)


def _opening(name: str, system: str, prompt: str, input: Any) -> tuple[Message, ...]:
    for what, text in (("system", system), ("prompt", prompt)):
        if not isinstance(text, str):
            raise TypeError(f"generate {name!r}: {what} is text, not {text!r}")
        # It is stored with the answer: better known before anybody is paid for one.
        encode(text, root=f"generate {name!r}: {what}")
    messages = [Message("system", system)] if system else []
    messages.append(Message("user", prompt))
    if input is not _NOTHING:
        messages.append(Message("user", INPUT_HEADING + _shown(name, input)))
    return tuple(messages)


def _shown(name: str, input: Any) -> str:
    try:
        return as_data(input)
    except ValueError as error:
        raise TypeError(
            f"generate {name!r}: input cannot be shown to a model, which reads JSON: {error}"
        ) from error


@lru_cache(maxsize=256)
def _output(hint: Any) -> Output:
    return Output(hint)
