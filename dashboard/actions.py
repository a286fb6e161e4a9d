"""What operators do with pages and the API: the verbs of `orchestrator.operating`.

A verb is applied to the run that the operator saw. If that has changed meanwhile, nothing
is done; refusals leave a row of the audit as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from dashboard import audit
from dashboard.audit import Actor
from humantasks.present import look
from orchestrator import operating
from orchestrator.core.durations import Duration
from orchestrator.models import Run, Status
from orchestrator.operating import Deed
from orchestrator.run import Run as Handle


@dataclass(frozen=True, kw_only=True)
class Order:
    """What an operator asks for, and the run as they saw it; None: whatever it is by now."""

    actor: Actor
    expected_rev: int | None = None
    expected_status: str = ""
    reason: str = ""

    def refusal(self, run: Run) -> str:
        """Why the run is not the one that the operator saw; empty when it is.

        A run that was running and still is has changed with each of its steps; that is
        what the operator saw, and the last moment to stop it should not be missed for it.
        """
        if self.expected_rev is None or run.rev == self.expected_rev:
            return ""
        is_running = run.status == self.expected_status == Status.RUNNING
        if is_running and not run.cancel_requested_at:
            return ""
        now = look(run.status).word.lower()
        if not self.expected_status:
            return f"The run has changed since it was read. Now it is {now}."
        if run.status == self.expected_status:
            return f"The run has changed since your page was made. It is {now}, as before."
        return (
            f"The run has changed since your page was made: "
            f"it was {look(self.expected_status).word.lower()}, now it is {now}."
        )


@dataclass(frozen=True)
class Answer:
    """What came of it. Not applied: `refusal` says why, and nothing was changed."""

    applied: bool
    refusal: str = ""
    # Whether it was refused because the run is not the one that the operator saw.
    is_stale: bool = False
    # The run that was made, if one was.
    made: UUID | None = None


def cancel(run_id: UUID, order: Order) -> Answer:
    """Ask the run to stop. Raises UnknownRun."""
    return _answer(operating.cancel(run_id, order.actor, **_how(order)))


def retry(run_id: UUID, order: Order, *, step: str | None = None) -> Answer:
    """Let the failed run go on from its failed step, or from `step`. Raises UnknownRun."""
    return _answer(operating.retry(run_id, order.actor, step=step, **_how(order)))


def pause(run_id: UUID, order: Order) -> Answer:
    """Let no further step of the run start. Raises UnknownRun."""
    return _answer(operating.pause(run_id, order.actor, **_how(order)))


def resume(run_id: UUID, order: Order) -> Answer:
    """Let the paused or blocked run go on. Raises UnknownRun."""
    return _answer(operating.resume(run_id, order.actor, **_how(order)))


def skip_sleep(run_id: UUID, order: Order, *, key: str | None = None) -> Answer:
    """End the run's sleep, or the one with this key, now. Raises UnknownRun."""
    return _answer(operating.skip_sleep(run_id, order.actor, key=key, **_how(order)))


def retry_now(run_id: UUID, order: Order, *, key: str | None = None) -> Answer:
    """Skip what is left of the back-off of a step, or of the one with this key."""
    return _answer(operating.retry_now(run_id, order.actor, key=key, **_how(order)))


def resolve(
    run_id: UUID, order: Order, *, key: str, action: str, value: Any = None, message: str = ""
) -> Answer:
    """Say how an ambiguous step ended. Raises UnknownRun, and what a value may raise."""
    return _answer(
        operating.resolve(
            run_id,
            order.actor,
            key=key,
            action=action,
            value=value,
            message=message,
            **_how(order),
        )
    )


def fork(
    run_id: UUID, order: Order, *, step: str, input: Any = ..., token: UUID | None = None
) -> Answer:
    """Start a run that has this one's results from before `step`; `made` is its id.

    `token` names the form, so that sending it twice makes one run.

    Raises UnknownRun; and InvalidInput, NotSerializable and PayloadTooLarge for another
    input, and then nothing is written.
    """
    if (made := _made_by(token)) is not None:
        return Answer(True, made=made)
    try:
        deed = operating.fork(
            run_id, order.actor, step=step, input=input, form=token, **_how(order)
        )
    except IntegrityError:
        # The form was sent twice at the same time, and the other one was faster.
        if (made := _made_by(token)) is None:
            raise
        return Answer(True, made=made)
    return _answer(deed)


def _how(order: Order) -> dict[str, Any]:
    return {"reason": order.reason, "judge": order.refusal}


def _answer(deed: Deed) -> Answer:
    if deed.is_refused:
        return Answer(False, deed.detail, is_stale=deed.is_stale)
    return Answer(True, made=deed.made)


@dataclass(frozen=True, kw_only=True)
class Start:
    """A run to start. `token` names the form, so that sending it twice starts one run."""

    actor: Actor
    workflow: str
    version: str
    input: Any
    key: str
    token: UUID | None = None
    delay: Duration | None = None
    at: datetime | None = None
    tags: Mapping[str, Any] | None = None
    attributes: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Started:
    """The run of a start. `gone` is what its key still tells of it, if it was removed since."""

    run_id: UUID
    is_new: bool
    gone: Handle[Any] | None = None


def start(wanted: Start) -> Started:
    """Start a run, or find the one that this form or its key has started before.

    Raises InvalidInput, IdempotencyConflict, NotSerializable, PayloadTooLarge and
    TooManyStarts, and then nothing is written.
    """
    try:
        return _start(wanted)
    except IntegrityError:
        # The form was sent twice at the same time, and the other one was faster.
        if (made := _made_by(wanted.token)) is None:
            raise
        return Started(made, False)


@transaction.atomic
def _start(wanted: Start) -> Started:
    if (made := _made_by(wanted.token)) is not None:
        return Started(made, False)
    run, is_new = operating.start(
        wanted.workflow,
        wanted.input,
        wanted.actor,
        form=wanted.token,
        version=wanted.version,
        idempotency_key=wanted.key or None,
        delay=wanted.delay,
        at=wanted.at,
        tags=wanted.tags,
        attributes=wanted.attributes,
    )
    return Started(run.id, is_new, run if run.is_gone else None)


def _made_by(token: UUID | None) -> UUID | None:
    """The run that the form with this token has made, if it has been sent before."""
    known = audit.of_token(token)
    return None if known is None else known.run_id
