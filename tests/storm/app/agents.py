"""An agent whose every request to its model, and every tool, leaves a line in the log."""

from __future__ import annotations

import json
from threading import Event

from orchestrator import Context, workflow
from orchestrator.ai import Reply, Request, ToolCall, generate
from tests.storm.app.effects import note

TURNS = 4


class Model:
    """It calls two tools at once in each turn but the last, and counts what they say."""

    async def ask(self, request: Request) -> Reply:
        note("asked")
        told = [json.loads(one.content) for one in request.messages if one.role == "tool"]
        turn = len(told) // 2 + 1
        if turn == TURNS:
            return Reply(content=json.dumps(told))
        calls = tuple(
            ToolCall(f"{turn}-{place}", "fetch", json.dumps({"page": 2 * turn - 2 + place}))
            for place in range(2)
        )
        return Reply(tool_calls=calls)


def fetch(page: int) -> int:
    """A page of the archive."""
    note("fetch")
    Event().wait(0.2)
    return page


@workflow(name="storm-agent")
async def research(ctx: Context) -> list[int]:
    found = await generate(ctx, "research", type="agentic", prompt="Read it all.", tools=[fetch])
    return [int(page) for page in json.loads(found)]
