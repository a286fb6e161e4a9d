"""What the routers of the REST API share, whichever room they are in.

A router raises `Problem`; the API that it joins answers with `application/problem+json`.
Who calls is in `request.auth`, a `Caller`. Lists are handed out as a `Page`.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, NotRequired, Protocol, TypedDict, TypeVar
from uuid import UUID

from ninja import Query
from ninja.errors import HttpError
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, Field

T = TypeVar("T")
V = TypeVar("V", bound=Callable[..., Any])

MAX_LIMIT = 200
_MAX_PLACE = 2**63 - 1
FIRST = datetime(1970, 1, 1, tzinfo=UTC)
LAST = datetime(9000, 1, 1, tzinfo=UTC)
_DATE = re.compile(r"\d{4}-\d\d-\d\d[Tt ]", re.ASCII)


class Caller(Protocol):
    """Who calls: `request.auth` of every operation that needs a login."""

    @property
    def user(self) -> Any: ...

    def require(self, scope: str) -> None:
        """Raise a problem (403) if this is a token without `scope`. A session has them all."""


def scoped(scope: str) -> Callable[[V], V]:
    """Let in a session, and a token that has `scope`. The description of the API says so.

    For routers that need no permission beyond a login: what they answer depends on the
    caller. Write it between the router's decorator and the function.
    """

    def mark(view: V) -> V:
        view.scope = scope  # type: ignore[attr-defined] # a mark
        return view

    return mark


def scope_of(view: Callable[..., Any]) -> str | None:
    """The scope that `scoped` has marked an operation with."""
    return getattr(view, "scope", None)


# ---- problems ----------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of problem. `code` names it for programs, `meaning` says what to do."""

    code: str
    status: int
    title: str
    meaning: str


# Every kind that there is, for the documentation.
KINDS: dict[str, Kind] = {}


def kind(status: int, code: str, title: str, meaning: str) -> Kind:
    """Make a kind of problem known. Call it where a module is imported."""
    KINDS[code] = made = Kind(code=code, status=status, title=title, meaning=meaning)
    return made


class FieldError(TypedDict):
    """What is wrong with one value. `loc` is the way to it: `["body", "input", "email"]`."""

    loc: list[str | int]
    msg: str
    type: NotRequired[str]


class Problem(HttpError):
    """An answer that is an error. `more` are further members of its body."""

    def __init__(
        self,
        kind: Kind,
        detail: str = "",
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(kind.status, detail or kind.title)
        self.kind = kind
        self.errors = list(errors)
        self.headers = dict(headers or {})
        self.more = more


INVALID = kind(
    422,
    "invalid",
    "The request does not fit",
    "`errors` names each value that does not fit, and why. Nothing was done.",
)
NOT_FOUND = kind(404, "not-found", "There is nothing here", "The address or the id in it is wrong.")
MISSING_SCOPE = kind(
    403,
    "missing-scope",
    "The token does not have the scope for this",
    "`scope` names it. Make a token that has it: `manage.py api_token create`.",
)


def invalid(msg: str, *loc: str | int) -> Problem:
    """The problem that one value does not fit."""
    return Problem(INVALID, msg, errors=[{"loc": list(loc), "msg": msg}])


# ---- pages -------------------------------------------------------------------------------

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="How many to return at most.")]
Cursor = Annotated[
    str | None,
    Query(max_length=400, description="`next_cursor` of the page before. Opaque."),
]


class Page(BaseModel, Generic[T]):
    """A part of a list. Ask again with `next_cursor` as `cursor` for what follows."""

    items: list[T]
    next_cursor: str | None = Field(description="null when this is the last page.")


def cursor(name: str, place: int | str | UUID | None) -> str | None:
    """The cursor of list `name` that goes on after `place`; None when there is no more."""
    if place is None:
        return None
    text = json.dumps([name, str(place)], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def place(name: str, cursor: str | None) -> str | None:
    """The place in list `name` that a cursor stands for. Raises Problem for any other text."""
    if cursor is None:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        listed, found = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if listed == name and isinstance(found, str):
            return found
    except (binascii.Error, ValueError, TypeError, RecursionError):
        pass
    raise invalid("not a cursor of this list: use next_cursor of its last page", "query", "cursor")


def number(name: str, cursor: str | None) -> int:
    """Like `place`, for lists in the order of a number. 0 without a cursor."""
    found = place(name, cursor)
    if found is None:
        return 0
    if found.isascii() and found.isdigit() and len(found) < 20 and int(found) <= _MAX_PLACE:  # noqa: PLR2004 - digits of 2**63
        return int(found)
    raise invalid("not a cursor of this list", "query", "cursor")


def text(name: str, cursor: str | None) -> str:
    """Like `place`, for lists in the order of a name. "" without a cursor."""
    found = place(name, cursor)
    if found is not None and "\x00" in found:
        raise invalid("not a cursor of this list", "query", "cursor")
    return found or ""


def uuid(name: str, cursor: str | None) -> UUID | None:
    """Like `place`, for lists in the order of ids."""
    found = place(name, cursor)
    try:
        return None if found is None else UUID(found)
    except ValueError as error:
        raise invalid("not a cursor of this list", "query", "cursor") from error


# ---- values --------------------------------------------------------------------------------


def _instant(value: datetime) -> datetime:
    if not FIRST <= value < LAST:
        raise ValueError("a time between the years 1970 and 9000")
    return value.astimezone(UTC)


def _iso(value: Any) -> Any:
    # Numbers would be taken for seconds since 1970.
    if not isinstance(value, str) or not _DATE.match(value):
        raise ValueError("a time as 2026-01-31T09:00:00Z")
    return value


def _without_nul(text: str) -> str:
    if "\x00" in text:
        raise ValueError("no NUL character")
    return text


# What a database can hold.
NoNul = AfterValidator(_without_nul)
Instant = Annotated[AwareDatetime, BeforeValidator(_iso), AfterValidator(_instant)]
