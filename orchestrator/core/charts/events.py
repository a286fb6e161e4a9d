"""An event as guards and actions see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What happened. The fields of the payload can be read as its own: `event.amount`.

    `name` is the event's, or `start`, `after 14d`, `done`, `error` and the like. `actor` is
    who sent it, "" if nobody said. `at` is when it came.
    """

    name: str
    payload: Any = None
    actor: str = ""
    at: datetime | None = None

    def __getattr__(self, name: str) -> Any:
        # Copying asks for special methods before there is a payload.
        if name.startswith("__") or name == "payload":
            raise AttributeError(name)
        payload = self.payload
        if isinstance(payload, Mapping):
            if name in payload:
                return payload[name]
        elif hasattr(payload, name):
            return getattr(payload, name)
        raise AttributeError(f"{self.name} has no {name!r}; its payload {_shape(payload)}")


def _shape(payload: Any) -> str:
    if payload is None:
        return "is empty"
    if isinstance(payload, Mapping):
        return f"has {', '.join(map(str, payload)) or 'no fields'}"
    return f"is a {type(payload).__name__}"
