"""From bytes to values and back: what JSON the API takes, and how it writes it."""

from __future__ import annotations

import json
import math
from typing import Any

from django.http import HttpRequest
from ninja.parser import Parser
from ninja.renderers import BaseRenderer
from pydantic_core import to_json

from dashboard.api.problems import MALFORMED, MEDIA
from orchestrator.rest import Problem, invalid

MAX_DEPTH = 32
MAX_VALUES = 10_000
MAX_INTEGER = 2**63

Path = tuple[str | int, ...]


class JsonParser(Parser):
    """JSON that every database and every other reader can hold.

    Numbers are finite and integers fit 64 bits; texts hold no NUL and no half of a
    surrogate pair; no name occurs twice in an object; depth and size are bounded.
    """

    def parse_body(self, request: HttpRequest) -> Any:
        if request.content_type != "application/json":
            raise Problem(MEDIA)
        try:
            value = json.loads(
                request.body, object_pairs_hook=_object, parse_constant=_refuse_constant
            )
        except json.JSONDecodeError as error:
            where = f"line {error.lineno}, column {error.colno}"
            raise Problem(MALFORMED, f"This is not JSON: {error.msg} ({where}).") from error
        except RecursionError as error:
            raise _too_deep(("body",)) from error
        except ValueError as error:
            raise Problem(MALFORMED, f"This cannot be read: {error}.") from error
        _check(value)
        return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in made if names.count(name) > 1)
        raise ValueError(f"the name {twice!r} is there twice")
    return made


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


def _check(value: Any) -> None:
    """Raise a problem, with its path, for the first value that cannot be kept."""
    seen = 0
    rest: list[tuple[Path, Any]] = [(("body",), value)]
    while rest:
        seen += 1
        if seen > MAX_VALUES:
            raise invalid(f"more than {MAX_VALUES:,} values", "body")
        path, one = rest.pop()
        if isinstance(one, dict | list) and len(path) > MAX_DEPTH:
            raise _too_deep(path)
        if isinstance(one, dict):
            for name in one:
                _check_text(name, path)
            rest += [((*path, name), item) for name, item in one.items()]
        elif isinstance(one, list):
            rest += [((*path, index), item) for index, item in enumerate(one)]
        else:
            _check_leaf(one, path)


def _check_leaf(value: Any, path: Path) -> None:
    if isinstance(value, str):
        _check_text(value, path)
    elif isinstance(value, float) and not math.isfinite(value):
        raise invalid("the number is too large", *path)
    elif isinstance(value, int) and not -MAX_INTEGER <= value < MAX_INTEGER:
        raise invalid("the integer does not fit 64 bits; send it as a text", *path)


def _check_text(text: str, path: Path) -> None:
    if "\x00" in text:
        raise invalid("the text holds a NUL character", *path)
    if not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
        raise invalid("the text holds half of a surrogate pair", *path)


def _too_deep(path: Path) -> Problem:
    return invalid(f"nested deeper than {MAX_DEPTH} levels", *path[:MAX_DEPTH])


class JsonRenderer(BaseRenderer):
    """JSON with times to the microsecond and exact decimals."""

    media_type = "application/json"

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> bytes:
        return to_json(data, inf_nan_mode="strings")
