"""What a task shows as evidence: stored values as facts, texts, lists, tables and sections.

It reads the stored text itself and builds no classes, so that the evidence of an old task
can be shown after its classes have changed or gone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from pydantic import BaseModel

from humantasks import plain
from humantasks.words import humanise
from orchestrator.core import codec
from orchestrator.core.errors import UndecodableValue

TAG = codec.TAG

# What is longer, or has lines, is a paragraph of its own.
LONG = 120
MAX_COLUMNS = 6
MAX_ITEMS = 50
MAX_DEPTH = 5


@dataclass(frozen=True, slots=True)
class Value:
    """One value as a person reads it. `moment` and `day` let the page write it their way."""

    text: str = ""
    kind: Literal["text", "number", "nothing", "moment", "day"] = "text"
    moment: datetime | None = None
    day: date | None = None

    @property
    def is_long(self) -> bool:
        return len(self.text) > LONG or "\n" in self.text


@dataclass(slots=True)
class Section:
    """Facts first, then what needs more room. `more` counts what is not shown."""

    title: str = ""
    depth: int = 0
    # A label, and one value or the items of a list.
    facts: list[tuple[str, list[Value]]] = field(default_factory=list)
    texts: list[tuple[str, Value]] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)
    more: int = 0

    @property
    def is_empty(self) -> bool:
        return not (self.facts or self.texts or self.tables or self.sections)

    @property
    def has_own(self) -> bool:
        """Whether there is something to show before its parts."""
        return bool(self.title or self.facts or self.texts or self.tables or self.more)


@dataclass(frozen=True, slots=True)
class Table:
    title: str
    columns: list[str]
    rows: list[list[Value]]
    more: int = 0


def of_text(text: str) -> Section:
    """The evidence in a stored value."""
    return of_value(json.loads(text))


def of_value(stored: Any, title: str = "") -> Section:
    """The evidence in a value as the codec packs it."""
    section = Section(title)
    fields = fields_of(stored)
    if fields is None:
        fields = [("", stored)]
    for label, value in fields:
        _add(section, label, value)
    return section


def _add(section: Section, label: str, stored: Any) -> None:
    fields = fields_of(stored)
    items = items_of(stored)
    if fields is not None and section.depth < MAX_DEPTH:
        section.sections.append(_section(label, fields, section.depth + 1))
    elif items is not None and section.depth < MAX_DEPTH:
        _add_items(section, label, items)
    else:
        value = value_of(stored)
        if value.is_long:
            section.texts.append((label, value))
        else:
            section.facts.append((label, [value]))


def _section(title: str, fields: Iterable[tuple[str, Any]], depth: int) -> Section:
    section = Section(title, depth)
    for label, value in fields:
        _add(section, label, value)
    return section


def _add_items(section: Section, label: str, items: Sequence[Any]) -> None:
    shown, more = items[:MAX_ITEMS], max(len(items) - MAX_ITEMS, 0)
    rows = [fields_of(item) for item in shown]
    if not items:
        section.facts.append((label, [Value(_("none"), "nothing")]))
    elif all(row is None and items_of(item) is None for row, item in zip(rows, shown, strict=True)):
        section.facts.append((label, [value_of(item) for item in shown]))
        section.more += more
    elif table := _table(label, rows, more):
        section.tables.append(table)
    else:
        for number, item in enumerate(shown, start=1):
            _add(section, f"{label} {number}", item)
        section.more += more


def _table(title: str, rows: Sequence[list[tuple[str, Any]] | None], more: int) -> Table | None:
    """The rows side by side, if they all have the same few simple columns."""
    columns = [label for label, _value in rows[0] or ()]
    if not columns or len(columns) > MAX_COLUMNS:
        return None
    cells = []
    for row in rows:
        if row is None or [label for label, _value in row] != columns:
            return None
        values = [value_of(stored) for _label, stored in row if _is_simple(stored)]
        if len(values) < len(columns) or any(value.is_long for value in values):
            return None
        cells.append(values)
    return Table(title, columns, cells, more)


def _is_simple(stored: Any) -> bool:
    return fields_of(stored) is None and items_of(stored) is None


# ---- the codec's packing -------------------------------------------------------------


def fields_of(stored: Any) -> list[tuple[str, Any]] | None:
    """Labels and values of a mapping, a dataclass or a model; None for anything else."""
    if not isinstance(stored, dict):
        return None
    match stored.get(TAG):
        case None:
            return [(_label("", str(key)), value) for key, value in stored.items()]
        case "dataclass" | "model":
            of_class = str(stored["c"])
            return [(_label(of_class, key), value) for key, value in stored["v"].items()]
        case "dict":
            return [(value_of(key).text, value) for key, value in stored["v"]]
    return None


def plain_of(stored: Any) -> Any:
    """A stored mapping, dataclass or model with its names as keys, and so on inside."""
    if not isinstance(stored, dict):
        return stored
    inner = stored["v"] if stored.get(TAG) in ("dataclass", "model") else stored
    return {key: plain_of(value) for key, value in inner.items()} if TAG not in inner else inner


def items_of(stored: Any) -> Sequence[Any] | None:
    """The items of a list, a tuple or a set; None for anything else."""
    if isinstance(stored, list):
        return stored
    if isinstance(stored, dict) and stored.get(TAG) in ("tuple", "set", "frozenset", "namedtuple"):
        items: list[Any] = stored["v"]
        return items
    return None


def _label(of_class: str, key: str) -> str:
    return plain.shown(_titles(of_class).get(key, "")) or humanise(key)


@lru_cache(maxsize=256)
def _titles(of_class: str) -> Mapping[str, str]:
    """What the author called the fields of a model, while the class is still there."""
    try:
        found = codec.find_class(of_class)
    except UndecodableValue:
        return {}
    if not issubclass(found, BaseModel):
        return {}
    return {key: str(info.title) for key, info in found.model_fields.items() if info.title}


def value_of(stored: Any) -> Value:
    """A stored value as a person reads it."""
    match stored:
        case None | "":
            return Value("\u2013", "nothing")
        case bool():
            return Value(_("Yes") if stored else _("No"))
        case int() | float():
            return Value(str(stored), "number")
        case str():
            return Value(stored)
        case {"$": tag, "v": packed}:
            return _tagged(str(tag), packed)
    # Deeper than anybody reads: as it is.
    return Value(json.dumps(stored, ensure_ascii=False))


def _tagged(tag: str, packed: Any) -> Value:
    read = _READERS.get(tag)
    return read(packed) if read else Value(json.dumps(packed, ensure_ascii=False))


def _bytes(packed: str) -> Value:
    # As base64, three bytes take four letters.
    return Value(_("%(count)s bytes") % {"count": len(packed) * 3 // 4})


_READERS: dict[str, Callable[[Any], Value]] = {
    "datetime": lambda text: Value(text, "moment", moment=datetime.fromisoformat(text)),
    "date": lambda text: Value(text, "day", day=date.fromisoformat(text)),
    "decimal": lambda text: Value(number_format(Decimal(text), force_grouping=True), "number"),
    "enum": lambda name: Value(humanise(name.lower())),
    "timedelta": lambda parts: Value(str(timedelta(*parts))),
    "bytes": _bytes,
    "bytearray": _bytes,
    "time": Value,
    "uuid": Value,
}
