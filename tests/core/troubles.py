"""Errors as authors write them. They live here because a stored failure names its class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn


class Plain(Exception):
    pass


class Worded(Exception):
    """Makes its message of its arguments."""

    def __init__(self, order: int) -> None:
        super().__init__(f"order {order} is gone")
        self.order = order


class Two(Exception):
    """Takes two arguments, and keeps one."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text


class KeywordOnly(Exception):
    """As httpx.HTTPStatusError: `raise KeywordOnly("declined", code=5)`."""

    def __init__(self, message: str, *, code: int) -> None:
        super().__init__(message)
        self.code = code


class Said(Exception):
    """Keeps no arguments; its `str` is made of attributes."""

    def __init__(self, *, amount: int) -> None:
        self.amount = amount

    def __str__(self) -> str:
        return f"declined: {self.amount}"


@dataclass
class Coded(Exception):
    code: int
    text: str = ""


@dataclass(frozen=True)
class FrozenCoded(Exception):
    code: int


class Stubborn(Exception):
    """Lets nobody set an attribute."""

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(name)


class Final(Exception):
    """Will not be inherited, and says so in its own way."""

    def __init_subclass__(cls, **options: Any) -> None:
        raise LookupError("this class is final")


class Taken(Exception):
    """Has attributes that are called like those of StepFailed."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.attempts = 99

    @property
    def message(self) -> str:
        return f"shown: {self.args[0]}"


class Speechless(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


class Mumbling(Exception):
    def __str__(self) -> Any:
        return 5  # noqa: PLE0307


class Expensive(Exception):
    """Builds a part of the world that is not there on a replay."""

    is_there = True

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        if not self.is_there:
            raise ConnectionError("the service is down")


class Outer:
    class Nested(Exception):
        pass


class Weird(BaseException):
    pass
