"""`@workflow`: registers a body and makes the object that starts runs of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Generic, TypeVar, overload

from orchestrator.core.context import Context
from orchestrator.core.definition import Definition, registry
from orchestrator.core.durations import Duration, duration_option, keeping_option
from orchestrator.core.rates import parse_rate
from orchestrator.core.retry import Retry
from orchestrator.run import Run

I = TypeVar("I")  # noqa: E741 - the input type
O = TypeVar("O")  # noqa: E741 - the output type


class Workflow(Generic[I, O]):
    """A registered workflow. Call `start` to begin a run of it."""

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self.__doc__ = definition.fn.__doc__
        self.__name__ = definition.fn.__name__
        self.__module__ = definition.fn.__module__

    @property
    def name(self) -> str:
        return self.definition.name

    @property
    def version(self) -> str:
        return self.definition.version

    def start(
        self,
        input: I | None = None,
        *,
        version: str | None = None,
        idempotency_key: str | None = None,
        delay: Duration | None = None,
        at: datetime | None = None,
        queue: str | None = None,
        priority: int | None = None,
        initiator: Any = None,
        tags: Mapping[str, Any] | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> Run[O]:
        """Start a run, and return its handle.

        Inside `transaction.atomic()` the run commits with the caller's data, or not at
        all. A broker that is down does not make this fail. Raises InvalidInput before
        anything is written. With the `idempotency_key` of an earlier run of this workflow
        that run is returned; IdempotencyConflict if its input was another one.
        `initiator` is who asks for it: a user, or any text. `queue` and `priority` are
        the workflow's own, unless they are given.
        """
        from orchestrator import client  # noqa: PLC0415 - the client needs a configured Django

        return client.start(
            self.name,
            input,
            version=version,
            idempotency_key=idempotency_key,
            delay=delay,
            at=at,
            queue=queue,
            priority=priority,
            initiator=initiator,
            tags=tags,
            attributes=attributes,
        )

    def __repr__(self) -> str:
        return f"<Workflow {self.name} {self.version}>"


class Decorator:
    """Turns a body into a `Workflow`, with the options that `workflow` was given."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options

    @overload
    def __call__(self, fn: Workflow[I, O], /) -> Workflow[I, O]: ...

    # Before the last: an input with a default fits that one too.
    @overload
    def __call__(self, fn: Callable[[Context[Any], I], Awaitable[O]], /) -> Workflow[I, O]: ...

    @overload
    def __call__(self, fn: Callable[[Context[Any]], Awaitable[O]], /) -> Workflow[None, O]: ...

    def __call__(self, fn: Callable[..., Any] | Workflow[Any, Any], /) -> Workflow[Any, Any]:
        body = fn.definition.fn if isinstance(fn, Workflow) else fn
        definition = Definition(fn=body, **self._options)
        registry.add(definition)
        return Workflow(definition)


def workflow(
    *,
    name: str,
    version: str = "1",
    default: bool = False,
    step_retry: Retry | None = None,
    retry: Retry | None = None,
    timeout: Duration | None = None,
    compensate: bool = True,
    idempotency_key: str | None = None,
    max_concurrent: int | None = None,
    concurrency_key: str | None = None,
    start_rate: str | None = None,
    queue: str | None = None,
    priority: int = 0,
    retention: Duration | None = None,
    payload_retention: Duration | None = None,
    tags: Mapping[str, Any] | None = None,
    input_schema: Any = None,
    output_schema: Any = None,
) -> Decorator:
    """Register an `async def` as a workflow.

    `version`s of a name live side by side: a run keeps its own for life, and a new run
    takes the one that is the `default`, or else the highest. Decorators one upon another
    let one function serve several versions and tell them by `ctx.version`. `step_retry` is
    the policy of steps that name none. `idempotency_key` is a `str.format` template over
    the input, such as `"order-{order_id}"`.

    `retry` tries the whole run again when it fails: from the failed step, or from the top
    if the body did more after the failure, such as undoing what it had done. `timeout`
    ends a run that takes longer. When the body fails, steps that were given `compensate=`
    are undone, unless `compensate=False`.

    At most `max_concurrent` runs are in progress at once, from first step to end; with a
    `concurrency_key` template, so many for each text that it makes. `input_schema` and
    `output_schema` (a pydantic model, or any callable that raises) replace the annotations.

    `start_rate`, such as "100/m" or "5/s", refuses starts that come more often, with
    TooManyStarts and the time to wait; a start with the key of a known run is answered.

    Only workers that serve its `queue` take its runs (`manage.py worker --queues …`). Among
    the due runs of a queue, those of a higher `priority` (-100 to 100) come first, but
    overtake only what has been due for less than `ORCHESTRATOR_PRIORITY_STEP` longer, for
    each step of priority.

    `retention` is how long a run is kept after its end, `payload_retention` how long its
    input, results and messages are: durations, or "forever". Without them the settings
    ORCHESTRATOR_RETENTION and ORCHESTRATOR_PAYLOAD_RETENTION apply.

    Raises TypeError and ValueError at import for a body or a name that cannot work.
    """
    return Decorator(
        {
            "name": name,
            "version": version,
            "is_default": default,
            "step_retry": step_retry,
            "retry": retry,
            "timeout": None if timeout is None else duration_option("timeout", timeout),
            "compensate": compensate,
            "max_concurrent": max_concurrent,
            "concurrency_key": concurrency_key,
            "start_rate": None if start_rate is None else parse_rate(start_rate),
            "queue": queue,
            "priority": priority,
            "retention": keeping_option("retention", retention),
            "payload_retention": keeping_option("payload_retention", payload_retention),
            "idempotency_key": idempotency_key,
            "tags": tags or {},
            "input_schema": input_schema,
            "output_schema": output_schema,
        }
    )
