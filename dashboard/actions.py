"""What operators do to runs: each verb one transaction with its row of the audit.

A verb is applied to the run that the operator saw. If that has changed meanwhile, nothing
is done; refusals leave a row as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from dashboard import audit
from dashboard.audit import Actor
from dashboard.payloads import plain
from dashboard.queries import run as queries
from dashboard.verbs import CANCEL
from humantasks.present import look
from orchestrator import client
from orchestrator.core.codec import encode
from orchestrator.core.durations import Duration
from orchestrator.core.errors import (
    ActionRefused,
    IdempotencyConflict,
    UndecodableValue,
    UnknownRun,
    UnknownWorkflow,
)
from orchestrator.models import Run, Status
from orchestrator.run import Delivery
from orchestrator.run import Run as Handle


@dataclass(frozen=True, kw_only=True)
class Order:
    """What an operator asks for, and the run as they saw it; None: whatever it is by now."""

    actor: Actor
    expected_rev: int | None = None
    expected_status: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Answer:
    """What came of it. Not applied: `refusal` says why, and nothing was changed."""

    applied: bool
    refusal: str = ""
    # Whether it was refused because the run is not the one that the operator saw.
    is_stale: bool = False
    # The run that was made, if one was.
    made: UUID | None = None


Act = Callable[[Run], Answer]


def cancel(run_id: UUID, order: Order) -> Answer:
    """Ask the run to stop. Raises UnknownRun."""

    def act(run: Run) -> Answer:
        refusal = CANCEL.refusal(run)
        if not refusal and not client.cancel(run_id, reason=order.reason):
            # The row is locked, so nobody can have been faster since it was read.
            refusal = "The engine did not take it"
        return Answer(not refusal, refusal)

    return _act("cancel", run_id, order, act)


def retry(run_id: UUID, order: Order, *, step: str | None = None) -> Answer:
    """Let the failed run go on from its failed step, or from `step`. Raises UnknownRun."""
    if step is None:
        return _act("retry", run_id, order, _asking(client.retry, run_id))
    return _act("retry from", run_id, order, _asking(client.retry_from, run_id, step), about=step)


def pause(run_id: UUID, order: Order) -> Answer:
    """Let no further step of the run start. Raises UnknownRun."""
    return _act("pause", run_id, order, _asking(client.pause, run_id))


def resume(run_id: UUID, order: Order) -> Answer:
    """Let the paused or blocked run go on. Raises UnknownRun."""
    return _act("resume", run_id, order, _asking(client.resume, run_id))


def skip_sleep(run_id: UUID, order: Order, *, key: str | None = None) -> Answer:
    """End the run's sleep, or the one with this key, now. Raises UnknownRun."""
    sent_by = order.actor.user.get_username()
    act = _asking(client.skip_sleep, run_id, key, sent_by=sent_by)
    return _act("skip sleep", run_id, order, act, about=key or "")


def fork(run_id: UUID, order: Order, *, step: str, input: Any = ...) -> Answer:
    """Start a run that has this one's results from before `step`; `made` is its id.

    Raises UnknownRun; and InvalidInput, NotSerializable and PayloadTooLarge for another
    input, and then nothing is written.
    """

    def act(_run: Run) -> Answer:
        try:
            new = client.fork(run_id, step, input=input, initiator=order.actor.user)
        except (ActionRefused, UnknownWorkflow, UndecodableValue) as refused:
            return Answer(False, str(refused))
        return Answer(True, made=new.id)

    return _act("fork", run_id, order, act, about=step)


def _asking(verb: Callable[..., object], *args: object, **kwargs: object) -> Act:
    """Ask the engine, which refuses in its own words."""

    def act(_run: Run) -> Answer:
        try:
            verb(*args, **kwargs)
        except ActionRefused as refused:
            return Answer(False, str(refused))
        return Answer(True)

    return act


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
        known = audit.of_token(wanted.token)
        if known is None or known.run_id is None:
            raise
        return Started(known.run_id, False)


@transaction.atomic
def _start(wanted: Start) -> Started:
    known = audit.of_token(wanted.token)
    if known is not None and known.run_id is not None:
        return Started(known.run_id, False)
    run, is_new = client.start_or_find(
        wanted.workflow,
        wanted.input,
        version=wanted.version,
        idempotency_key=wanted.key or None,
        initiator=wanted.actor.user,
        delay=wanted.delay,
        at=wanted.at,
        tags=wanted.tags,
        attributes=wanted.attributes,
    )
    audit.record(
        wanted.actor,
        "start",
        run_id=run.id,
        outcome=audit.Outcome.APPLIED,
        detail="" if is_new else "The key belonged to this run already",
        after=run.status,
        token=wanted.token,
    )
    return Started(run.id, is_new, run if run.is_gone else None)


@dataclass(frozen=True, kw_only=True)
class Sending:
    """An event to send: to a run, or with `run_id=None` to all that wait for it."""

    actor: Actor
    run_id: UUID | None
    name: str
    payload: Any
    key: str | None
    event_id: str | None


@transaction.atomic
def send_event(wanted: Sending) -> Delivery:
    """Send an event, and write it down.

    One that was sent before with the same id is not sent again, and leaves no row. Raises
    InvalidInput, NotSerializable, PayloadTooLarge, ValueError for a name that nobody can
    wait for, and IdempotencyConflict when the id belongs to another event.
    """
    fields: dict[str, Any] = {
        "key": wanted.key,
        "event_id": wanted.event_id,
        "sent_by": wanted.actor.user.get_username(),
    }
    if wanted.run_id is None:
        delivery = client.broadcast(wanted.name, wanted.payload, **fields)
    else:
        delivery = client.send_event(wanted.name, wanted.payload, run_id=wanted.run_id, **fields)
    if delivery.is_duplicate:
        _same_event(wanted)
        return delivery
    is_refused = wanted.run_id is not None and not delivery.delivered
    audit.record(
        wanted.actor,
        "send event",
        run_id=wanted.run_id,
        outcome=audit.Outcome.REJECTED if is_refused else audit.Outcome.APPLIED,
        detail=f"{wanted.name}: {delivery.reason}" if delivery.reason else wanted.name,
    )
    return delivery


def _same_event(wanted: Sending) -> None:
    """Raise IdempotencyConflict if what was sent with this id is another event."""
    known = queries.event_with_id(str(wanted.event_id), wanted.run_id)
    given = (wanted.name, wanted.key, plain(encode(wanted.payload)))
    if known is not None and (known.name, known.correlation, plain(known.payload)) != given:
        raise IdempotencyConflict(f"the id {wanted.event_id!r} belongs to another event")


@transaction.atomic
def _act(name: str, run_id: UUID, order: Order, act: Act, *, about: str = "") -> Answer:
    """Do it to the run that the operator saw, and write it down either way.

    `about` is the step that it is about, if it is about one.
    """
    run = queries.locked(run_id)
    if run is None:
        raise UnknownRun(f"no run has the id {run_id}")
    stale = _stale(run, order)
    answer = Answer(False, stale, is_stale=True) if stale else act(run)
    audit.record(
        order.actor,
        name,
        run_id=run_id,
        outcome=audit.Outcome.APPLIED if answer.applied else audit.Outcome.REJECTED,
        reason=order.reason,
        detail=answer.refusal or _detail(about, answer.made),
        before=run.status,
        after=queries.status_of(run_id) if answer.applied else run.status,
    )
    return answer


def _detail(about: str, made: UUID | None) -> str:
    said = [f"Step {about}" if about else "", f"made the run {made}" if made else ""]
    return ": ".join(filter(None, said))


def _stale(run: Run, order: Order) -> str:
    """Why the run is not the one that the operator saw; empty when it is.

    A run that was running and still is has changed with each of its steps; that is what
    the operator saw, and the last moment to stop it should not be missed for it.
    """
    if order.expected_rev is None or run.rev == order.expected_rev:
        return ""
    if run.status == order.expected_status == Status.RUNNING and not run.cancel_requested_at:
        return ""
    now = look(run.status).word.lower()
    if not order.expected_status:
        return f"The run has changed since it was read. Now it is {now}."
    if run.status == order.expected_status:
        return f"The run has changed since your page was made. It is {now}, as before."
    return (
        f"The run has changed since your page was made: "
        f"it was {look(order.expected_status).word.lower()}, now it is {now}."
    )
