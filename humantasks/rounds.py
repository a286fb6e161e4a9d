"""How a task that several people decide stands, as far as its reader may know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from humantasks.models import HumanTask, TaskDecision, TaskSeat
from humantasks.reviews import FourEyes, Quorum

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@dataclass(frozen=True, slots=True)
class Standing:
    """The round of a task: the reader's seat, what is free, and what was said.

    `said` is in its order, over all rounds, without votes that were changed. `is_blind`: the
    votes of others are not told yet. `cast` is how many votes there are, blind or not.
    """

    review: FourEyes | Quorum
    seats: Sequence[TaskSeat]
    mine: TaskSeat | None
    said: Sequence[TaskDecision]
    cast: int
    is_blind: bool

    @property
    def sits(self) -> bool:
        """Whether the reader is to judge now."""
        return self.mine is not None and self.mine.status == TaskSeat.Status.TAKEN

    @property
    def may_change(self) -> bool:
        """Whether the reader has voted, and may change their mind."""
        has_voted = self.mine is not None and self.mine.status == TaskSeat.Status.DONE
        return has_voted and isinstance(self.review, Quorum) and self.review.change_vote

    @property
    def is_check(self) -> bool:
        return isinstance(self.review, FourEyes)

    @property
    def free(self) -> int:
        return sum(one.status == TaskSeat.Status.OPEN for one in self.seats)

    @property
    def proposal(self) -> TaskDecision | None:
        """What was proposed last."""
        made = [one for one in self.said if one.kind == TaskDecision.Kind.PROPOSAL]
        return made[-1] if made else None

    @property
    def returned(self) -> TaskDecision | None:
        """Why it came back, if that is what was said last."""
        last = self.said[-1] if self.said else None
        return last if last and last.kind == TaskDecision.Kind.RETURN else None


def of(task: HumanTask, user: User, *, sees: bool) -> Standing | None:
    """How the task stands; None for one that one person decides. `sees`: the reader may see
    its data, and so what was said.
    """
    review = task.review
    if review is None:
        return None
    seats = list(task.seats.filter(round=task.round).select_related("user").order_by("id"))
    made = task.decisions.exclude(kind=TaskDecision.Kind.DECISION).filter(superseded_at=None)
    said = list(made.select_related("user").order_by("id"))
    cast = sum(one.kind == TaskDecision.Kind.VOTE and one.round == task.round for one in said)
    is_blind = isinstance(review, Quorum) and review.blind and task.is_open
    if is_blind:
        said = [one for one in said if one.user_id == user.pk]
    return Standing(
        review=review,
        seats=seats,
        mine=next((one for one in seats if one.user_id == user.pk), None),
        said=said if sees else [],
        cast=cast,
        is_blind=is_blind,
    )
