"""Journal entries made of commands: when they open, and when they have their outcome."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from orchestrator import kinds
from orchestrator.conf import conf
from orchestrator.core import failures
from orchestrator.core.codec import encode
from orchestrator.core.commands import ANY_EVENT, NOT_GIVEN, Command, StepCall, Timer, Wait
from orchestrator.core.errors import (
    AmbiguousStep,
    NonDeterminism,
)
from orchestrator.core.journal import (
    CANCEL,
    CANCEL_KEY,
    COMPLETED,
    EVENT,
    FAILED,
    INTENT,
    OPEN,
    QUEUED,
    RETRYING,
    TIMED_OUT,
    Entry,
)
from orchestrator.core.schemas import stored_name
from orchestrator.engine.executor import Ended
from orchestrator.store.records import Mail


def entry_of(command: Command, **fields: Any) -> Entry:
    """An entry for `command`."""
    return Entry(
        key=command.key,
        kind=command.kind,
        name=command.name,
        position=command.position,
        cause=command.cause,
        **fields,
    )


def opened(command: Timer | Wait, since: datetime) -> Entry:
    """A wait that begins."""
    return entry_of(
        command, status=OPEN, detail=_detail(command), due_at=command.until, started_at=since
    )


def retrying(
    step: StepCall,
    ended: Ended,
    *,
    before: int,
    error: dict[str, Any],
    since: datetime,
    due_at: datetime,
) -> Entry:
    """A step whose attempt has failed; `before` were made before an operator's retry."""
    detail: dict[str, Any] = {"max_attempts": step.retry.max_attempts} | _told(ended.call.told)
    if before:
        detail["attempts_before"] = before
    return entry_of(
        step,
        status=RETRYING,
        attempt=ended.call.number,
        error=error,
        detail=detail,
        due_at=due_at,
        started_at=since,
    )


def last_attempt(step: StepCall, ended: Ended) -> dict[str, Any] | None:
    """What the entry of a step that has its outcome says of its last attempt."""
    last = _told(ended.call.pulse.details)
    if ended.call.number > 1 or step.remote is not None:
        # The entry's own start is that of the first attempt, or when it was handed out.
        last["attempt_started_at"] = ended.started_at.isoformat()
    if ended.call.number > 1:
        last["max_attempts"] = step.retry.max_attempts
    return last or None


def queued(step: StepCall, known: Entry | None, *, number: int, queue: str, now: datetime) -> Entry:
    """A step that is handed out; `known` is its entry, if it has one."""
    return entry_of(
        step,
        status=QUEUED,
        attempt=number,
        detail=((known.detail if known else None) or {}) | {"queue": queue},
        started_at=(known.started_at if known else None) or now,
    )


def intent(step: StepCall, number: int, now: datetime) -> Entry:
    """An at-most-once step that is about to be executed."""
    return entry_of(step, status=INTENT, attempt=number, started_at=now)


def mark(command: Command, now: datetime) -> Entry:
    """A change that the run has taken: nothing to wait for."""
    return entry_of(command, status=COMPLETED, started_at=now, finished_at=now)


def resolved(step: StepCall, answer: dict[str, Any], *, seq: int, now: datetime) -> Entry:
    """The outcome of an ambiguous step, as an operator or its own policy says."""
    fields: dict[str, Any] = {"seq": seq, "attempt": 1, "finished_at": now}
    if answer["action"] == "result":
        value = json.dumps(answer.get("value"))
        return entry_of(step, status=COMPLETED, value=value, **fields)
    message = answer.get("message") or "a worker died while it executed this step"
    return entry_of(step, status=FAILED, error=failures.record(AmbiguousStep(message)), **fields)


def waited(
    command: Timer | Wait, *, seq: int, since: datetime, now: datetime, mail: Mail | None = None
) -> Entry:
    """The outcome of a wait: its event has come (`mail`), or its time is over."""
    value, status = None, COMPLETED
    if mail is not None:
        is_any = isinstance(command, Wait) and command.event == ANY_EVENT
        value = _whole(mail) if is_any else mail.payload
    elif isinstance(command, Wait):
        status = TIMED_OUT
        if command.default is not NOT_GIVEN:
            value = encode(command.default, root="default", limit=conf.MAX_PAYLOAD)
    return entry_of(
        command,
        status=status,
        seq=seq,
        value=value,
        detail=_detail(command),
        due_at=command.until,
        started_at=since,
        finished_at=now,
    )


def _whole(mail: Mail) -> str:
    """An event with all that is known of it, as the codec would write it."""
    known = {"id": mail.id, "name": mail.name, "sent_by": mail.sent_by, "at": mail.at.isoformat()}
    return f'{json.dumps(known, ensure_ascii=False)[:-1]}, "payload": {mail.payload}}}'


def cancelled(*, seq: int, cause: int, reason: str, asked_at: datetime, now: datetime) -> Entry:
    """The cancel, as the body sees it."""
    return Entry(
        key=CANCEL_KEY,
        kind=CANCEL,
        name="cancel",
        position=0,
        cause=cause,
        status=COMPLETED,
        seq=seq,
        detail={"reason": reason},
        started_at=asked_at,
        finished_at=now,
    )


def explained(error: BaseException) -> dict[str, Any]:
    """Why a run is blocked, as it is stored."""
    found: dict[str, Any] = {
        "type": type(error).__name__,
        "message": failures.clean(str(error)),
    }
    if isinstance(error, NonDeterminism):
        found |= {"expected": error.expected, "got": error.got, "position": error.position}
    return found


def fits(mail: Mail, wait: Wait) -> bool:
    """Whether `wait` takes this event. A wait without a key takes any key."""
    if wait.event == ANY_EVENT:
        return not mail.name.startswith("@")
    if wait.event:
        return mail.name == wait.event and wait.correlation in (None, mail.correlation)
    return mail.name == kinds.answer_name(wait.key)


def _told(details: Any) -> dict[str, Any]:
    """What an attempt has told with its heartbeats."""
    return {} if details is None else {"details": details}


def _detail(command: Timer | Wait) -> dict[str, Any] | None:
    if not isinstance(command, Wait):
        return None
    if command.kind == EVENT and command.event != ANY_EVENT:
        detail = {"event": command.event, "key": command.correlation}
        schema = None if command.schema is None else stored_name(command.schema)
        return detail if schema is None else detail | {"schema": schema}
    return command.detail
