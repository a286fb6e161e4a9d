"""Classes that values are made of. They live here because a stored value names its class."""

from __future__ import annotations

from dataclasses import KW_ONLY, InitVar, dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import Enum, Flag, IntEnum, IntFlag, StrEnum, auto
from typing import Annotated, Any, ClassVar, Generic, NamedTuple, TypedDict, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, RootModel
from pydantic.alias_generators import to_camel
from pydantic.dataclasses import dataclass as pydantic_dataclass

T = TypeVar("T")


# ---- enums ---------------------------------------------------------------------------


class Plan(Enum):
    FREE = 1j  # found again by its name: its value could not be stored
    PAID = ("a", "tuple")
    PREMIUM = PAID


class Colour(StrEnum):
    RED = "red"


class Level(IntEnum):
    HIGH = 3


class OldStyle(str, Enum):  # noqa: UP042 - as it was written before 3.11
    ONE = "one"


class Right(Flag):
    READ = auto()
    WRITE = auto()


class Mode(IntFlag):
    A = 1
    B = 2


# ---- tuples and dictionaries ---------------------------------------------------------


class Point(NamedTuple):
    x: int
    y: float = 0.5


class Picky(NamedTuple("Picky", [("a", int)])):
    """Its constructor takes something else than its fields."""

    def __new__(cls, text: str) -> Picky:
        return super().__new__(cls, int(text))


class Order(TypedDict, total=False):
    id: int
    lines: list[str]


# ---- dataclasses ---------------------------------------------------------------------


@dataclass
class Address:
    street: str
    city: str = "Berlin"
    kinds: ClassVar[int] = 3


@dataclass
class Company(Address):
    vat: Decimal = Decimal(19)
    staff: list[Address] = field(default_factory=list)


@dataclass(frozen=True)
class Frozen:
    when: datetime
    tags: frozenset[str] = frozenset()


@dataclass(slots=True)
class Slotted:
    a: int
    b: str = "b"


@dataclass(frozen=True, slots=True, kw_only=True)
class Strict:
    a: int


@dataclass
class Computed:
    a: int
    double: int = field(init=False)
    _: KW_ONLY
    c: str = "c"

    def __post_init__(self) -> None:
        self.double = self.a * 2


@dataclass
class Counting:
    """Its `__post_init__` does something else each time."""

    a: int

    def __post_init__(self) -> None:
        self.a += 1


@dataclass
class Needy:
    """Built from something that it does not keep."""

    a: int
    rate: InitVar[int]

    def __post_init__(self, rate: int) -> None:
        self.a *= rate


@dataclass(slots=True)
class HalfBuilt:
    a: int
    later: int = field(init=False)


@dataclass
class Guarded:
    a: int

    def __post_init__(self) -> None:
        if self.a < 0:
            raise RuntimeError("the domain says no")


@dataclass
class Pair(Generic[T]):
    left: T
    right: T


@pydantic_dataclass
class Checked:
    a: int


class Outer:
    @dataclass
    class Inner:
        a: int


# ---- pydantic models -----------------------------------------------------------------


class Money(BaseModel):
    amount: Decimal
    currency: str = "EUR"


class Invoice(BaseModel):
    number: int
    total: Money
    lines: list[Money] = []
    issued: datetime | None = None


class CreditNote(Invoice):
    corrects: int


class Camel(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)

    first_name: str
    last_name: str = Field(default="", alias="family")


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")

    a: int = 1


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    a: int
    b: Annotated[int, Field(gt=0)] = 1


class Numbers(RootModel[list[int]]):
    pass


class Shelf(RootModel[dict[str, Any]]):
    pass


class Box(BaseModel, Generic[T]):
    item: T


IntBox = Box[int]


class Secretive(BaseModel):
    a: int
    _cache: list[int] = PrivateAttr(default_factory=list)


def must_not_be_past(value: datetime) -> datetime:
    if Upcoming.is_past:
        raise ValueError("must be in the future")
    return value


class Upcoming(BaseModel):
    """Valid today. Not so when a run wakes up in a month."""

    is_past: ClassVar[bool] = False
    due: Annotated[datetime, BeforeValidator(must_not_be_past)]


class Hashing(BaseModel):
    """Its validator changes what it gets, each time."""

    password: Annotated[str, BeforeValidator(lambda value: f"hash({value})")]


class Loose(BaseModel):
    """Assignments are not validated, as is pydantic's default."""

    a: int


class Gone(BaseModel):
    a: int


# ---- others --------------------------------------------------------------------------


class Masked(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "***"


class Handle:
    """What cannot be stored."""
