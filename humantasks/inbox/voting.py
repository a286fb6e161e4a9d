"""A quorum: several people vote, and the task ends as soon as the outcome is certain."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from humantasks import answers
from humantasks.answers import Answer
from humantasks.inbox import drafting, recording, seats
from humantasks.inbox.audit import Entry
from humantasks.inbox.changing import change_locked
from humantasks.inbox.errors import Code, TaskConflict
from humantasks.models import HumanTask, TaskDecision, TaskSeat
from humantasks.reviews import Quorum, Tally, tally
from orchestrator import clock

if TYPE_CHECKING:
    from django.contrib.auth.models import User

VOTED, CHANGED = "voted", "vote_changed"


def votes_of(task: HumanTask) -> list[TaskDecision]:
    """The votes of the round that count, in their order."""
    made = TaskDecision.objects.filter(
        task=task, round=task.round, kind=TaskDecision.Kind.VOTE, superseded_at=None
    )
    return list(made.select_related("user").order_by("id"))


def must_have_voice(task: HumanTask, user: User) -> None:
    """Raises TaskConflict unless the person sits, or has voted and may change their mind."""
    seat = seats.of(task, user)
    if seat is None:
        raise seats.no_seat(task, user)
    review = task.review
    may_change = isinstance(review, Quorum) and review.change_vote
    if seat.status == TaskSeat.Status.DONE and not may_change:
        before = TaskDecision.objects.get(task=task, round=task.round, user=user)
        raise TaskConflict(Code.ALREADY_COMPLETED, task, at=before.decided_at, is_me=True)


def vote(task: HumanTask, user: User, answer: Answer, submission_id: UUID) -> TaskDecision:
    """Count a vote on the (locked) task; the last one that is needed ends it."""
    review, at = task.review, clock.now()
    assert isinstance(review, Quorum)
    before = TaskDecision.objects.filter(task=task, round=task.round, user=user, superseded_at=None)
    has_voted = bool(before.update(superseded_at=at))
    made = recording.record(task, user, answer, submission_id, at=at, kind=TaskDecision.Kind.VOTE)
    seats.done(task, user)
    # Nobody reads in the history what nobody may know yet.
    hidden = {"code": "", "reason": ""} if review.blind else {}
    verb = CHANGED if has_voted else VOTED
    now = change_locked(task, recording.entry_of(task, made, verb, **hidden))
    drafting.discard(task, user=user)
    _close_if_certain(now, review, made)
    return made


def _close_if_certain(task: HumanTask, review: Quorum, last: TaskDecision) -> None:
    votes = votes_of(task)
    found = tally(review, list(task.outcomes.values()), [one.outcome for one in votes])
    if found.outcome is None:
        return
    entry = Entry(
        verb="completed",
        actor=None,
        at=last.decided_at,
        code=found.outcome,
        changes={"votes": found.votes, "is_tie": found.is_tie},
    )
    said, answer = _said(task, found, votes)
    recording.finish(task, said, answer, entry, votes)


def _said(task: HumanTask, found: Tally, votes: list[TaskDecision]) -> tuple[TaskDecision, Answer]:
    """Whose words the result has: those of the last vote for the outcome.

    When nobody has voted for it, because the votes were even, there are none.
    """
    assert found.outcome is not None
    for one in reversed(votes):
        if one.outcome == found.outcome:
            return one, answers.of_decision(task, one)
    return votes[-1], answers.without_data(task.outcomes[found.outcome], "")
