"""What a JSON schema allows: its references, what fits it, and which part of it can end."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any
from uuid import UUID

from pydantic import AnyUrl, TypeAdapter, ValidationError

Node = Mapping[str, Any]

_ENDLESS = math.inf
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+\.[^@\s]+")

# What the text of a format may be read as. Other formats are not known by their text.
_READABLE: dict[str, TypeAdapter[Any]] = {
    name: TypeAdapter(kind)
    for name, kind in {
        "date": date,
        "date-time": datetime,
        "time": time,
        "duration": timedelta,
        "uuid": UUID,
        "uri": AnyUrl,
        "ipv4": IPv4Address,
        "ipv6": IPv6Address,
        "ipv4network": IPv4Network,
        "ipv6network": IPv6Network,
    }.items()
}
_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
    "null": type(None),
}


def kind_of(node: Node) -> str:
    """The JSON type; of several the first that is not null, of none what the rest says."""
    kind = node.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    if kind is None:
        kind = "object" if "properties" in node else "array" if "items" in node else ""
    return str(kind)


def options_of(node: Node) -> list[Node]:
    """The alternatives of a union, each with what stands beside them; [] of anything else."""
    for word in ("anyOf", "oneOf"):
        if options := node.get(word):
            beside = {name: item for name, item in node.items() if name != word}
            return [{**beside, **one} for one in options]
    return []


class Shapes:
    """A schema whose references can be followed."""

    def __init__(self, schema: Node) -> None:
        self._definitions: Mapping[str, Node] = schema.get("$defs", {})
        self._heights = dict.fromkeys(self._definitions, _ENDLESS)
        # Each round settles at least one more, or none will be any more.
        for _ in self._definitions:
            found = {name: self.height(node) for name, node in self._definitions.items()}
            if found == self._heights:
                break
            self._heights = found

    def resolved(self, node: Node) -> Node:
        """What a reference names, and the parts of an `allOf` as one."""
        while "$ref" in node or "allOf" in node:
            beside = {name: item for name, item in node.items() if name not in ("$ref", "allOf")}
            parts = [self.resolved(one) for one in node.get("allOf", ())]
            if name := reference(node):
                parts.append(self._definitions[name])
            merged: dict[str, Any] = {}
            for part in parts:
                merged |= part
            node = merged | beside
        return node

    def height(self, node: Node) -> float:
        """How deep the smallest value is; infinite when each value would hold another."""
        if "const" in node or "enum" in node:
            return 0
        if name := reference(node):
            return self._heights[name]
        if "allOf" in node:
            return max(self.height(one) for one in node["allOf"])
        if options := options_of(node):
            return min(self.height(one) for one in options)
        return max((1 + self.height(one) for one in _inevitable(node)), default=0)

    def fits(self, value: Any, node: Node) -> bool:
        """Whether `value` is one that the schema allows, as far as the stub knows schemas."""
        node = self.resolved(node)
        if options := options_of(node):
            return self._fits_one_of(value, options)
        if "const" in node:
            return bool(value == node["const"])
        if "enum" in node:
            return value in node["enum"]
        kind = kind_of(node)
        if not isinstance(value, _TYPES.get(kind, object)):
            return False
        if isinstance(value, bool):
            return kind in ("boolean", "")
        check = _CHECKS.get(kind)
        return check is None or check(self, value, node)

    def _fits_one_of(self, value: Any, options: list[Node]) -> bool:
        kinds = {kind_of(self.resolved(one)) for one in options}
        if kinds == {"number", "string"} and isinstance(value, str):
            # So a decimal is described, and not every text is one.
            return False
        return any(self.fits(value, one) for one in options)


def reference(node: Node) -> str:
    """The definition that a node refers to; "" if it does not."""
    return str(node.get("$ref", "")).rpartition("/")[2]


def _inevitable(node: Node) -> list[Node]:
    """The parts that every value has."""
    kind = kind_of(node)
    if kind == "object":
        fields = node.get("properties", {})
        parts = [fields[name] for name in node.get("required", ()) if name in fields]
        more = node.get("additionalProperties")
        return [*parts, more] if node.get("minProperties") and isinstance(more, Mapping) else parts
    if kind == "array":
        first = list(node.get("prefixItems", ()))
        rest = node.get("items")
        if isinstance(rest, Mapping) and node.get("minItems", 0) > len(first):
            return [*first, rest]
        return first
    return []


def _number_fits(_shapes: Shapes, value: Any, node: Node) -> bool:
    if not math.isfinite(value):
        return False
    exact = Fraction(str(value))
    return (
        value >= node.get("minimum", -_ENDLESS)
        and value > node.get("exclusiveMinimum", -_ENDLESS)
        and value <= node.get("maximum", _ENDLESS)
        and value < node.get("exclusiveMaximum", _ENDLESS)
        and exact % Fraction(str(node.get("multipleOf", exact or 1))) == 0
    )


def _string_fits(_shapes: Shapes, value: Any, node: Node) -> bool:
    if not node.get("minLength", 0) <= len(value) <= node.get("maxLength", _ENDLESS):
        return False
    if "contentMediaType" in node:
        return False
    try:
        if "pattern" in node and not re.search(node["pattern"], value):
            return False
        return "format" not in node or _has_format(value, node["format"])
    except re.error:
        return False


def _has_format(value: str, name: str) -> bool:
    if name == "email":
        return bool(_EMAIL.fullmatch(value))
    if name not in _READABLE:
        return False
    try:
        _READABLE[name].validate_json(json.dumps(value))
    except ValidationError:
        return False
    return True


def _array_fits(shapes: Shapes, value: Any, node: Node) -> bool:
    if not node.get("minItems", 0) <= len(value) <= node.get("maxItems", _ENDLESS):
        return False
    texts = {json.dumps(one, sort_keys=True) for one in value}
    if node.get("uniqueItems") and len(texts) < len(value):
        return False
    first, rest = node.get("prefixItems", ()), node.get("items", {})
    shared = zip(first, value, strict=False)
    return all(shapes.fits(one, part) for part, one in shared) and all(
        isinstance(rest, Mapping) and shapes.fits(one, rest) for one in value[len(first) :]
    )


def _object_fits(shapes: Shapes, value: Any, node: Node) -> bool:
    fields, more = node.get("properties", {}), node.get("additionalProperties", True)
    if not node.get("minProperties", 0) <= len(value) <= node.get("maxProperties", _ENDLESS):
        return False
    if any(name not in value for name in node.get("required", ())):
        return False
    # Names that have to look like something are nobody's by chance.
    if "patternProperties" in node or "propertyNames" in node:
        return False
    others = {name: one for name, one in value.items() if name not in fields}
    if others and more is False:
        return False
    return all(
        shapes.fits(value[name], part) for name, part in fields.items() if name in value
    ) and (not isinstance(more, Mapping) or all(shapes.fits(one, more) for one in others.values()))


_CHECKS = {
    "integer": _number_fits,
    "number": _number_fits,
    "string": _string_fits,
    "array": _array_fits,
    "object": _object_fits,
}
