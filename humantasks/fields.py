"""A form's schema as a flat list of fields: what to ask, in which words, within which limits.

Forms are built from it and error messages take their labels from it, so both work for a
task whose class has changed or gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from humantasks.schema import LABELS, Resolver, Schema
from humantasks.words import humanise

Path = tuple[str, ...]
Kind = Literal[
    "text",
    "long_text",
    "editor",
    "email",
    "url",
    "boolean",
    "integer",
    "number",
    "date",
    "datetime",
    "time",
    "choice",
    "choices",
    "lines",
    "rows",
    "json",
]

# A model that holds itself has no end.
MAX_DEPTH = 4
# Longer texts get a box of several lines.
LONG_TEXT = 200

_FORMATS: dict[str, Kind] = {
    "date": "date",
    "date-time": "datetime",
    "time": "time",
    "email": "email",
    "uri": "url",
}


@dataclass(frozen=True, slots=True)
class Part:
    """A nested model that may be left empty. One with a default is then not sent at all."""

    path: Path
    has_default: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One thing that a reviewer fills in."""

    path: Path
    kind: Kind
    label: str
    help: str = ""
    required: bool = False
    nullable: bool = False
    default: Any = None
    # Each value as it is in JSON, and its words.
    choices: tuple[tuple[Any, str], ...] = ()
    max_length: int | None = None
    # Of an edited text: whether it is Markdown, which can be shown as it will look.
    is_markdown: bool = False
    # A field of a nested model: the label of that model, and the model if it is optional.
    group: str = ""
    part_of: Part | None = None
    # Of a field that is a verdict on each row of a table: the part of the data that is the
    # table, and what in a row names it; without that, its number does.
    source: str = ""
    row_key: str = ""

    @property
    def name(self) -> str:
        return ".".join(self.path)


def of_schema(schema: Schema | None) -> list[Field]:
    """The fields of a form's schema, in the order in which the author wrote them."""
    if schema is None:
        return []
    return list(_of_object(schema, Resolver(schema), (), group="", part_of=None))


def dig(nested: Any, path: Path) -> Any:
    """The value at a path; None where there is none."""
    for key in path:
        nested = nested.get(key) if isinstance(nested, Mapping) else None
    return nested


def _of_object(
    schema: Schema, resolver: Resolver, path: Path, *, group: str, part_of: Part | None
) -> Iterator[Field]:
    required = schema.get("required", ())
    for key, use in schema.get("properties", {}).items():
        inner, nullable = resolver.optional(use)
        here = (*path, key)
        label = inner.get("title") or humanise(key)
        if inner.get("type") == "object" and "properties" in inner and len(here) < MAX_DEPTH:
            has_default = key not in required
            part = Part(here, has_default) if nullable or has_default else None
            yield from _of_object(inner, resolver, here, group=label, part_of=part_of or part)
            continue
        yield replace(
            _of_value(inner, resolver, nullable=nullable),
            path=here,
            label=label,
            help=inner.get("description", ""),
            required=key in required and not nullable,
            nullable=nullable,
            default=inner.get("default"),
            group=group,
            part_of=part_of,
        )


def _of_value(schema: Schema, resolver: Resolver, *, nullable: bool) -> Field:
    if choices := _choices(schema):
        return _field("choice", choices=choices)
    arms = {arm.get("type"): arm for arm in schema.get("anyOf", ())}
    if set(arms) == {"number", "string"}:
        # How pydantic describes a Decimal.
        schema = arms["number"]
    if schema.get("type") == "boolean" and nullable:
        return _field("choice", choices=((True, "Yes"), (False, "No")))
    if schema.get("widget") == "rows" and schema.get("type") == "object":
        return _of_rows(schema, resolver)
    read = _READERS.get(schema.get("type", ""))
    return read(schema, resolver) if read else _field("json")


def _of_text(schema: Schema, _: Resolver) -> Field:
    max_length = schema.get("maxLength")
    kind: Kind = _FORMATS.get(schema.get("format", ""), "text")
    if (widget := schema.get("widget")) in ("editor", "markdown"):
        return _field("editor", max_length=max_length, is_markdown=widget == "markdown")
    is_long = schema.get("widget") == "textarea" or (max_length or 0) > LONG_TEXT
    if kind == "text" and is_long:
        kind = "long_text"
    return _field(kind, max_length=max_length)


def _of_list(schema: Schema, resolver: Resolver) -> Field:
    items = resolver.resolve(schema.get("items", {}))
    if choices := _choices(items):
        return _field("choices", choices=choices)
    if items.get("type") == "string":
        return _field("lines")
    return _field("json")


def _of_rows(schema: Schema, resolver: Resolver) -> Field:
    verdicts = _choices(resolver.resolve(schema.get("additionalProperties", {})))
    source, row_key = str(schema.get("rows", "rows")), str(schema.get("key", ""))
    return _field("rows", choices=verdicts, source=source, row_key=row_key)


def _choices(schema: Schema) -> tuple[tuple[Any, str], ...]:
    if schema.get("type") == "boolean":
        # Literal[True] is a box that must be ticked.
        return ()
    values = schema.get("enum") or ([schema["const"]] if "const" in schema else [])
    labels = schema.get(LABELS) or [
        humanise(one) if isinstance(one, str) else str(one) for one in values
    ]
    return tuple(zip(values, labels, strict=True))


def _of_number(schema: Schema, _: Resolver) -> Field:
    return _field("integer" if schema["type"] == "integer" else "number")


def _field(kind: Kind, **limits: Any) -> Field:
    return Field(path=(), kind=kind, label="", **limits)


_READERS: dict[str, Callable[[Schema, Resolver], Field]] = {
    "string": _of_text,
    "boolean": lambda _schema, _resolver: _field("boolean"),
    "integer": _of_number,
    "number": _of_number,
    "array": _of_list,
}
