"""Values that fit a JSON schema, made up: the same schema and seed, the same value."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID

from orchestrator.ai.errors import ModelRefused
from orchestrator.ai.stub.patterns import matching
from orchestrator.ai.stub.prose import Prose
from orchestrator.ai.stub.shapes import Node, Shapes, kind_of, options_of, reference

# After so many parts a value is kept as small as its schema allows.
_ROOM = 2_000
_SHORT, _LONGEST = 200, 10_000
# How many values are tried for each that has to differ from the others.
_TRIES = 20
_DAY = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a value stands: the field that it is for, and the definitions that it is in."""

    name: str = ""
    # Grows where values have to differ.
    salt: int = 0
    inside: tuple[str, ...] = ()
    # It is inside of one like itself: it must come to an end.
    is_small: bool = False


class Inventor:
    """Makes up values for one schema. `given` is taken by name, where it fits."""

    def __init__(self, schema: Node, *, seed: int, given: Mapping[str, Any], prose: Prose) -> None:
        self._schema = schema
        self._shapes = Shapes(schema)
        self._seed = seed
        self._given = given
        self._prose = prose
        self._room = _ROOM

    def value(self) -> Any:
        """Raises ModelRefused when the schema has no value that ends."""
        if math.isinf(self._shapes.height(self._schema)):
            raise ModelRefused("each value of this type holds another one of it, without end")
        return self._value(self._schema, _Place())

    def _value(self, node: Node, place: _Place) -> Any:
        self._room -= 1
        if name := reference(node):
            is_small = place.is_small or name in place.inside or self._room < 0
            place = replace(place, inside=(*place.inside, name), is_small=is_small)
        node = self._shapes.resolved(node)
        given = self._given.get(place.name)
        if given is not None and not place.salt and self._shapes.fits(given, node):
            return given
        if "const" in node:
            return node["const"]
        if "enum" in node:
            return node["enum"][(self._seed + place.salt) % len(node["enum"])]
        if node.get("default") is not None and self._shapes.fits(node["default"], node):
            return node["default"]
        if options := options_of(node):
            return self._value(self._choice(options, place), place)
        make = _MAKERS.get(kind_of(node))
        return None if make is None else make(self, node, place)

    def _choice(self, options: list[Node], place: _Place) -> Node:
        heights = [self._shapes.height(one) for one in options]
        if place.is_small:
            return options[heights.index(min(heights))]
        ending = [one for one, height in zip(options, heights, strict=True) if height < math.inf]
        return next((one for one in ending if kind_of(one) != "null"), ending[0])

    # ---- objects and arrays ------------------------------------------------------------

    def _object(self, node: Node, place: _Place) -> dict[str, Any]:
        required = node.get("required", ())
        made = {
            name: self._value(field, replace(place, name=name))
            for name, field in node.get("properties", {}).items()
            if name in required or self._is_wanted(field, place)
        }
        for salt in range(_TRIES * node.get("minProperties", 0)):
            if len(made) >= node["minProperties"]:
                break
            name, field = self._free_field(node, salt)
            made[name] = self._value(field, replace(place, name=name, salt=salt))
        return made

    def _is_wanted(self, part: Node, place: _Place) -> bool:
        return not place.is_small and self._shapes.height(part) < math.inf

    def _free_field(self, node: Node, salt: int) -> tuple[str, Node]:
        """A field that the schema does not name. A number is text, and a number too."""
        for pattern, field in node.get("patternProperties", {}).items():
            return str(self._string({"pattern": pattern}, _Place(salt=salt))), field
        more, names = node.get("additionalProperties"), node.get("propertyNames")
        field = more if isinstance(more, Mapping) else {"type": "string"}
        if names is None:
            return str(salt + 1), field
        return str(self._value({"type": "string", **names}, _Place(salt=salt))), field

    def _array(self, node: Node, place: _Place) -> list[Any]:
        first, rest = node.get("prefixItems", []), node.get("items", {})
        made = [self._value(part, place) for part in first]
        if not isinstance(rest, Mapping) or ("items" not in node and first):
            return made
        wanted = min(2, node.get("maxItems", 2)) if self._is_wanted(rest, place) else 0
        wanted = max(wanted, node.get("minItems", 0))
        for salt in range(_TRIES * wanted):
            if len(made) >= wanted:
                break
            one = self._value(rest, replace(place, salt=place.salt + salt))
            if not (node.get("uniqueItems") and one in made):
                made.append(one)
        return made

    # ---- numbers and text --------------------------------------------------------------

    def _number(self, node: Node, place: _Place) -> int | float:
        chosen = self._seed + place.salt
        step = Fraction(str(node.get("multipleOf", 1)))
        if kind_of(node) == "integer":
            step = Fraction(step.numerator)
        low, high = _bounds(node, step)
        if kind_of(node) == "integer" or "multipleOf" in node:
            first = math.ceil(low / step) + _is_excluded(
                node, "Minimum", math.ceil(low / step) * step
            )
            last = math.floor(high / step) - _is_excluded(
                node, "Maximum", math.floor(high / step) * step
            )
            exact = (first + chosen % max(last - first + 1, 1)) * step
        else:
            # Inside of the bounds, whether they count or not.
            exact = low + (high - low) * (1 + chosen % 99) / 100
        return int(exact) if exact.denominator == 1 else float(exact)

    def _string(self, node: Node, place: _Place) -> str:
        if make := _FORMATS.get(node.get("format", "")):
            return make(place.salt)
        if node.get("contentMediaType") == "application/json":
            return json.dumps(self._value(node.get("contentSchema", {}), place))
        shortest, longest = node.get("minLength", 0), node.get("maxLength", _LONGEST)
        if pattern := node.get("pattern"):
            seed = self._seed + place.salt
            found = matching(pattern, shortest=shortest, longest=longest, seed=seed)
            if found is not None:
                return found
        is_short = longest < _SHORT or any(
            one in place.name for one in ("title", "name", "subject")
        )
        text = self._prose.topic.capitalize() if is_short else self._prose.text(3)
        number = str(place.salt + 1) if place.salt else ""
        return text.ljust(shortest, ".")[: longest - len(number)] + number


def _bounds(node: Node, step: Fraction) -> tuple[Fraction, Fraction]:
    """The least and the greatest, a hundred steps apart where the schema leaves it open."""
    least = [node[name] for name in ("minimum", "exclusiveMinimum") if name in node]
    most = [node[name] for name in ("maximum", "exclusiveMaximum") if name in node]
    low = max((Fraction(str(one)) for one in least), default=None)
    high = min((Fraction(str(one)) for one in most), default=None)
    if low is None:
        low = Fraction(0) if high is None or high > 0 else high - 100 * step
    return low, low + 100 * step if high is None else high


def _is_excluded(node: Node, bound: str, value: Fraction) -> bool:
    limit = node.get(f"exclusive{bound}")
    return limit is not None and Fraction(str(limit)) == value


_FORMATS: dict[str, Callable[[int], str]] = {
    "date": lambda salt: (_DAY + timedelta(days=salt)).date().isoformat(),
    "date-time": lambda salt: f"{_DAY + timedelta(hours=salt):%Y-%m-%dT%H:%M:%SZ}",
    "time": lambda salt: f"{_DAY + timedelta(minutes=salt):%H:%M:%S}",
    "duration": lambda salt: f"PT{1 + salt}H",
    "email": lambda salt: f"stub{salt or ''}@example.com",
    "uri": lambda salt: f"https://example.com/{salt or ''}",
    "uuid": lambda salt: str(UUID(int=salt, version=4)),
    "base64": lambda _: "c3R1Yg==",
    "base64url": lambda _: "c3R1Yg==",
    "ipv4": lambda salt: f"192.0.2.{1 + salt % 254}",
    "ipv6": lambda salt: f"2001:db8::{1 + salt:x}",
    "ipv4network": lambda salt: f"192.0.2.{salt % 256}/32",
    "ipv6network": lambda salt: f"2001:db8::{salt:x}/128",
    "ipvanyaddress": lambda salt: f"192.0.2.{1 + salt % 254}",
    "ipvanyinterface": lambda salt: f"192.0.2.{1 + salt % 254}/24",
    "ipvanynetwork": lambda salt: f"192.0.2.{salt % 256}/32",
} | {
    f"uuid{version}": lambda salt, version=version: str(UUID(int=salt, version=version))
    for version in range(1, 6)
}
_MAKERS: dict[str, Callable[[Inventor, Node, _Place], Any]] = {
    "object": Inventor._object,
    "array": Inventor._array,
    "integer": Inventor._number,
    "number": Inventor._number,
    "boolean": lambda *_: True,
    "string": Inventor._string,
    "": Inventor._string,
}
