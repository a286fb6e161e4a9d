"""Answering a task. The decision, the audit, the engine's event: all of it, or nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction

from humantasks import answers
from humantasks.answers import Answer
from humantasks.asking import HumanTaskResult
from humantasks.inbox import drafting, refusing
from humantasks.inbox.audit import Entry, label_of
from humantasks.inbox.changing import NOT_HELD, change_locked, exclude, locked, must_hold
from humantasks.inbox.errors import Code, TaskConflict
from humantasks.models import HumanTask, Status, TaskAttachment, TaskCandidate, TaskDecision
from orchestrator import clock, waits
from orchestrator.core.ids import uuid7

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def complete(
    task: HumanTask,
    *,
    user: User,
    outcome: str,
    data: Mapping[str, Any] | None = None,
    comment: str = "",
    reason_codes: Sequence[str] = (),
    checked: Sequence[str] = (),
    submission_id: UUID | None = None,
    data_rev: int | None = None,
) -> TaskDecision:
    """Answer a task that `user` holds, and wake the run that asked.

    `checked` names what is ticked of the checklist. The same `submission_id` with the same
    answer gives the first decision again, however often it comes. `data_rev` is that of the
    data which the person saw; without it, any will do.

    Raises InvalidAnswer with what is wrong in the form, TaskConflict when the task is not
    theirs, has ended or was judged on old data, and NotEligible when they may not answer
    it (any more). Nothing is written then.
    """
    answer = answers.check(task, outcome, data, comment.strip(), reason_codes, checked=checked)
    return _decide(task, user, answer, submission_id or uuid7(), data_rev)


def lost(task: HumanTask, *, user: User) -> TaskConflict | None:
    """Why `user` cannot answer the task (any more); None while they hold it.

    To a person with a wrong form this is the bigger news.
    """
    try:
        must_hold(task, user)
    except TaskConflict as conflict:
        return conflict
    return None


@transaction.atomic
def _decide(
    task: HumanTask, user: User, answer: Answer, submission_id: UUID, data_rev: int | None
) -> TaskDecision:
    # The run's row before the task's, as the engine takes them: whoever cancels the run
    # or lets the wait time out comes wholly before us or wholly after.
    takes_answers = waits.hold(task.run_id)
    now = locked(task)
    if known := TaskDecision.objects.filter(task=now, submission_id=submission_id).first():
        return _again(known, now, user, answer)
    must_hold(now, user)
    if not takes_answers:
        raise TaskConflict(Code.WITHDRAWN, now)
    if refusal := refusing.not_eligible(now, user):
        raise refusal
    if data_rev is not None and data_rev != now.data_rev:
        raise TaskConflict(Code.STALE, now)
    return write(now, user, answer, submission_id)


def write(
    task: HumanTask, user: User, answer: Answer, submission_id: UUID, *, is_override: bool = False
) -> TaskDecision:
    """Write down a decision on a locked task, and tell the run."""
    at = clock.now()
    behalf_of = task.owner.get_username() if task.owner and not is_override else ""
    decision = TaskDecision.objects.create(
        task=task,
        user=user,
        outcome=answer.outcome.name,
        data=answer.text,
        comment=answer.comment,
        reason_codes=answer.reason_codes,
        checked=answer.checked,
        on_behalf_of=behalf_of,
        is_override=is_override,
        evidence_digest=evidence_digest(task),
        submission_id=submission_id,
        decided_at=at,
    )
    entry = Entry(
        verb="overridden" if is_override else "completed",
        actor=user,
        at=at,
        code=answer.outcome.name,
        reason=answer.comment,
        on_behalf_of=label_of(task.owner) if task.owner and behalf_of else "",
        # What was seen and what was said cannot be changed either without breaking the chain.
        changes={"evidence": decision.evidence_digest, "decision": decision_digest(decision)},
    )
    fields = NOT_HELD | {"outcome": decision.outcome, "completed_by": user, "closed_at": at}
    change_locked(task, entry, to_status=Status.COMPLETED, **fields)
    _exclude_from_others(task, user)
    drafting.discard(task, user=user)
    if not waits.answer(task.run_id, task.key, _result(task, decision, answer)):
        raise TaskConflict(Code.WITHDRAWN, task)
    return decision


def _exclude_from_others(task: HumanTask, user: User) -> None:
    """Who has decided this must not decide those tasks of the run that ask for other eyes."""
    others = HumanTask.objects.filter(
        run_id=task.run_id, excludes_deciders=True, closed_at=None
    ).exclude(pk=task.pk)
    for other in others:
        exclude(other, user, TaskCandidate.Why.DECIDER)


def _result(task: HumanTask, decision: TaskDecision, answer: Answer) -> HumanTaskResult[Any]:
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
        edits=answers.edits(task, answer),
        attachments=_attached(task),
        task_id=task.pk,
        created_at=task.created_at,
        claimed_at=task.claimed_at,
        completed_at=decision.decided_at,
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


def _again(known: TaskDecision, task: HumanTask, user: User, answer: Answer) -> TaskDecision:
    """The decision that this form has led to before, if it says the same as then."""
    is_same = (
        known.user_id == user.pk
        and known.outcome == answer.outcome.name
        and known.comment == answer.comment
        and known.reason_codes == answer.reason_codes
        and known.checked == answer.checked
        and known.data == answer.text
    )
    if not is_same:
        raise TaskConflict(Code.IDEMPOTENCY_MISMATCH, task, at=known.decided_at)
    return known
