"""For tests: say what the model answers, in the order of the requests.

with replies({"title": "Hello"}, call("search", query="x"), ModelBusy("later")) as asked:
    run = runs.start(write_post, brief)
assert "friendly" in asked[0].messages[0].content
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pydantic import BaseModel

from orchestrator.ai import providers
from orchestrator.ai.asking import as_data
from orchestrator.ai.messages import Reply, Request, ToolCall, Usage


@contextmanager
def replies(*script: Any) -> Iterator[list[Request]]:
    """Let every model answer `script`, one item a request. Yields the requests as they come.

    An item is text, a `Reply`, a value that is answered as JSON, a `ToolCall` or a list of
    them, or an exception that is raised. A request beyond the script fails its step.
    """
    player = _Player(list(script))
    providers.push(player)
    try:
        yield player.asked
    finally:
        providers.pop()


def call(name: str, /, **arguments: Any) -> ToolCall:
    """The model calls a tool."""
    return ToolCall(f"call-{name}", name, json.dumps(arguments))


class _Player:
    def __init__(self, script: list[Any]) -> None:
        self.asked: list[Request] = []
        self._script = script

    async def ask(self, request: Request) -> Reply:
        self.asked.append(request)
        if not self._script:
            raise AssertionError(f"request {len(self.asked)} to the model is not in the script")
        return _reply(self._script.pop(0))


def _reply(item: Any) -> Reply:
    match item:
        case BaseException():
            raise item
        case Reply():
            return item
        case ToolCall():
            return Reply(tool_calls=(item,), usage=Usage(10, 5))
        case [ToolCall(), *_]:
            return Reply(tool_calls=tuple(item), usage=Usage(10, 5))
        case str():
            return Reply(content=item, usage=Usage(10, 5))
        case BaseModel():
            return Reply(content=item.model_dump_json(), usage=Usage(10, 5))
    return Reply(content=as_data(item), usage=Usage(10, 5))
