"""A model that is none: deterministic answers of the right shape, without a network.

The default, so that a workflow with AI steps runs in a demo and in tests before anybody
has an account with a service. What it makes says that it was made here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from orchestrator.ai.messages import Reply, Request, ToolCall, Usage
from orchestrator.ai.stub.prose import Prose, given_fields
from orchestrator.ai.stub.values import Inventor

_CHARACTERS_PER_TOKEN = 4


class Stub:
    """Answers from the request alone: the same request, the same answer.

    It calls each tool once, then answers. Values for a schema are taken from the input
    where a field has the same name, else made up as the schema says. What a schema does
    not say, such as what a validator of yours wants, it does not know.
    """

    async def ask(self, request: Request) -> Reply:
        """The answer, at once. Raises ModelRefused when no value can fit the schema."""
        maker = _Maker(request)
        calls = () if _has_results(request) else maker.calls()
        content = "" if calls else maker.answer()
        return Reply(
            content=content,
            tool_calls=calls,
            usage=Usage(_tokens(*(one.content for one in request.messages)), _tokens(content)),
            model=f"stub/{request.model}",
        )


def _has_results(request: Request) -> bool:
    return any(message.role == "tool" for message in request.messages)


def _tokens(*texts: str) -> int:
    return sum(len(text) for text in texts) // _CHARACTERS_PER_TOKEN


class _Maker:
    """Makes what one request asks for."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._given = given_fields(request.messages)
        told = "\n".join(message.content for message in request.messages)
        self._seed = int.from_bytes(hashlib.sha256(told.encode()).digest()[:4])
        self._prose = Prose(request.messages, self._given, self._seed)

    def calls(self) -> tuple[ToolCall, ...]:
        return tuple(
            ToolCall(f"call-{number}", tool.name, json.dumps(self._by_schema(tool.parameters)))
            for number, tool in enumerate(self._request.tools, 1)
        )

    def answer(self) -> str:
        if self._request.schema is None:
            return self._prose.text(4)
        return json.dumps(self._by_schema(self._request.schema), ensure_ascii=False)

    def _by_schema(self, schema: Mapping[str, Any]) -> Any:
        maker = Inventor(schema, seed=self._seed, given=self._given, prose=self._prose)
        return maker.value()
