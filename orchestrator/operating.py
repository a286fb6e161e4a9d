"""What operators do with commands, each told to whoever keeps an audit.

The engine keeps none. An app that does registers a witness, which is called in the
transaction of each deed, also of one that the engine refused: what was done and the record
of it commit together or not at all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.db import transaction

from orchestrator import client, models
from orchestrator.core.errors import ActionRefused, UnknownRun, UnknownWorkflow
from orchestrator.database import ALIAS
from orchestrator.run import Delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """Who acts. `username` is that of a user, if they gave one; `label` is always there."""

    label: str
    username: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What an operator did to a run, or tried to.

    `run_id` is None for an event to no run in particular. `detail` says what came of it, or
    why it was refused.
    """

    operator: Operator
    verb: str
    run_id: UUID | None
    reason: str = ""
    detail: str = ""
    before: str = ""
    after: str = ""
    is_refused: bool = False


Witness = Callable[[Deed], object]

_witnesses: list[Witness] = []


def register(witness: Witness) -> None:
    """Have `witness` told of every deed; call it in `AppConfig.ready`."""
    _witnesses.append(witness)


def cancel(run_id: UUID, by: Operator, *, reason: str = "") -> Deed:
    """Ask a run to stop. Raises UnknownRun; a refusal is said by the deed."""

    def act() -> str:
        if client.cancel(run_id, reason=reason):
            return ""
        status = models.Run.objects.values_list("status", flat=True).get(id=run_id)
        ended = status in models.FINAL
        raise ActionRefused(f"it is {status}" if ended else "it was asked to stop before")

    return _act(Deed(operator=by, verb="cancel", run_id=run_id, reason=reason), run_id, act)


def pause(run_id: UUID, by: Operator, *, reason: str = "") -> Deed:
    """Let no further step of a run start. Raises UnknownRun."""
    deed = Deed(operator=by, verb="pause", run_id=run_id, reason=reason)
    return _act(deed, run_id, lambda: client.pause(run_id))


def resume(run_id: UUID, by: Operator, *, reason: str = "") -> Deed:
    """Let a paused or blocked run go on. Raises UnknownRun."""
    deed = Deed(operator=by, verb="resume", run_id=run_id, reason=reason)
    return _act(deed, run_id, lambda: client.resume(run_id))


def retry(run_id: UUID, by: Operator, *, step: str | None = None, reason: str = "") -> Deed:
    """Let a failed run go on from its failed step, or from `step`. Raises UnknownRun."""
    if step is None:
        deed = Deed(operator=by, verb="retry", run_id=run_id, reason=reason)
        return _act(deed, run_id, lambda: client.retry(run_id))
    about = f"Step {step}"
    deed = Deed(operator=by, verb="retry from", run_id=run_id, reason=reason, detail=about)
    return _act(deed, run_id, lambda: client.retry_from(run_id, step))


def fork(
    run_id: UUID, by: Operator, *, step: str, input: Any = ..., reason: str = ""
) -> tuple[Deed, UUID | None]:
    """Start a run with the results that another had before `step`; the deed, and its id.

    Raises UnknownRun, and InvalidInput for another input that does not fit.
    """
    made: list[UUID] = []

    def act() -> str:
        initiator = by.username or by.label
        made.append(client.fork(run_id, step, input=input, initiator=initiator).id)
        return f"Step {step}: made the run {made[0]}"

    deed = _act(Deed(operator=by, verb="fork", run_id=run_id, reason=reason), run_id, act)
    return deed, made[0] if made else None


@transaction.atomic(using=ALIAS)
def send_event(
    name: str,
    payload: Any,
    by: Operator,
    *,
    run_id: UUID | None = None,
    key: str | None = None,
    event_id: str | None = None,
    reason: str = "",
) -> Delivery:
    """Send an event to a run, or to all that wait for it. Raises ValueError for a bad name."""
    options: dict[str, Any] = {"key": key, "event_id": event_id, "sent_by": by.label}
    if run_id is None:
        delivery = client.broadcast(name, payload, **options)
    else:
        delivery = client.send_event(name, payload, run_id=run_id, **options)
    detail = f"{name}: {delivery.reason}" if delivery.reason else name
    deed = Deed(operator=by, verb="send event", run_id=run_id, reason=reason, detail=detail)
    _tell(replace(deed, is_refused=run_id is not None and not delivery.delivered))
    return delivery


@transaction.atomic(using=ALIAS)
def _act(deed: Deed, run_id: UUID, act: Callable[[], str | None]) -> Deed:
    """Do it, and tell the witnesses either way."""
    before = _locked_status(run_id)
    try:
        # An error takes back what it did, and not what the witnesses write.
        with transaction.atomic(using=ALIAS):
            detail = act() or deed.detail
    except (ActionRefused, UnknownWorkflow) as refused:
        done = replace(deed, detail=str(refused), before=before, after=before, is_refused=True)
    else:
        after = models.Run.objects.values_list("status", flat=True).get(id=run_id)
        done = replace(deed, detail=detail, before=before, after=after)
    _tell(done)
    return done


def _locked_status(run_id: UUID) -> str:
    """The run's status, held until the transaction ends."""
    found = models.Run.objects.select_for_update(no_key=True).filter(id=run_id)
    status = found.values_list("status", flat=True).first()
    if status is None:
        raise UnknownRun(f"no run has the id {run_id}")
    return str(status)


def _tell(deed: Deed) -> None:
    for witness in _witnesses:
        witness(deed)
