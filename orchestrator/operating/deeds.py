"""Who did what, and who is told of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """Who acts. `user` is one of Django's, if they are one; `label` is always there.

    `ip` is where they act from, `via` the program that acts for them, if one does.
    """

    label: str
    user: Any = None
    ip: str | None = None
    via: str = ""

    @property
    def initiator(self) -> Any:
        """Who is noted as having asked for a run."""
        return self.label if self.user is None else self.user


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What an operator did, or tried to.

    `run_id` is None for an event to no run in particular and for a schedule, whose name is
    in `schedule`. `detail` says what came of it, or why it was refused. `is_stale` says that
    it was refused because the run was not the one that the operator had seen. `made` is the
    run that a fork, a start or a schedule has made. `form` names the form that asked for it.
    """

    operator: Operator
    verb: str
    run_id: UUID | None = None
    schedule: str = ""
    reason: str = ""
    detail: str = ""
    before: str = ""
    after: str = ""
    is_refused: bool = False
    is_stale: bool = False
    made: UUID | None = None
    form: UUID | None = None


Witness = Callable[[Deed], object]

_witnesses: list[Witness] = []


def register(witness: Witness) -> None:
    """Have `witness` told of every deed; call it in `AppConfig.ready`."""
    _witnesses.append(witness)


def tell(deed: Deed) -> Deed:
    """Tell the witnesses, in the transaction of the deed. Returns it."""
    for witness in _witnesses:
        witness(deed)
    return deed
