"""The rows of a table that is judged row by row: which there are, and how they look."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from humantasks.evidence import TAG, Value, fields_of, items_of, plain_of, value_of
from humantasks.fields import Field, dig
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

    @property
    def headings(self) -> list[tuple[str, bool]]:
        """Each column, and whether it holds nothing but numbers."""
        cells = zip(*(row.cells for row in self.rows), strict=True)
        return [
            (column, all(cell.kind == "number" for cell in column_cells))
            for column, column_cells in zip(self.columns, cells, strict=True)
        ]


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


@dataclass(frozen=True, slots=True)
class Judged:
    """A table after it was judged: each row with the word for its verdict."""

    title: str
    headings: list[tuple[str, bool]]
    rows: list[tuple[list[Value], str]]


def judged(task: HumanTask, asked: Iterable[Field], answer: Any) -> list[Judged]:
    """The tables that an answer has judged, for those fields that did."""
    found = []
    for field in asked:
        verdicts = dig(answer, field.path) if field.kind == "rows" else None
        if isinstance(verdicts, Mapping):
            table, words = of_task(task, field), {str(one): label for one, label in field.choices}
            given = [
                (row.cells, words.get(str(verdict), str(verdict)))
                for row in table.rows
                if (verdict := verdicts.get(row.key)) is not None
            ]
            found.append(Judged(field.label, table.headings, given))
    return found


def keys_of(task: HumanTask, field: Field) -> list[str]:
    """What names each row."""
    return _keys(_items(task, field), field)


def without_tables(stored: Any, asked: Iterable[Field]) -> Any:
    """Stored data without the tables that a form shows row by row."""
    return without(stored, {one.source for one in asked if one.kind == "rows"})


def without(stored: Any, names: set[str]) -> Any:
    """Stored data without some of its parts."""
    if not names or not isinstance(stored, dict):
        return stored
    if stored.get(TAG) in ("dataclass", "model"):
        return stored | {"v": without(stored["v"], names)}
    return {name: part for name, part in stored.items() if name not in names}


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
