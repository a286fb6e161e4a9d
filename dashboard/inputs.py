"""What a workflow takes, for a person who is to type it: an example, and its fields."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic.errors import PydanticInvalidForJsonSchema, PydanticUserError

from orchestrator.core.definition import Definition

MAX_DEPTH = 6

Schema = Mapping[str, Any]

_EMPTY: Mapping[str, Any] = {
    "string": "",
    "integer": 0,
    "number": 0,
    "boolean": False,
    "array": [],
    "null": None,
}


@dataclass(frozen=True)
class Field:
    """A field of the input, in words."""

    name: str
    type: str
    is_required: bool
    description: str


@dataclass(frozen=True)
class Expected:
    """What a workflow takes: a name for it, its fields, and an example as JSON."""

    type: str
    fields: Sequence[Field]
    example: str


def expected(definition: Definition) -> Expected | None:
    """What to type for this workflow; None when it takes no input."""
    if not definition.takes_input:
        return None
    schema = schema_of(definition)
    shown = json.dumps(_example(schema, schema, 0), indent=2, ensure_ascii=False)
    return Expected(type_word(schema, schema), fields(schema, schema), shown)


def schema_of(definition: Definition) -> dict[str, Any]:
    """The JSON schema of the input; an empty one when its type has none."""
    source: Any = definition.input_schema
    try:
        if source is None:
            return definition.input_adapter.json_schema()
        found: dict[str, Any] = source.model_json_schema()
    except (PydanticInvalidForJsonSchema, PydanticUserError, AttributeError):
        return {}
    return found


def fields(schema: Schema, root: Schema) -> list[Field]:
    """The fields of an object's schema, in words. `root` has the `$defs` that it refers to."""
    found = _resolved(schema, root)
    required = found.get("required", ())
    return [
        Field(name, type_word(field, root), name in required, field.get("description", ""))
        for name, field in found.get("properties", {}).items()
    ]


def type_word(schema: Schema, root: Schema) -> str:
    """A type in a word or two: `list of string`, `integer or null`, `red | green`."""
    found = _resolved(schema, root)
    if values := found.get("enum"):
        return " | ".join(str(value) for value in values)
    if options := found.get("anyOf") or found.get("oneOf"):
        return " or ".join(type_word(one, root) for one in options)
    if found.get("type") == "array":
        return f"list of {type_word(found.get('items', {}), root)}"
    name = found.get("title") if found.get("type") == "object" else found.get("format")
    return str(name or found.get("type") or "anything")


def _example(schema: Schema, root: Schema, depth: int) -> Any:
    """A value of the right shape, with the defaults of the author and nothing else in it."""
    found = _resolved(schema, root)
    if "default" in found:
        return found["default"]
    for choice in ("enum", "examples"):
        if found.get(choice):
            return found[choice][0]
    if options := found.get("anyOf") or found.get("oneOf"):
        return _example(options[0], root, depth)
    if found.get("type", "object") != "object":
        return _EMPTY.get(found["type"]) if isinstance(found["type"], str) else None
    if depth >= MAX_DEPTH:
        return {}
    fields: Mapping[str, Schema] = found.get("properties", {})
    return {name: _example(field, root, depth + 1) for name, field in fields.items()}


def _resolved(schema: Schema, root: Schema) -> Schema:
    """The schema that a reference leads to, with what stands beside the reference."""
    if "$ref" not in schema:
        return schema
    name = str(schema["$ref"]).rpartition("/")[2]
    target: Schema = root.get("$defs", {}).get(name, {})
    beside = {key: value for key, value in schema.items() if key != "$ref"}
    return {**target, **beside}
