"""The rows of a table that is judged row by row: which there are, and how they look."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from humantasks.evidence import TAG, Value, fields_of, items_of, plain_of, value_of
from humantasks.fields import Field
from humantasks.models import HumanTask


@dataclass(frozen=True, slots=True)
class Row:
    """One row: what names it in the answer, and a value for each column."""

    key: str
    cells: list[Value]


@dataclass(frozen=True, slots=True)
class Table:
    task: HumanTask
    columns: list[str]
    rows: list[Row]


def of_task(task: HumanTask, field: Field) -> Table:
    """The table that a field of the task's form judges; empty when the data has none."""
    items = _items(task, field)
    parts = [dict(fields_of(item) or [(_("Row"), item)]) for item in items]
    columns = list(dict.fromkeys(label for part in parts for label in part))
    keys = _keys(items, field)
    return Table(
        task,
        columns,
        [
            Row(key, [value_of(part.get(label)) for label in columns])
            for key, part in zip(keys, parts, strict=True)
        ],
    )


def keys_of(task: HumanTask, field: Field) -> list[str]:
    """What names each row."""
    return _keys(_items(task, field), field)


def without_tables(stored: Any, asked: Iterable[Field]) -> Any:
    """Stored data without the tables that a form shows row by row."""
    sources = {one.source for one in asked if one.kind == "rows"}
    if not sources or not isinstance(stored, dict):
        return stored
    if stored.get(TAG) in ("dataclass", "model"):
        return stored | {"v": _without(stored["v"], sources)}
    return _without(stored, sources)


def _without(parts: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: part for name, part in parts.items() if name not in names}


def _items(task: HumanTask, field: Field) -> Sequence[Any]:
    stored = json.loads(task.payload.data)
    if isinstance(stored, dict) and stored.get(TAG) in ("dataclass", "model"):
        stored = stored["v"]
    return items_of(stored.get(field.source)) or [] if isinstance(stored, dict) else []


def _keys(items: Sequence[Any], field: Field) -> list[str]:
    """By the field that names a row; by number where that is missing, or names two."""
    found = [plain_of(item) for item in items]
    named = [str(one.get(field.row_key, "")) if isinstance(one, Mapping) else "" for one in found]
    if all(named) and len(set(named)) == len(named):
        return named
    return [str(number) for number in range(1, len(items) + 1)]
