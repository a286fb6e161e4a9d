"""Checkpoints: where the replay of a long run begins, instead of at the top.

A body that can say in a value where it stands keeps it as its checkpoint. A later replay
hands it that value, and only what the journal holds since then. What was asked for before
and is still wanted is asked for again, under the key that it had: each branch of the body
that outlives a checkpoint knows its keys.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from datetime import datetime

from orchestrator.core.errors import NonDeterminism


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Where a body stood. `value` is its own, as text; the rest is what the replay needs.

    `seq` and `position` are the last outcome that it had seen and the last place that it
    had taken; `names` and `lines` what it had counted; `kept` the keys of what it will ask
    for again.
    """

    seq: int
    position: int
    now: datetime
    names: Mapping[str, int]
    lines: int
    kept: Sequence[str]
    value: str

    def as_text(self) -> str:
        return json.dumps(asdict(self) | {"now": self.now.isoformat()}, ensure_ascii=False)

    @classmethod
    def of(cls, text: str | None) -> Checkpoint | None:
        """What `as_text` has made."""
        if text is None:
            return None
        fields = json.loads(text)
        return cls(**fields | {"now": datetime.fromisoformat(fields["now"])})


class Branch:
    """A part of a body that outlives checkpoints. It asks in the same order each time."""

    def __init__(self, keys: Iterable[str] = ()) -> None:
        self.keys = list(keys)
        self._again = deque(self.keys)

    @property
    def asks_again(self) -> bool:
        """Whether what it asks for next is what it had asked for before."""
        return bool(self._again)

    def known_key(self, name: str) -> str | None:
        """The key under which it has asked for `name` before; None for something new.

        Raises NonDeterminism if it had asked for something else.
        """
        if not self._again:
            return None
        key = self._again.popleft()
        if key != name and not key.startswith(f"{name}#"):
            raise NonDeterminism(
                f"before the checkpoint the code had asked for {key!r}, and now for {name!r}",
                expected=repr(key),
                got=repr(name),
            )
        return key


branch: ContextVar[Branch | None] = ContextVar("branch", default=None)
