"""`ctx: Context` without a type is what most people write, as in the documentation."""

from __future__ import annotations

from typing import assert_type

from orchestrator import Context, Run, workflow


@workflow(name="bare")
async def bare(ctx: Context, number: int) -> str:
    return str(await ctx.step("double", lambda: number * 2))


assert_type(bare.start(5), Run[str])
