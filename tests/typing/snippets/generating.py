"""`generate` returns the type that was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_type

from orchestrator import Context
from orchestrator.ai import generate, tool


@dataclass
class Draft:
    title: str


def search(topic: str) -> list[str]:
    return [topic]


async def body(ctx: Context) -> None:
    assert_type(await generate(ctx, "a", prompt="x", output=Draft), Draft)
    assert_type(await generate(ctx, "b", prompt="x"), str)
    assert_type(await generate(ctx, "c", prompt="x", output=int, input={"n": 1}), int)
    await generate(ctx, "d", prompt="x", type="agentic", tools=[search, tool(search)])
    await generate(ctx, "e", prompt="x", type="magic")  # E: No overload variant
    await generate(ctx, "f")  # E: overload
