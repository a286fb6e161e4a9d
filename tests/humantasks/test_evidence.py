"""What people see of a task's data. Needs no database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from uuid import UUID

import pytest
from pydantic import BaseModel, Field

from humantasks import evidence
from orchestrator.values import encode


class Mood(Enum):
    VERY_GOOD = 1


class Customer(BaseModel):
    full_name: str = Field(title="Name and surname")
    vat: str = ""


@dataclass
class Account:
    id: int
    owner: Customer


def shown(value):
    return evidence.of_text(encode(value))


def facts(section):
    return {label: [value.text for value in values] for label, values in section.facts}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "\u2013"),
        ("", "\u2013"),
        (True, "Yes"),
        (12345678901234567890, "12345678901234567890"),
        (Decimal("4200000.00"), "4,200,000.00"),
        (Mood.VERY_GOOD, "Very good"),
        (timedelta(hours=2), "2:00:00"),
        (b"abc", "3 bytes"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    ],
)
def test_a_value_is_written_for_people(value, text):
    assert facts(shown({"value": value})) == {"Value": [text]}


def test_instants_and_days_are_left_to_the_page():
    section = shown({"at": datetime(2026, 1, 5, 12, tzinfo=UTC), "on": date(2026, 1, 5)})

    [(_, [at]), (_, [on])] = section.facts
    assert (at.kind, at.moment) == ("moment", datetime(2026, 1, 5, 12, tzinfo=UTC))
    assert (on.kind, on.day) == ("day", date(2026, 1, 5))


def test_labels_are_the_authors_titles_or_the_names_in_words():
    section = shown({"bigCustomer": Customer(full_name="Ada"), "order_id": 7})

    assert facts(section) == {"Order id": ["7"]}
    [customer] = section.sections
    assert customer.title == "Big customer"
    assert facts(customer) == {"Name and surname": ["Ada"], "Vat": ["\u2013"]}


def test_nested_objects_become_sections_of_sections():
    section = shown({"account": Account(1, Customer(full_name="Ada"))})

    assert section.sections[0].sections[0].title == "Owner"


def test_evidence_can_be_shown_when_its_classes_have_gone():
    text = encode(Account(1, Customer(full_name="Ada"))).replace("test_evidence", "gone")

    section = evidence.of_text(text)

    assert facts(section) == {"Id": ["1"]}
    assert facts(section.sections[0])["Full name"] == ["Ada"]


def test_long_texts_have_a_paragraph_of_their_own():
    section = shown({"note": "a\nb", "essay": "x" * 200, "short": "y"})

    assert [label for label, _ in section.texts] == ["Note", "Essay"]
    assert facts(section) == {"Short": ["y"]}


def test_lists_are_lists_and_equal_rows_are_a_table():
    section = shown({"tags": ["a", "b"], "none": [], "rows": [{"a": 1, "b": 2}, {"a": 3, "b": 4}]})

    assert facts(section) == {"Tags": ["a", "b"], "None": ["none"]}
    [table] = section.tables
    assert (table.title, table.columns) == ("Rows", ["A", "B"])
    assert [[cell.text for cell in row] for row in table.rows] == [["1", "2"], ["3", "4"]]


def test_unequal_rows_are_numbered_sections():
    section = shown({"rows": [{"a": 1}, {"b": 2}]})

    assert [part.title for part in section.sections] == ["Rows 1", "Rows 2"]


def test_much_is_cut_and_says_so():
    section = shown({"many": list(range(80)), "rows": [{"a": n} for n in range(60)]})

    assert len(facts(section)["Many"]) == 50
    assert (section.more, section.tables[0].more) == (30, 10)


def test_what_is_nested_too_deep_is_text():
    deep: object = "end"
    for _ in range(20):
        deep = {"a": deep}

    assert "end" in str(shown(deep))


@pytest.mark.parametrize("value", [None, "text", 7, [], ["a"], {}, [{"a": 1}], {1: "int key"}])
def test_data_of_any_shape_can_be_shown(value):
    shown(value)
