"""The local stub: no network, the right shape, the same answer each time."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from ipaddress import IPv4Address, IPv6Network
from typing import Annotated, Any, Literal, NotRequired
from uuid import UUID

import pytest
from pydantic import UUID4, AnyUrl, Base64Bytes, BaseModel, Field, Json, TypeAdapter
from typing_extensions import TypedDict

from orchestrator import Context, workflow
from orchestrator.ai import Message, ModelRefused, Request, generate
from orchestrator.ai.messages import INPUT_HEADING
from orchestrator.ai.output import Output
from orchestrator.ai.stub import Stub


class Mood(Enum):
    CALM = "calm"
    BOLD = "bold"


class Part(BaseModel):
    heading: str = Field(max_length=30)
    score: Annotated[float, Field(ge=0, le=1)]


class Article(BaseModel):
    title: str = Field(min_length=3, max_length=80)
    audience: Literal["children", "adults"]
    mood: Mood
    parts: list[Part] = Field(min_length=3)
    length: int = Field(gt=10, lt=20)
    due: date
    note: str | None = None
    is_final: bool


def request(hint, *texts, tools=()):
    messages = tuple(Message("user", text) for text in texts)
    return Request(model="local", messages=messages, schema=Output(hint).schema, tools=tools)


def ask(*args, **options):
    return asyncio.run(Stub().ask(request(*args, **options)))


def test_it_answers_any_schema():
    reply = ask(Article, "Write.")

    assert Output(Article).read(reply.content).parts[2].heading


def test_the_same_request_has_the_same_answer_and_another_one_has_not():
    assert ask(Article, "Write.") == ask(Article, "Write.")
    assert ask(str, "Write of cats.") != ask(str, "Write of dogs.")


def test_it_takes_from_the_input_what_has_the_same_name():
    data = INPUT_HEADING + '{"brief": {"title": "Autumn", "audience": "adults"}}'

    article = Output(Article).read(ask(Article, "Write.", data).content)

    assert (article.title, article.audience) == ("Autumn", "adults")


@pytest.mark.parametrize("data", ['"Bees in the city"', '["Bees in the city"]'])
def test_it_writes_about_the_input_and_not_about_its_heading(data):
    text = ask(str, "Write.", INPUT_HEADING + data).content

    assert "Bees in the city" in text
    assert "not instructions" not in text


def test_text_says_where_it_comes_from():
    assert "no model was asked" in ask(str, "Write.").content


@pytest.mark.parametrize("hint", [int, list[int], dict[str, int], Literal["a"], Mood, bool])
def test_it_answers_types_that_are_no_objects(hint):
    value = Output(hint).read(ask(hint, "Say.").content)

    TypeAdapter(hint).validate_python(value)


class Tree(BaseModel):
    name: str
    kids: list[Tree]


class Chain(BaseModel):
    name: str
    following: Chain | None


class Endless(BaseModel):
    itself: Endless


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int = Field(ge=1, le=9)


class Dog(BaseModel):
    kind: Literal["dog"]


class Pets(BaseModel):
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]


class Row(TypedDict):
    amount: Annotated[Decimal, Field(gt=0)]
    code: NotRequired[str]


@dataclass
class Point:
    x: float
    names: set[str]


def bounded(kind, **limits):
    return Annotated[kind, Field(**limits)]


SHAPES = [
    *(Tree, Chain, Pets, Row, Point, list[Tree], Tree | None),
    *(bounded(int, multiple_of=7), bounded(int, gt=5, multiple_of=7, lt=15)),
    *(bounded(int, lt=0), bounded(int, le=-3), bounded(int, ge=3, lt=5), bounded(int, ge=10**12)),
    *(bounded(float, lt=-5), bounded(float, gt=0, lt=1), bounded(float, gt=2, lt=2.001)),
    *(bounded(float, multiple_of=0.25, gt=1), bounded(Decimal, ge=1, le=5, decimal_places=2)),
    *(bounded(str, pattern=r"^[A-Z]{2}\d{4}$"), bounded(str, pattern=r"^\d{4}(-\d{2}){2}$")),
    *(bounded(str, pattern="^[a-z]+$", min_length=40), bounded(str, pattern="a|b", max_length=1)),
    *(bounded(str, pattern=r"^(\w)[^a-z]\W.?$"), bounded(str, pattern="^[^\\s,]+,[a-f]{3}")),
    *(bounded(str, min_length=300), bounded(str, min_length=2, max_length=2)),
    *(tuple[int, str], tuple[int, ...], tuple[date, Mood, bool], tuple[()]),
    *(bounded(set[str], min_length=4), bounded(list[int], min_length=3, max_length=3)),
    *(bounded(set[Mood], min_length=2), bounded(frozenset[date], min_length=3)),
    *(dict[str, int], dict[int, Point], bounded(dict[str, int], min_length=3)),
    *(dict[Literal["a", "b"], int], bounded(dict[Mood, str], min_length=1)),
    *(datetime, time, timedelta, UUID, UUID4, AnyUrl, IPv4Address, IPv6Network),
    *(bytes, Base64Bytes, Json[list[int]], Any, None, int | str, Literal["x"] | None),
]


@pytest.mark.parametrize("hint", SHAPES, ids=str)
@pytest.mark.parametrize("topic", ["bees", "trees and their seasons"])
def test_its_values_fit(hint, topic):
    asked = request(hint, "Make one.", INPUT_HEADING + json.dumps({"topic": topic}))

    reply = asyncio.run(Stub().ask(asked))

    Output(hint).read(reply.content)


def test_what_holds_itself_comes_to_an_end():
    tree = Output(Tree).read(ask(Tree, "Plant.").content)

    assert tree.kids
    assert all(kid.kids == [] for kid in tree.kids)
    assert Output(Chain).read(ask(Chain, "Forge.").content).following.following is None


def test_a_type_without_an_end_is_refused():
    with pytest.raises(ModelRefused, match="without end"):
        ask(Endless, "Say.")


class Wide(BaseModel):
    """Each level has four of the next: a million at the tenth."""

    a: list[Wide]
    b: dict[str, Wide]
    c: Wide | None
    d: tuple[Wide | None, Wide | None]


def test_a_type_that_could_be_huge_is_answered_with_something_small():
    assert len(ask(Wide, "Say.").content) < 100_000


class Same(BaseModel):
    email: str = Field(pattern="@")
    score: int = Field(le=3)
    tags: list[str]
    due: date
    audience: Literal["children", "adults"]
    point: Row
    price: Annotated[Decimal, Field(ge=1, decimal_places=2)]
    digits: Json[list[int]]


@pytest.mark.parametrize(
    ("given", "is_taken"),
    [
        ({"email": "a@b"}, True),
        ({"email": "nobody"}, False),
        ({"score": 3}, True),
        ({"score": 99}, False),
        ({"score": True}, False),
        ({"tags": ["a"]}, True),
        ({"tags": [1, 2]}, False),
        ({"due": "2027-03-01"}, True),
        ({"due": "soon"}, False),
        ({"audience": "adults"}, True),
        ({"audience": "cats"}, False),
        ({"point": {"amount": 2}}, True),
        ({"point": {"amount": -2}}, False),
        ({"point": {"code": "x"}}, False),
        ({"price": 7}, True),
        ({"price": "a lot"}, False),
        ({"digits": "many"}, False),
    ],
)
def test_it_takes_from_the_input_only_what_fits(given, is_taken):
    reply = ask(Same, "Write.", INPUT_HEADING + json.dumps(given))

    Output(Same).read(reply.content)
    [(name, value)] = given.items()
    assert (json.loads(reply.content)[name] == value) == is_taken


def test_a_pattern_that_nothing_matches_is_said_to_be_wrong_by_the_type_itself(runs):
    @workflow(name="impossible")
    async def impossible(ctx: Context) -> str:
        return await generate(ctx, "code", prompt="Say.", output=bounded(str, pattern="^a\\bb$"))

    run = runs.start(impossible)

    assert run.status == "failed"
    assert "pattern" in run.error["message"]


def test_it_counts_something_like_tokens():
    usage = ask(str, "x" * 400).usage

    assert usage.input_tokens == 100
    assert usage.output_tokens > 10


def look_up(topic: str) -> str:
    return f"all about {topic}"


def test_it_is_the_default_and_an_agent_with_it_comes_to_an_end(runs):
    @workflow(name="stubbed")
    async def stubbed(ctx: Context) -> Article:
        return await generate(
            ctx,
            "article",
            prompt="Write.",
            input={"topic": "bees"},
            output=Article,
            type="agentic",
            tools=[look_up],
        )

    run = runs.start(stubbed)

    assert run.status == "completed"
    assert [step.key for step in run.steps] == ["article", "article: look_up", "article#2"]
    assert run.steps[0].details["ai"]["model"] == "stub:local"
