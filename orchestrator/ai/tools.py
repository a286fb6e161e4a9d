"""Tools that an agent may call: functions, described to the model by their signatures."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from orchestrator.ai.asking import told
from orchestrator.ai.errors import WrongCall
from orchestrator.ai.messages import ToolSpec
from orchestrator.core.context import Context
from orchestrator.core.durations import Duration
from orchestrator.core.retry import Retry

# What services allow as the name of a tool.
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that an agent may call, with the options of its step. Made by `tool`."""

    fn: Callable[..., Any]
    name: str
    description: str
    parameters: type[BaseModel]
    # It takes the run's context: it is part of the body, and may wait for people.
    is_durable: bool
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def spec(self) -> ToolSpec:
        return ToolSpec(self.name, self.description, self.parameters.model_json_schema())

    def bound(self, arguments: str) -> partial[Any]:
        """The function with the arguments that a model wrote. Raises WrongCall."""
        try:
            given = self.parameters.model_validate_json(arguments or "{}")
        except ValidationError as error:
            raise WrongCall(told(error)) from None
        fields = self.parameters.model_fields
        chosen = {fields[name].alias: getattr(given, name) for name in given.model_fields_set}
        return partial(self.fn, **{str(name): value for name, value in chosen.items()})


def tool(
    fn: Callable[..., Any],
    *,
    name: str | None = None,
    description: str | None = None,
    retry: Retry | None = None,
    timeout: Duration | None = None,
    atomic: bool = False,
) -> Tool:
    """A tool made of `fn`: its annotations are the schema, its docstring the description.

    An ordinary function, sync or async, is executed as a step with these options. An
    `async def` whose first parameter is annotated as `Context` is part of the body: it may
    use steps, waits and human tasks itself.
    """
    name = name or str(getattr(fn, "__name__", ""))
    if not _NAME.fullmatch(name):
        raise ValueError(f"a tool's name has letters, digits, _ and -, at most 64: {name!r}")
    parameters = list(inspect.signature(fn).parameters.values())
    hints = get_type_hints(fn, include_extras=True)
    is_durable = bool(parameters) and _is_context(hints.get(parameters[0].name))
    if is_durable and not inspect.iscoroutinefunction(fn):
        raise TypeError(f"tool {name!r} takes the context: write it as `async def`")
    described = inspect.getdoc(fn) if description is None else description
    options = {"retry": retry, "timeout": timeout, "atomic": atomic}
    return Tool(
        fn=fn,
        name=name,
        description=described or "",
        parameters=_model_of(name, parameters[1:] if is_durable else parameters, hints),
        is_durable=is_durable,
        options={} if is_durable else options,
    )


def tools_of(given: Sequence[Tool | Callable[..., Any]]) -> dict[str, Tool]:
    """The tools by name. Raises ValueError if two have the same."""
    found: dict[str, Tool] = {}
    for one in given:
        made = one if isinstance(one, Tool) else tool(one)
        if made.name in found:
            raise ValueError(f"two tools are named {made.name!r}: give one of them name=…")
        found[made.name] = made
    return found


def _is_context(hint: Any) -> bool:
    return hint is Context or getattr(hint, "__origin__", None) is Context


def _model_of(
    name: str, parameters: Sequence[inspect.Parameter], hints: dict[str, Any]
) -> type[BaseModel]:
    fields: dict[str, Any] = {}
    for number, one in enumerate(parameters):
        if one.kind not in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY):
            raise TypeError(f"tool {name!r}: {one} cannot be given by name; use named parameters")
        if one.name not in hints:
            raise TypeError(f"tool {name!r}: annotate {one.name!r}, so that a model knows its type")
        # Under an alias: a model has names of its own, such as `copy`.
        default = ... if one.default is one.empty else one.default
        fields[f"argument_{number}"] = (hints[one.name], Field(default, alias=one.name))
    return create_model(name, __config__=ConfigDict(extra="forbid"), **fields)
