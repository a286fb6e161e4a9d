"""A registered workflow: its function, its types and its options; and the registry."""

from __future__ import annotations

import inspect
import re
import string
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any, get_type_hints

from pydantic import TypeAdapter

from orchestrator.core.charts.chart import Chart
from orchestrator.core.errors import InvalidInput, UnknownWorkflow
from orchestrator.core.fingerprints import fingerprint
from orchestrator.core.names import check_priority, check_queue, check_retry
from orchestrator.core.notes import check_tags
from orchestrator.core.rates import Rate
from orchestrator.core.retry import Retry
from orchestrator.core.schemas import adapter, check_schema, validated

MAX_NAME = 200
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]*")


@dataclass(frozen=True, kw_only=True)
class Definition:
    """One version of a workflow."""

    name: str
    version: str
    fn: Callable[..., Any]
    is_default: bool = False
    step_retry: Retry | None = None
    retry: Retry | None = None
    timeout: timedelta | None = None
    compensate: bool = True
    idempotency_key: str | None = None
    max_concurrent: int | None = None
    concurrency_key: str | None = None
    start_rate: Rate | None = None
    # None is the default queue.
    queue: str | None = None
    priority: int = 0
    retention: timedelta | None = None
    payload_retention: timedelta | None = None
    tags: Mapping[str, Any] = field(default_factory=dict)
    input_schema: Any = None
    output_schema: Any = None
    # Of a state machine; its function is the body that plays the chart.
    chart: Chart | None = None

    def __post_init__(self) -> None:
        check_identifier("workflow name", self.name)
        check_identifier("version", self.version)
        _check_signature(self.fn)
        _check_template("idempotency_key", self.idempotency_key)
        _check_template("concurrency_key", self.concurrency_key)
        object.__setattr__(self, "tags", check_tags(self.tags))
        check_schema(f"{self.name}: input_schema", self.input_schema)
        check_schema(f"{self.name}: output_schema", self.output_schema)
        for option in ("retry", "step_retry"):
            check_retry(f"{self.name}: {option}", getattr(self, option))
        if self.max_concurrent is not None and self.max_concurrent < 1:
            raise ValueError(f"{self.name}: max_concurrent is 1 or more, not {self.max_concurrent}")
        if self.concurrency_key is not None and self.max_concurrent is None:
            raise ValueError(f"{self.name}: concurrency_key= needs max_concurrent=")
        if self.queue is not None:
            check_queue(f"{self.name}: queue", self.queue)
        check_priority(f"{self.name}: priority", self.priority)

    @cached_property
    def takes_input(self) -> bool:
        return len(inspect.signature(self.fn).parameters) == 2  # noqa: PLR2004 - ctx and an input

    @cached_property
    def input_default(self) -> Any:
        """The default of the input parameter; `inspect.Parameter.empty` if it has none."""
        return list(inspect.signature(self.fn).parameters.values())[-1].default

    @cached_property
    def input_adapter(self) -> TypeAdapter[Any]:
        return self._adapter(list(inspect.signature(self.fn).parameters)[-1])

    @cached_property
    def output_adapter(self) -> TypeAdapter[Any]:
        return self._adapter("return")

    def validate_input(self, value: Any) -> Any:
        """`value` as the body's input type. Raises InvalidInput with the field paths."""
        if self.output_schema is None:
            # Read it now: to find at the end of a run that it cannot be read is too late.
            assert self.output_adapter is not None
        if not self.takes_input:
            if value is not None:
                raise InvalidInput(f"{self.name} takes no input")
            return None
        if value is None and self.input_default is not inspect.Parameter.empty:
            value = self.input_default
        return validated(self.input_schema or self.input_adapter, value, f"input of {self.name}")

    def validate_output(self, value: Any) -> Any:
        """`value` as the body's return type. Raises InvalidInput."""
        return validated(self.output_schema or self.output_adapter, value, f"output of {self.name}")

    def key_for(self, value: Any) -> str | None:
        """The idempotency key that the template makes of an input. Raises InvalidInput."""
        if self.idempotency_key is None:
            return None
        return self._filled("idempotency_key", self.idempotency_key, value)

    def permit_for(self, value: Any) -> str:
        """Runs with the same text share `max_concurrent`; "" if there is no limit."""
        if self.max_concurrent is None:
            return ""
        if self.concurrency_key is None:
            return self.name
        return f"{self.name}/{self._filled('concurrency_key', self.concurrency_key, value)}"[:455]

    def _filled(self, option: str, template: str, value: Any) -> str:
        try:
            return string.Formatter().vformat(template, (value,), _Fields(value))
        except (LookupError, AttributeError, TypeError, ValueError) as error:
            # What a field that is not there is called; else what went wrong.
            is_missing = isinstance(error, LookupError)
            why = f"the input has nothing for {error} in" if is_missing else f"{error}, in"
            raise InvalidInput(f"{self.name}: {why} {option}={template!r}") from error

    def _adapter(self, name: str) -> TypeAdapter[Any]:
        try:
            hint = get_type_hints(self.fn, include_extras=True).get(name, Any)
        except NameError as error:
            raise TypeError(
                f"{_place(self.fn)}: {error}. A workflow's annotations are read when it is "
                "started: import their names outside of `if TYPE_CHECKING:`"
            ) from error
        return adapter(hint)


class Registry:
    """Every workflow that this process knows, by name and version."""

    def __init__(self) -> None:
        self._by_name: dict[str, dict[str, Definition]] = {}
        # Names and versions that another function may take over: a test's stand-ins.
        self.replaceable: frozenset[tuple[str, str]] = frozenset()

    def __iter__(self) -> Iterator[Definition]:
        return (one for versions in self._by_name.values() for one in versions.values())

    @property
    def codes(self) -> tuple[tuple[str, str, str], ...]:
        """Every version of a workflow, with the fingerprint of its code."""
        return tuple((one.name, one.version, fingerprint(one.fn)) for one in self)

    def add(self, definition: Definition) -> None:
        """Register. Raises ValueError when another function has this name and version."""
        versions = self._by_name.setdefault(definition.name, {})
        known = versions.get(definition.version)
        named = {(definition.name, definition.version)}
        if (
            known is not None
            and not named & self.replaceable
            and not _is_same_code(known.fn, definition.fn)
        ):
            raise ValueError(
                f"workflow {definition.name} {definition.version} is registered twice: "
                f"{_place(known.fn)} and {_place(definition.fn)}"
            )
        versions[definition.version] = definition
        self.replaceable -= named

    def get(self, name: str, version: str | None = None) -> Definition:
        """The named version; without one, the default or else the highest.

        Raises UnknownWorkflow.
        """
        versions = self._by_name.get(name)
        if not versions:
            raise UnknownWorkflow(f"no workflow is called {name!r}. Known: {_list(self._by_name)}")
        if version is None:
            return max(versions.values(), key=lambda one: (one.is_default, _order(one.version)))
        if version not in versions:
            raise UnknownWorkflow(f"{name} has no version {version!r}. Known: {_list(versions)}")
        return versions[version]

    def knows(self, name: str, version: str) -> bool:
        return version in self._by_name.get(name, {})


def _list(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"


registry = Registry()


def check_identifier(what: str, name: object) -> None:
    """Raises ValueError for what cannot be the name of a workflow, a version or a schedule."""
    if not isinstance(name, str) or len(name) > MAX_NAME or not _NAME.fullmatch(name):
        raise ValueError(
            f"{what} {name!r}: use letters, digits and . _ : / - (first a letter or a digit, "
            f"at most {MAX_NAME})"
        )


def _check_signature(fn: Callable[..., Any]) -> None:
    where = _place(fn)
    if not inspect.iscoroutinefunction(fn):
        raise TypeError(
            f"{where}: a workflow's body is an `async def`; write `async def {fn.__name__}(ctx, …)`"
        )
    parameters = inspect.signature(fn).parameters.values()
    kinds = {parameter.kind for parameter in parameters}
    positional = {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD}
    if len(parameters) not in (1, 2) or kinds - positional:
        raise TypeError(f"{where}: a workflow's body takes `ctx`, or `ctx` and one input")


def _nothing() -> None:
    """What stands for a field that an input does not have."""


class _Fields(dict[str, Any]):
    """What a template may name: the fields of an input of any kind, and `input` itself."""

    def __init__(self, value: Any) -> None:
        super().__init__(value if isinstance(value, dict) else {})
        self.setdefault("input", value)

    def __missing__(self, name: str) -> Any:
        found = getattr(self["input"], name, _nothing)
        if callable(found):  # Nothing, or a method, whose text is another in each process.
            raise KeyError(name)
        return found


def _check_template(option: str, template: str | None) -> None:
    try:
        for _, _, _, conversion in string.Formatter().parse(template or ""):
            string.Formatter().convert_field(None, conversion)
    except ValueError as error:
        raise ValueError(f"{option}={template!r}: {error}") from error


def _is_same_code(one: Callable[..., Any], other: Callable[..., Any]) -> bool:
    # A module that is imported again (a reload) registers its own functions again.
    return _place(one) == _place(other)


def _place(fn: Callable[..., Any]) -> str:
    return f"{getattr(fn, '__module__', '?')}.{getattr(fn, '__qualname__', repr(fn))}"


def _order(version: str) -> list[tuple[int, int, str]]:
    """A sort key: 1.9, 1.10-rc1, 1.10, 1.10.1. A leading "v" says nothing."""
    parts = re.findall(r"\d+|[a-z]+", version.lower().removeprefix("v"))
    # As everywhere: what carries a word comes before what does not.
    key = [(2, int(part), "") if part.isdigit() else (0, 0, part) for part in parts]
    return [*key, (1, 0, "")]
