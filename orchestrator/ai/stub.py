"""A model that is none: deterministic answers of the right shape, without a network.

The default, so that a workflow with AI steps runs in a demo and in tests before anybody
has an account with a service. What it makes says that it was made here.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from orchestrator.ai.messages import INPUT_HEADING, Message, Reply, Request, ToolCall, Usage

_SENTENCES = (
    "{topic} deserves a closer look.",
    "Most readers know {topic} from the outside only.",
    "Three things matter: what it is for, what it costs, and who answers for it.",
    "A short example says more than a long definition.",
    "Whoever starts small finds out early what works.",
    "In the end {topic} is judged by those who use it every day.",
)
_NOTE = "(Written by the local stub; no model was asked.)"
_CHARACTERS_PER_TOKEN = 4


class Stub:
    """Answers from the request alone: the same request, the same answer.

    It calls each tool once, then answers. Values for a schema are taken from the input
    where a field has the same name, else made up within the schema's bounds.
    """

    async def ask(self, request: Request) -> Reply:
        """The answer, at once."""
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
    """Makes values for one request."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._given = _fields(request.messages)
        told = "\n".join(message.content for message in request.messages)
        self._seed = int.from_bytes(hashlib.sha256(told.encode()).digest()[:4])
        self._definitions: Mapping[str, Any] = {}

    def calls(self) -> tuple[ToolCall, ...]:
        return tuple(
            ToolCall(f"call-{number}", tool.name, json.dumps(self._by_schema(tool.parameters)))
            for number, tool in enumerate(self._request.tools, 1)
        )

    def answer(self) -> str:
        if self._request.schema is None:
            return self._text(4)
        return json.dumps(self._by_schema(self._request.schema), ensure_ascii=False)

    def _by_schema(self, schema: Mapping[str, Any]) -> Any:
        self._definitions = schema.get("$defs", {})
        return self._value(schema, "")

    def _value(self, schema: Mapping[str, Any], name: str) -> Any:
        schema = self._resolved(schema)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return schema["enum"][self._seed % len(schema["enum"])]
        if name in self._given and _fits(self._given[name], schema):
            return self._given[name]
        if "default" in schema and schema["default"] is not None:
            return schema["default"]
        return self._made(schema, name)

    def _made(self, schema: Mapping[str, Any], name: str) -> Any:
        match schema.get("type"):
            case "object":
                fields = schema.get("properties", {})
                return {name: self._value(field, name) for name, field in fields.items()}
            case "array":
                length = max(schema.get("minItems", 0), min(2, schema.get("maxItems", 2)))
                return [self._value(schema.get("items", {}), name) for _ in range(length)]
            case "integer" | "number":
                return _number(schema, self._seed)
            case "boolean":
                return True
            case "null":
                return None
            case _:
                return self._string(schema, name)

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        if reference := schema.get("$ref"):
            return self._resolved(self._definitions[reference.rsplit("/", 1)[-1]])
        for choices in ("anyOf", "oneOf", "allOf"):
            if options := schema.get(choices):
                real = [one for one in options if one.get("type") != "null"]
                rest = {key: value for key, value in schema.items() if key != choices}
                return {**rest, **self._resolved(real[0] if real else options[0])}
        return schema

    def _string(self, schema: Mapping[str, Any], name: str) -> str:
        if example := _FORMATS.get(schema.get("format", "")):
            return example
        longest = schema.get("maxLength", 10_000)
        short = longest < 200 or any(word in name for word in ("title", "name", "subject"))  # noqa: PLR2004
        text = self._topic().capitalize() if short else self._text(3)
        shortest = schema.get("minLength", 0)
        return text.ljust(shortest, ".")[:longest]

    def _text(self, count: int) -> str:
        topic = self._topic()
        first = self._seed % len(_SENTENCES)
        chosen = [_SENTENCES[(first + step) % len(_SENTENCES)] for step in range(count)]
        sentences = (one.format(topic=topic) for one in chosen)
        return " ".join([*(one[0].upper() + one[1:] for one in sentences), _NOTE])

    def _topic(self) -> str:
        for name in ("topic", "title", "subject", "name"):
            if isinstance(found := self._given.get(name), str) and found:
                return found
        # What stands above an input is for a model, and no part of what it is about.
        words = re.findall(r"\w+", self._request.messages[-1].content.removeprefix(INPUT_HEADING))
        return " ".join(words[:6]) or "this"


def _fields(messages: tuple[Message, ...]) -> dict[str, Any]:
    """The fields of what was given as input, nested ones too; the outer ones win."""
    found: dict[str, Any] = {}
    for message in messages:
        start = message.content.find("\n{")
        if message.role == "user" and start >= 0:
            try:
                _collect(json.loads(message.content[start:]), found)
            except ValueError:
                continue
    return found


def _collect(value: Mapping[str, Any], found: dict[str, Any]) -> None:
    for name, item in value.items():
        found.setdefault(name, item)
    for item in value.values():
        if isinstance(item, dict):
            _collect(item, found)


_FORMATS = {
    "date": "2026-01-15",
    "date-time": "2026-01-15T09:30:00Z",
    "time": "09:30:00",
    "email": "stub@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "duration": "PT1H",
}
_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
}


def _fits(value: Any, schema: Mapping[str, Any]) -> bool:
    wanted = _TYPES.get(schema.get("type", ""))
    return wanted is not None and isinstance(value, wanted)


def _number(schema: Mapping[str, Any], seed: int) -> int | float:
    low: float = schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1)
    high: float = schema.get("maximum", schema.get("exclusiveMaximum", low + 101) - 1)
    if schema["type"] == "number":
        return round(low + (high - low) * (seed % 100) / 100, 2)
    return int(low) + seed % (max(int(high) - int(low), 0) + 1)
