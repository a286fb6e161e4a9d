"""A table that is judged row by row, as a field of a Django form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from humantasks import plain
from humantasks.fields import Field
from humantasks.rows import Table


class VerdictsWidget(forms.Widget):
    """A row of buttons beside each row of the table."""

    use_fieldset = True

    def __init__(self, table: Table, choices: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self.table = table
        self.choices = choices

    def names(self, name: str) -> list[str]:
        """What a browser calls the verdict of each row."""
        return [f"{name}:{number}" for number in range(len(self.table.rows))]

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> dict[str, str]:
        given = zip(self.table.rows, self.names(name), strict=True)
        return {row.key: data[each] for row, each in given if data.get(each)}

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        given = value if isinstance(value, Mapping) else {}
        lines = [
            {
                "name": each,
                "key": row.key,
                "cells": list(zip(self.table.columns, row.cells, strict=True)),
                "verdict": str(given.get(row.key, "")),
            }
            for row, each in zip(self.table.rows, self.names(name), strict=True)
        ]
        context = {
            "task": self.table.task,
            "name": name,
            "id": (attrs or {}).get("id", ""),
            "headings": self.table.headings,
            "lines": lines,
            "choices": self.choices,
            "decided": sum(1 for line in lines if line["verdict"]),
        }
        return render_to_string("humantasks/_rows.html", context)


class VerdictsField(forms.Field):
    """The verdict on each row, by what names the row. Whether all are there is said elsewhere."""

    widget: VerdictsWidget

    def __init__(self, field: Field, table: Table) -> None:
        self._known = {str(value): value for value, _label in field.choices}
        choices = [(str(value), plain.shown(label)) for value, label in field.choices]
        super().__init__(widget=VerdictsWidget(table, choices))

    def validate(self, value: Any) -> None:
        """Nothing: which rows are left is told by their names."""

    def to_python(self, value: Any) -> dict[str, Any]:
        """What is no verdict is left as it came, for the model to refuse."""
        return {key: self._known.get(text, text) for key, text in (value or {}).items()}
