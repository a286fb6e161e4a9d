"""Writing down what people decided, and telling the run. The caller has locked run and task."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from humantasks import answers
from humantasks.answers import Answer
from humantasks.asking import HumanTaskResult, Reviewer
from humantasks.inbox import drafting, seats, timing
from humantasks.inbox.audit import Entry, label_of
from humantasks.inbox.changing import NOT_HELD, change_locked, exclude
from humantasks.inbox.errors import Code, TaskConflict
from humantasks.models import HumanTask, Status, TaskAttachment, TaskCandidate, TaskDecision
from orchestrator import clock, waits

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def write(
    task: HumanTask, user: User, answer: Answer, submission_id: UUID, *, is_override: bool = False
) -> TaskDecision:
    """Write down a decision of one person, and tell the run."""
    at = clock.now()
    decision = record(task, user, answer, submission_id, at=at, is_override=is_override)
    verb = "overridden" if is_override else "completed"
    finish(task, decision, answer, entry_of(task, decision, verb))
    return decision


def record(
    task: HumanTask,
    user: User,
    answer: Answer,
    submission_id: UUID,
    *,
    at: datetime,
    kind: str = TaskDecision.Kind.DECISION,
    is_override: bool = False,
) -> TaskDecision:
    """The decision as a row, with proof of what was seen."""
    return TaskDecision.objects.create(
        task=task,
        kind=kind,
        round=task.round,
        user=user,
        outcome=answer.outcome.name,
        data=answer.text,
        comment=answer.comment,
        reason_codes=answer.reason_codes,
        checked=answer.checked,
        on_behalf_of=task.owner.get_username() if task.owner and not is_override else "",
        is_override=is_override,
        evidence_digest=evidence_digest(task),
        submission_id=submission_id,
        decided_at=at,
    )


def entry_of(task: HumanTask, decision: TaskDecision, verb: str, **more: Any) -> Entry:
    """What the audit says of a decision."""
    given: dict[str, Any] = {"code": decision.outcome, "reason": decision.comment}
    return Entry(
        verb=verb,
        actor=decision.user,
        at=decision.decided_at,
        on_behalf_of=label_of(task.owner) if task.owner and decision.on_behalf_of else "",
        # What was seen and what was said cannot be changed either without breaking the chain.
        changes={"evidence": decision.evidence_digest, "decision": decision_digest(decision)},
        **(given | more),
    )


def finish(
    task: HumanTask,
    decision: TaskDecision,
    answer: Answer,
    entry: Entry,
    made: Sequence[TaskDecision] = (),
) -> None:
    """End the task as `answer` says, which was `decision`, and tell the run. `made` are those of
    all who took part, where more than one person did.

    Raises TaskConflict when the run takes no answers any more.
    """
    fields = NOT_HELD | {
        "outcome": answer.outcome.name,
        "completed_by": decision.user,
        "closed_at": entry.at,
    }
    change_locked(task, entry, to_status=Status.COMPLETED, **fields)
    if task.status == Status.IN_REVIEW:
        seats.close(task)
    for user in {decision.user, *(one.user for one in made)}:
        _exclude_from_others(task, user)
        drafting.discard(task, user=user)
    if not waits.answer(task.run_id, task.key, _result(task, decision, answer, entry, made)):
        raise TaskConflict(Code.WITHDRAWN, task)


def _exclude_from_others(task: HumanTask, user: User) -> None:
    """Who has decided this must not decide those tasks of the run that ask for other eyes."""
    others = HumanTask.objects.filter(
        run_id=task.run_id, excludes_deciders=True, closed_at=None
    ).exclude(pk=task.pk)
    for other in others:
        exclude(other, user, TaskCandidate.Why.DECIDER)


_ROLES: dict[str, Any] = {
    TaskDecision.Kind.PROPOSAL: "maker",
    TaskDecision.Kind.APPROVAL: "checker",
    TaskDecision.Kind.VOTE: "voter",
}


def _result(
    task: HumanTask,
    decision: TaskDecision,
    answer: Answer,
    entry: Entry,
    made: Sequence[TaskDecision],
) -> HumanTaskResult[Any]:
    """What the body gets."""
    return HumanTaskResult(
        status="completed",
        outcome=answer.outcome.name,
        approved=answer.outcome.positive,
        data=answer.data,
        comment=answer.comment,
        reason_codes=answer.reason_codes,
        checked=answer.checked,
        completed_by=decision.user.get_username(),
        on_behalf_of=decision.on_behalf_of or None,
        override=decision.is_override,
        reviewers=[
            Reviewer(
                user=one.user.get_username(),
                role=_ROLES[one.kind],
                outcome=one.outcome,
                at=one.decided_at,
                comment=one.comment,
            )
            for one in made
        ],
        round=task.round,
        working_seconds=timing.working_seconds(task, entry.at),
        edits=answers.edits(task, answer),
        attachments=_attached(task),
        task_id=task.pk,
        created_at=task.created_at,
        claimed_at=task.claimed_at,
        completed_at=entry.at,
    )


def _attached(task: HumanTask) -> list[dict[str, Any]]:
    """The files that the task has in the end, for the body."""
    files = TaskAttachment.objects.filter(task=task, superseded_by=None).order_by("seq")
    return [
        {"id": one.pk, "name": one.name, "type": one.mime, "size": one.size, "sha256": one.sha256}
        for one in files
    ]


def evidence_digest(task: HumanTask) -> str:
    """Proof of what was judged: the sha256 of the evidence, the questions and the files."""
    files = TaskAttachment.objects.filter(task=task, superseded_by=None).order_by("seq")
    sums = [f"\n{digest}" for digest in files.values_list("sha256", flat=True)]
    return _digest_of(task, sums)


def evidence_digest_at(task: HumanTask, files: Iterable[TaskAttachment], seq: int) -> str:
    """The same as it was at an entry of the audit; `files` are all that the task ever had."""
    known = {one.pk: one for one in files if one.seq < seq}
    sums = [
        f"\n{one.sha256}"
        for one in sorted(known.values(), key=lambda one: one.seq)
        if one.superseded_by_id not in known
    ]
    return _digest_of(task, sums)


def _digest_of(task: HumanTask, sums: list[str]) -> str:
    seen = f"{task.payload.data}\n{task.schema}{''.join(sums)}"
    return hashlib.sha256(seen.encode()).hexdigest()


def decision_digest(decision: TaskDecision) -> str:
    """Proof of what was said."""
    said = [decision.outcome, decision.data, decision.comment, decision.reason_codes]
    if decision.checked:
        said.append(decision.checked)
    return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()
