"""The functions of a chart: what they are called, what they take, and how they are executed."""

from __future__ import annotations

import ast
import functools
import inspect
from collections.abc import Callable
from types import CodeType
from typing import Any

from pydantic import BaseModel

from orchestrator.core.charts.contexts import ContextType
from orchestrator.core.codec import decode, encode
from orchestrator.core.errors import NonRetryable

MAX_LABEL = 60
_BOTH = 2  # ctx and event


def called(fn: Callable[..., Any]) -> str:
    """The name of a function; "" for a lambda."""
    if isinstance(fn, functools.partial):
        return called(fn.func)
    name = getattr(fn, "__name__", type(fn).__name__)
    return "" if name == "<lambda>" else str(name)


def label(fn: Callable[..., Any]) -> str:
    """How a function is shown: its name, or what a lambda says."""
    text = called(fn) or _text_of_lambda(fn) or "a lambda"
    return text if len(text) <= MAX_LABEL else text[: MAX_LABEL - 1] + "…"


def _text_of_lambda(fn: Callable[..., Any]) -> str:
    """What a lambda's body says, as far as its source can be found."""
    try:
        tree = _parsed("".join(inspect.findsource(fn)[0]))
    except (OSError, TypeError, SyntaxError, IndexError):
        return ""
    places = _places(fn.__code__)
    for node in ast.walk(tree):
        if isinstance(node, ast.Lambda) and _holds(node.body, places):
            return ast.unparse(node.body)
    return ""


# The lambdas of a chart are in one module.
@functools.lru_cache(maxsize=4)
def _parsed(source: str) -> ast.Module:
    return ast.parse(source)


Place = tuple[int, int]


def _places(code: CodeType) -> tuple[Place, Place] | None:
    """Where the code begins and ends in its file."""
    begins, ends = [], []
    for line, end_line, column, end_column in code.co_positions():
        # The first instruction stands for the whole lambda, and has no width.
        if line and end_line and column is not None and end_column:
            begins.append((line, column))
            ends.append((end_line, end_column))
    return (min(begins), max(ends)) if begins else None


def _holds(body: ast.expr, places: tuple[Place, Place] | None) -> bool:
    if places is None or body.end_lineno is None or body.end_col_offset is None:
        return False
    begin, end = (body.lineno, body.col_offset), (body.end_lineno, body.end_col_offset)
    return begin == places[0] and end == places[1]


def takes_event(fn: Callable[..., Any]) -> bool:
    """Whether a function takes the context and the event, or the context alone.

    Raises TypeError, saying what it takes instead.
    """
    try:
        parameters = list(inspect.signature(fn).parameters.values())
    except (ValueError, TypeError):
        return False  # Written in C: of these only such as take one thing are of any use.
    empty, kinds = inspect.Parameter.empty, inspect.Parameter
    if any(one.kind == kinds.KEYWORD_ONLY and one.default is empty for one in parameters):
        raise TypeError("has a parameter that must be named")
    places = [one for one in parameters if one.kind in (0, 1)]
    needed = sum(one.default is empty for one in places)
    takes_more = any(one.kind == kinds.VAR_POSITIONAL for one in parameters)
    if needed > _BOTH or not (places or takes_more):
        raise TypeError(f"takes {needed} arguments")
    return needed == _BOTH or takes_more


# ---- executing -----------------------------------------------------------------------


def performing(
    fn: Callable[..., Any], kind: ContextType, *, with_event: bool
) -> Callable[[Any, Any], Any]:
    """`fn` as the function of a step: it takes a context and an event.

    The step's result is the context as it is afterwards; None if it has not changed.
    """
    if inspect.iscoroutinefunction(fn):

        async def perform_async(context: Any, event: Any) -> Any:
            before = encode(context, root="context")
            returned = await (fn(context, event) if with_event else fn(context))
            return _after(fn, before, context, returned, kind)

        return functools.update_wrapper(perform_async, fn, assigned=_names(fn))

    def perform(context: Any, event: Any) -> Any:
        before = encode(context, root="context")
        returned = fn(context, event) if with_event else fn(context)
        if inspect.iscoroutine(returned):
            return _awaiting(fn, before, context, returned, kind)
        return _after(fn, before, context, returned, kind)

    return functools.update_wrapper(perform, fn, assigned=_names(fn))


def _names(fn: Callable[..., Any]) -> list[str]:
    # A partial has none of its own.
    return [name for name in ("__module__", "__name__", "__qualname__") if hasattr(fn, name)]


async def _awaiting(
    fn: Callable[..., Any], before: str, context: Any, coroutine: Any, kind: ContextType
) -> Any:
    """For `lambda ctx: notify(ctx.order_id)` with an async `notify`."""
    return _after(fn, before, context, await coroutine, kind)


def _after(
    fn: Callable[..., Any], before: str, context: Any, returned: Any, kind: ContextType
) -> Any:
    name = called(fn) or "lambda"
    if isinstance(returned, kind.cls):
        context = returned
    elif isinstance(returned, dict | BaseModel):
        # It was meant for something, and would be lost.
        raise NonRetryable(
            f"action {name!r} returned a {type(returned).__name__}: return the "
            f"context ({kind.name}), or change it and return nothing"
        )
    if encode(context, root="context") == before:
        return None
    try:
        return kind.fitted(context, decode(before))
    except ValueError as error:
        raise NonRetryable(
            f"action {name!r} has made a context that is no {kind.name}: {error}"
        ) from error
