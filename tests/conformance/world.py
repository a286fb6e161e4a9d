"""What workflows of these tests handle: an effect in the world, and values of all kinds."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Any

from pydantic import BaseModel

from orchestrator import Context, Retry, Workflow, workflow
from orchestrator.core.definition import registry

ONCE = Retry(max_attempts=1)
AT_ONCE = Retry(max_attempts=3, initial_delay=0)


class Effect:
    """Something that is done in the world: it remembers its calls and returns its argument."""

    def __init__(self) -> None:
        self.calls: list[Any] = []

    def __call__(self, value: Any = None) -> Any:
        self.calls.append(value)
        return value


class Deployed:
    """A workflow whose code a test replaces while runs of it wait, as a deploy does."""

    def __init__(self, code: Callable[[Context], Awaitable[Any]]) -> None:
        self.code = code

    @property
    def code(self) -> Callable[[Context], Awaitable[Any]]:
        return self._code

    @code.setter
    def code(self, code: Callable[[Context], Awaitable[Any]]) -> None:
        # Another process would have the new code alone.
        registry._by_name.pop("deployed", None)
        self._code = code
        self.workflow: Workflow[None, Any] = workflow(name="deployed")(code)


class Colour(Enum):
    RED = "red"


class Level(IntEnum):
    LOW = 1


Point = namedtuple("Point", "x y")


@dataclass
class Line:
    sku: str
    price: Decimal
    tags: set[str] = field(default_factory=set)


class Order(BaseModel):
    number: int
    customer: str = "nobody"


class CardDeclined(Exception):
    """Built of its arguments, as most errors are."""


class QuotaError(Exception):
    """Built of other arguments than it keeps, and with an attribute."""

    def __init__(self, service: str, limit: int) -> None:
        super().__init__(f"{service} allows {limit}")
        self.limit = limit
