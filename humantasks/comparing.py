"""What somebody declared beside what was extracted from their papers, field by field."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from humantasks import rows
from humantasks.evidence import Value, fields_of, value_of

# The two parts of the data that are laid side by side.
DECLARED = "Declared"
EXTRACTED = "Extracted"

Match = Literal["same", "differs", "missing"]


@dataclass(frozen=True, slots=True)
class Row:
    """One field on both sides."""

    label: str
    declared: Value
    extracted: Value
    match: Match


def of_text(text: str) -> list[Row]:
    """The rows of stored data that has a `declared` and an `extracted` part; else none."""
    parts = dict(fields_of(json.loads(text)) or ())
    declared, extracted = (fields_of(parts.get(name)) for name in (DECLARED, EXTRACTED))
    if declared is None or extracted is None:
        return []
    left, right = dict(declared), dict(extracted)
    return [_row(label, left.get(label), right.get(label)) for label in {**left, **right}]


def without_both(stored: Any) -> Any:
    """Stored data without the two parts that are laid side by side."""
    return rows.without(stored, {DECLARED.lower(), EXTRACTED.lower()})


def count_differences(rows: list[Row]) -> int:
    return sum(row.match != "same" for row in rows)


def _row(label: str, declared: Any, extracted: Any) -> Row:
    left, right = value_of(declared), value_of(extracted)
    match: Match = "same" if _plain(left) == _plain(right) else "differs"
    if "nothing" in (left.kind, right.kind) and match == "differs":
        match = "missing"
    return Row(label, left, right, match)


def _plain(value: Value) -> str:
    """Letters in capitals and spaces make no difference."""
    return " ".join(value.text.casefold().split())
