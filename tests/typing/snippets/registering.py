"""What can be registered."""

from __future__ import annotations

from typing import Any, assert_type

from orchestrator import Context, Retry, Workflow, workflow


@workflow(name="plain")  # E: expected "Callable[[Context[Any]
def plain(ctx: Context[Any]) -> int:
    return 1


@workflow(name="two-inputs")  # E: expected "Callable[[Context[Any]
async def two_inputs(ctx: Context[Any], a: int, b: int) -> int:
    return a + b


@workflow("positional")  # E: Too many positional arguments
async def positional(ctx: Context[Any]) -> None: ...


@workflow(name="options", step_retry=3)  # E: incompatible type "int"; expected "Retry
async def options(ctx: Context[Any]) -> None: ...


@workflow(
    name="all",
    version="2.1",
    default=True,
    step_retry=Retry(max_attempts=5, backoff="linear", give_up_on=(ValueError,)),
    input_schema=int,
)
async def every_option(ctx: Context[int], number: int) -> list[int]:
    return [number]


assert_type(every_option, Workflow[int, list[int]])
Retry(backoff="fibonacci")  # E: expected "Literal
Retry(retry_on=(int,))  # E: incompatible type
