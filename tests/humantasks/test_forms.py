"""From a pydantic model to a form in a browser, and back. Needs no database."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import IntEnum
from typing import Annotated, Literal

import pytest
from django.db import models
from django.http import QueryDict
from django.utils import translation
from pydantic import BaseModel, Field, field_validator, model_validator

from humantasks import definitions, questions
from humantasks.forms import DecisionForm
from humantasks.models import HumanTask


class Colour(models.TextChoices):
    RED = "red", "Deep red"
    BLUE = "blue", "Sky blue"


class Level(IntEnum):
    ONE = 1
    TWO = 2


class Address(BaseModel):
    street: str = Field(max_length=20)
    number: int | None = None


class Everything(BaseModel):
    """One field of each kind."""

    text: str = Field(title="A text", description="Short, please.", max_length=10)
    long: str = Field("", json_schema_extra={"widget": "textarea"})
    yes: bool = False
    confirmed: Literal[True] = Field(title="I am sure")
    maybe: bool | None = None
    whole: int = Field(3, ge=1, le=5)
    real: float | None = None
    money: Decimal = Field(Decimal("1.50"), ge=0, decimal_places=2)
    day: date
    moment: datetime | None = None
    colour: Colour = Colour.RED
    level: Level | None = None
    size: Literal["s", "m", "l", "xl", "xxl", "huge"] = "m"
    tags: list[Literal["new", "old"]] = []
    lines: list[str] = []
    home: Address
    work: Address | None = None

    @field_validator("text")
    @classmethod
    def no_shouting(cls, text: str) -> str:
        if text.isupper():
            raise ValueError("Please do not shout")
        return text

    @model_validator(mode="after")
    def blue_is_level_two(self) -> Everything:
        if self.colour == Colour.BLUE and self.level == Level.ONE:
            raise ValueError("Blue needs level 2")
        return self


def task_with(model: type[BaseModel] | None, **outcomes: object) -> HumanTask:
    return HumanTask(schema=questions.stored_schema(definitions.HumanTaskType, model, None))


def sent(task: HumanTask, **fields: object) -> DecisionForm:
    """The form as a browser sends it; `a__b` stands for a field of a nested model."""
    data = QueryDict(mutable=True)
    for name, value in fields.items():
        texts = value if isinstance(value, list) else [value]
        key = name if name == "comment" else f"data.{name.replace('__', '.')}"
        data.setlist(key, [str(text) for text in texts])
    return DecisionForm(task, data)


FILLED = {
    "text": "hello",
    "confirmed": "on",
    "day": "2026-01-31",
    "home__street": "High Street",
}


@pytest.fixture
def everything():
    return task_with(Everything)


def errors_of(form, outcome="approve"):
    form.check(outcome)
    return {name: list(found) for name, found in form.errors.items()}


def test_what_is_needed_is_enough(everything):
    form = sent(everything, **FILLED)

    assert errors_of(form) == {}
    assert Everything.model_validate(form.values()) == Everything(
        text="hello",
        confirmed=True,
        day=date(2026, 1, 31),
        home=Address(street="High Street"),
        whole=3,
        tags=[],
    )


def test_every_kind_of_field_comes_back_as_its_type(everything):
    form = sent(
        everything,
        **FILLED,
        long="one\r\ntwo",
        yes="on",
        maybe="False",
        whole="5",
        real="0.25",
        money="1,234.50",
        moment="2026-01-31T14:30",
        colour="blue",
        level="2",
        size="huge",
        tags=["new", "old"],
        lines="first\r\n\r\n second ",
        home__number="7",
        work__street="Low Street",
    )

    assert errors_of(form) == {}
    found = Everything.model_validate(form.values())
    assert found.long == "one\ntwo"
    assert (found.yes, found.maybe, found.whole, found.real) == (True, False, 5, 0.25)
    assert found.money == Decimal("1234.50")
    assert found.moment == datetime(2026, 1, 31, 14, 30, tzinfo=UTC)
    assert (found.colour, found.level, found.size) == (Colour.BLUE, Level.TWO, "huge")
    assert (found.tags, found.lines) == (["new", "old"], ["first", "second"])
    assert (found.home.number, found.work) == (7, Address(street="Low Street"))


def test_an_empty_form_says_what_to_do_about_each_field(everything):
    assert errors_of(sent(everything)) == {
        "data.text": ["Fill this in"],
        "data.confirmed": ["Tick this box"],
        "data.day": ["Fill this in"],
        "data.home.street": ["Fill this in"],
    }


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("text", "much too long", "Write at most 10 characters"),
        ("text", "SHOUT", "Please do not shout"),
        ("whole", "9", "Must be 5 or less"),
        ("whole", "0", "Must be 1 or more"),
        ("whole", "2.5", "Write a whole number"),
        ("whole", "1e3", "Write a whole number"),
        ("real", "many", "Write a number"),
        ("real", "nan", "Write a number"),
        ("money", "1.555", "Write at most 2 digits after the decimal point"),
        ("money", "-1", "Must be 0 or more"),
        ("day", "tomorrow", "Write a date, such as 2026-01-31"),
        ("moment", "soon", "Write a date and a time, such as 2026-01-31 14:30"),
        ("home__street", "x" * 21, "Write at most 20 characters"),
        ("work__number", "4", None),
    ],
)
def test_a_wrong_value_is_told_beside_its_field(everything, name, value, message):
    found = errors_of(sent(everything, **FILLED | {name: value}))

    if name == "work__number":
        # A part that is begun must be whole.
        name, message = "work__street", "Fill this in"
    assert found == {f"data.{name.replace('__', '.')}": [message]}


def test_all_that_is_wrong_is_told_at_once(everything):
    found = errors_of(sent(everything, **FILLED | {"day": "?", "whole": "9", "money": "-1"}))

    assert set(found) == {"data.day", "data.whole", "data.money"}


def test_what_no_field_is_to_blame_for_stands_above_the_form(everything):
    found = errors_of(sent(everything, **FILLED, colour="blue", level="1"))

    assert found == {"__all__": ["Blue needs level 2"]}


def test_a_choice_that_was_not_offered_is_refused(everything):
    found = errors_of(sent(everything, **FILLED, colour="green"))

    assert list(found) == ["data.colour"]


def test_rejecting_needs_a_comment_and_nothing_of_the_form(everything):
    assert errors_of(sent(everything, day="?"), "reject") == {
        "comment": ["Write a comment: why “Reject”?"]
    }
    assert errors_of(sent(everything, day="?", comment="No."), "reject") == {}


def test_a_decision_must_be_chosen(everything):
    assert errors_of(sent(everything, **FILLED), "") == {"__all__": ["Choose how to decide"]}


@pytest.mark.parametrize(
    ("language", "text", "value"),
    [
        ("en", "1,234.50", "1234.50"),
        ("en", "1234.5", "1234.5"),
        ("en", " 1 234 ", "1234"),
        ("de", "1.234,50", "1234.50"),
        ("de", "1234,5", "1234.5"),
        ("de", "1.234", "1234"),
        ("de", "12.50", "12.50"),
    ],
)
def test_a_number_is_read_as_the_readers_language_writes_it(everything, language, text, value):
    with translation.override(language):
        form = sent(everything, **FILLED, money=text)
        form.full_clean()

    assert form.values()["money"] == value


def test_defaults_are_filled_in(everything):
    form = DecisionForm(everything)

    assert form["data.whole"].value() == "3"
    assert 'value="1.50"' in str(form["data.money"])
    assert 'value="red" required' not in str(form["data.colour"])
    assert form["data.colour"].value() == "red"


def test_only_what_may_be_left_open_offers_no_answer(everything):
    form = DecisionForm(everything)

    assert [value for value, _ in form.fields["data.colour"].choices] == ["red", "blue"]
    assert [value for value, _ in form.fields["data.maybe"].choices] == ["", "True", "False"]
    assert next(iter(form.fields["data.size"].choices)) == ("s", "S")


def test_labels_hints_and_groups_are_the_authors(everything):
    form = DecisionForm(everything)

    assert [group.legend for group in form.groups] == ["", "Home", "Work"]
    assert (form["data.text"].label, form["data.text"].help_text) == ("A text", "Short, please.")
    assert ("blue", "Sky blue") in form.fields["data.colour"].choices
    assert form.fields["data.text"].required
    assert not form.fields["data.work.street"].required


def test_a_draft_shows_what_was_typed_right_or_wrong(everything):
    typed = sent(everything, text="hel", whole="many", tags=["old"], yes="on").typed

    form = DecisionForm(everything, draft=json.loads(json.dumps(typed)))

    assert form["data.text"].value() == "hel"
    assert form["data.whole"].value() == "many"
    assert form["data.tags"].value() == ["old"]
    assert form["data.yes"].value() is True
    assert not form.errors


def test_a_draft_is_described_in_the_words_of_the_form(everything):
    form = sent(everything, text="hel", colour="blue", yes="on", comment="later")

    assert form.describe(form.typed) == [
        ("A text", "hel"),
        ("Yes", "Yes"),
        ("Colour", "Sky blue"),
        ("Comment", "later"),
    ]


def test_a_task_whose_class_has_gone_still_has_its_form(everything):
    stored = json.loads(everything.schema)
    stored["form_class"] = "gone:Everything"
    task = HumanTask(schema=json.dumps(stored))

    assert errors_of(sent(task, **FILLED)) == {}
    assert errors_of(sent(task, **FILLED | {"day": "?"})) == {
        "data.day": ["Write a date, such as 2026-01-31"]
    }


def test_a_task_without_a_form_asks_for_a_comment_only():
    form = sent(task_with(None), comment="fine")

    assert errors_of(form) == {}
    assert (form.groups, form.values(), form.comment_text) == ([], {}, "fine")


class Odd(BaseModel):
    """What no form field is made for."""

    pairs: dict[str, int] = {}
    either: int | str = 3
    parts: list[Address] = []
    named: Annotated[int, Field(alias="Number")] = 1


def test_what_has_no_field_of_its_own_is_written_as_json():
    form = sent(task_with(Odd), pairs='{"a": 1}', parts='[{"street": "x"}]', Number="4")

    assert errors_of(form) == {}
    found = Odd.model_validate(form.values())
    assert (found.pairs, found.parts, found.named) == ({"a": 1}, [Address(street="x")], 4)


def test_a_model_that_holds_itself_ends():
    assert DecisionForm(task_with(Tree)).fields


class Tree(BaseModel):
    name: str
    child: Tree | None = None
