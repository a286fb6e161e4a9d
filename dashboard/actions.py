"""What operators do to runs: each verb one transaction with its row of the audit.

A verb is applied to the run that the operator saw. If that has changed meanwhile, nothing
is done; refusals leave a row as well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from dashboard import audit
from dashboard.audit import Actor
from dashboard.present import look
from dashboard.queries import run as queries
from dashboard.verbs import CANCEL, RETRY, Verb
from orchestrator import client
from orchestrator.core.errors import ActionRefused, UnknownRun
from orchestrator.models import Run, Status


@dataclass(frozen=True, kw_only=True)
class Order:
    """What an operator asks for, and the run as their page showed it."""

    actor: Actor
    expected_rev: int
    expected_status: str
    reason: str = ""


@dataclass(frozen=True)
class Answer:
    """What came of it. Not applied: `refusal` says why, and nothing was changed."""

    applied: bool
    refusal: str = ""


def cancel(run_id: UUID, order: Order) -> Answer:
    """Ask the run to stop. Raises UnknownRun."""

    def act(run: Run) -> str:
        refusal = CANCEL.refusal(run)
        if not refusal and not client.cancel(run_id, reason=order.reason):
            # The row is locked, so nobody can have been faster since it was read.
            refusal = "The engine did not take it"
        return refusal

    return _act(CANCEL, run_id, order, act)


def retry(run_id: UUID, order: Order) -> Answer:
    """Let the failed run go on from its failed step. Raises UnknownRun."""

    def act(_run: Run) -> str:
        try:
            client.retry(run_id)
        except ActionRefused as refused:
            return str(refused)
        return ""

    return _act(RETRY, run_id, order, act)


@dataclass(frozen=True, kw_only=True)
class Start:
    """A run to start. `token` names the form, so that sending it twice starts one run."""

    actor: Actor
    workflow: str
    version: str
    input: Any
    key: str
    token: UUID


def start(wanted: Start) -> tuple[UUID, bool]:
    """Start a run, or find the one that this form or its key has started before.

    Returns its id and whether it is new. Raises InvalidInput, IdempotencyConflict,
    NotSerializable and PayloadTooLarge, and then nothing is written.
    """
    try:
        return _start(wanted)
    except IntegrityError:
        # The form was sent twice at the same time, and the other one was faster.
        known = audit.of_token(wanted.token)
        if known is None or known.run_id is None:
            raise
        return known.run_id, False


@transaction.atomic
def _start(wanted: Start) -> tuple[UUID, bool]:
    known = audit.of_token(wanted.token)
    if known is not None and known.run_id is not None:
        return known.run_id, False
    run, is_new = client.start_or_find(
        wanted.workflow,
        wanted.input,
        version=wanted.version,
        idempotency_key=wanted.key or None,
        initiator=wanted.actor.user,
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
    return run.id, is_new


@transaction.atomic
def _act(verb: Verb, run_id: UUID, order: Order, act: Callable[[Run], str]) -> Answer:
    """Do it to the run that the operator saw, and write it down either way."""
    run = queries.locked(run_id)
    if run is None:
        raise UnknownRun(f"no run has the id {run_id}")
    refusal = _stale(run, order) or act(run)
    audit.record(
        order.actor,
        verb.name,
        run_id=run_id,
        outcome=audit.Outcome.REJECTED if refusal else audit.Outcome.APPLIED,
        reason=order.reason,
        detail=refusal,
        before=run.status,
        after=run.status if refusal else queries.status_of(run_id),
    )
    return Answer(not refusal, refusal)


def _stale(run: Run, order: Order) -> str:
    """Why the run is not the one that the operator saw; empty when it is.

    A run that was running and still is has changed with each of its steps; that is what
    the operator saw, and the last moment to stop it should not be missed for it.
    """
    if run.rev == order.expected_rev:
        return ""
    if run.status == order.expected_status == Status.RUNNING and not run.cancel_requested_at:
        return ""
    now = look(run.status).word.lower()
    if run.status == order.expected_status:
        return f"The run has changed since your page was made. It is {now}, as before."
    return (
        f"The run has changed since your page was made: "
        f"it was {look(order.expected_status).word.lower()}, now it is {now}."
    )
