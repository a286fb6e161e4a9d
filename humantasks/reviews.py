"""Tasks that more than one person decides: by a check of what one proposes, or by votes.

Plain data and arithmetic. Importing it needs no configured Django.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any

from humantasks.routing import AssignTo, pool_of

if TYPE_CHECKING:
    from humantasks.definitions import Outcome

MAX_SEATS = 25
MAX_ROUNDS = 20


@dataclass(frozen=True, slots=True)
class Proposal:
    """What `FourEyes(when=…)` is asked about: how somebody wants to end a task."""

    outcome: str
    data: Any
    comment: str


@dataclass(frozen=True, slots=True)
class FourEyes:
    """One person proposes, and another one approves or returns it.

        review = FourEyes("compliance-leads", when=lambda one: one.outcome == "approve")

    `checker` names a team, a person, or several of them. `when` says which proposals need
    the check; without it, all do. What it raises counts as yes. After `max_rounds` returns
    the task does not come back to who proposed it.
    """

    checker: AssignTo
    _: KW_ONLY
    when: Callable[[Proposal], bool] | None = None
    max_rounds: int = 3

    def __post_init__(self) -> None:
        pool_of(self.checker)
        if not 1 <= self.max_rounds <= MAX_ROUNDS:
            raise ValueError(f"max_rounds={self.max_rounds!r}: from 1 to {MAX_ROUNDS}")

    @property
    def checkers(self) -> list[str]:
        return pool_of(self.checker).names


@dataclass(frozen=True, slots=True)
class Quorum:
    """Several people vote, each once.

        review = Quorum(2, of=3, veto=1)

    The outcome that gets `needed` of the `of` votes is how the task ends, as soon as it
    has them. With `veto=1` one vote for an outcome that is not positive is enough for
    that. When no outcome can get there any more, the task ends with `on_tie`: an outcome
    that is not positive, and the first one of those if nothing is said. With `blind` nobody
    sees the votes of others before the end; `change_vote` lets people change theirs until then.
    """

    needed: int
    _: KW_ONLY
    of: int
    veto: int | None = None
    on_tie: str | None = None
    blind: bool = False
    change_vote: bool = True

    def __post_init__(self) -> None:
        if not 2 <= self.of <= MAX_SEATS:  # noqa: PLR2004 - one alone is no quorum
            raise ValueError(f"of={self.of!r}: from 2 to {MAX_SEATS} people vote")
        if not 1 <= self.needed <= self.of:
            raise ValueError(f"Quorum({self.needed!r}): from 1 to {self.of} votes are needed")
        if self.veto is not None and not 1 <= self.veto <= self.of:
            raise ValueError(f"veto={self.veto!r}: from 1 to {self.of} votes")


Review = FourEyes | Quorum


def check(review: object, outcomes: Sequence[Outcome]) -> None:
    """Raises TypeError and ValueError for what is no review of these outcomes."""
    if review is None or isinstance(review, FourEyes):
        return
    if not isinstance(review, Quorum):
        raise TypeError(f"review is a FourEyes or a Quorum, not {review!r}")
    negative = [one.name for one in outcomes if not one.positive]
    if not negative:
        raise ValueError("a Quorum needs an outcome that is not positive, for when votes are even")
    if review.on_tie is not None and review.on_tie not in negative:
        raise ValueError(
            f"on_tie={review.on_tie!r}: votes that are even never mean consent. "
            f"It is one of {', '.join(negative)}"
        )


def as_stored(review: Review | None) -> dict[str, Any] | None:
    """What stays with a task as it was when it was asked. `when` is the type's of the day."""
    if review is None:
        return None
    if isinstance(review, FourEyes):
        return {
            "kind": "four_eyes",
            "checker": review.checkers,
            "max_rounds": review.max_rounds,
            "always": review.when is None,
        }
    return {
        "kind": "quorum",
        "needed": review.needed,
        "of": review.of,
        "veto": review.veto,
        "on_tie": review.on_tie,
        "blind": review.blind,
        "change_vote": review.change_vote,
    }


def from_stored(stored: dict[str, Any] | None, now: object) -> Review | None:
    """The review of a task. `now` is that of its type today, which alone knows `when`.

    A type that has gone, or has another review, cannot say when: then always.
    """
    if stored is None:
        return None
    stored = dict(stored)
    if stored.pop("kind") == "quorum":
        return Quorum(stored.pop("needed"), **stored)
    sometimes = now.when if isinstance(now, FourEyes) else None
    return FourEyes(
        stored["checker"],
        when=None if stored["always"] else sometimes,
        max_rounds=stored["max_rounds"],
    )


@dataclass(frozen=True, slots=True)
class Tally:
    """How a vote stands: the outcome if that is certain, and how many votes each has."""

    outcome: str | None
    votes: dict[str, int]
    is_tie: bool = False


def tally(quorum: Quorum, outcomes: Sequence[Outcome], votes: Sequence[str]) -> Tally:
    """How the votes stand, each the name of an outcome. The order of the votes is nothing."""
    counted = Counter(votes)
    found = {one.name: counted[one.name] for one in outcomes}
    against = [one.name for one in outcomes if not one.positive]
    left = quorum.of - len(votes)
    has_won = [name for name, number in found.items() if number >= quorum.needed]
    # A veto is stronger than a yes that is complete; of several the one with the most votes.
    if quorum.veto is not None and sum(found[name] for name in against) >= quorum.veto:
        return Tally(max(against, key=lambda name: found[name]), found)
    if has_won:
        return Tally(max(has_won, key=lambda name: found[name]), found)
    if max(found.values()) + left < quorum.needed:
        return Tally(quorum.on_tie or against[0], found, is_tie=True)
    return Tally(None, found)
