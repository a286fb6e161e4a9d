"""What other apps may do to runs: start, send, cancel, retry. Each verb joins the caller's
transaction, and tells the workers when that has committed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from orchestrator import clock, hints, models
from orchestrator.conf import conf
from orchestrator.core import codec
from orchestrator.core.definition import registry
from orchestrator.core.durations import Duration, parse_duration
from orchestrator.core.errors import UnknownRun
from orchestrator.database import ALIAS
from orchestrator.models import Status
from orchestrator.run import Delivery, Run
from orchestrator.store import runs

MAX_KEY = 255


def start(
    workflow: str,
    input: Any = None,
    *,
    version: str | None = None,
    idempotency_key: str | None = None,
    delay: Duration | None = None,
    at: datetime | None = None,
    initiator: Any = None,
    tags: Mapping[str, Any] | None = None,
) -> Run[Any]:
    """Start a run of the named workflow. See `Workflow.start`, which is typed."""
    run, _ = start_or_find(
        workflow,
        input,
        version=version,
        idempotency_key=idempotency_key,
        delay=delay,
        at=at,
        initiator=initiator,
        tags=tags,
    )
    return run


def start_or_find(
    workflow: str,
    input: Any = None,
    *,
    version: str | None = None,
    idempotency_key: str | None = None,
    delay: Duration | None = None,
    at: datetime | None = None,
    initiator: Any = None,
    tags: Mapping[str, Any] | None = None,
) -> tuple[Run[Any], bool]:
    """Like `start`; also says whether the run is new."""
    definition = registry.get(workflow, version)
    value = definition.validate_input(input)
    wait = _delay(delay, at)
    row = models.Run(
        workflow=definition.name,
        version=definition.version,
        status=Status.SCHEDULED if wait else Status.PENDING,
        idempotency_key=_key(
            definition.key_for(value) if idempotency_key is None else idempotency_key
        ),
        priority=definition.priority,
        initiator=models.initiator_label(initiator),
        tags=dict(definition.tags) | dict(tags or {}),
        input=codec.encode(value, root="input", limit=conf.MAX_PAYLOAD),
    )
    row, is_new = runs.create(row, delay=wait)
    if is_new and not wait:
        _tell_workers(row.id)
    return Run(row), is_new


def send_event(
    name: str,
    payload: Any = None,
    *,
    run_id: UUID | str,
    key: str | None = None,
    event_id: str | None = None,
    sent_by: str = "",
) -> Delivery:
    """Send an event to one run. See `orchestrator.send_event`."""
    if not name or len(name) > MAX_KEY or name.startswith("@"):
        raise ValueError(
            f"an event's name is a text of 1 to {MAX_KEY} characters without a leading @: {name!r}"
        )
    found = _uuid(run_id)
    if found is None:
        return Delivery(False, "no run has this id")
    text = codec.encode(payload, root="payload", limit=conf.MAX_PAYLOAD)
    sent = runs.send(
        found, name, text, correlation=_key(key), event_id=_key(event_id), sent_by=sent_by
    )
    if not sent.delivered:
        return Delivery(False, sent.reason)
    _tell_workers(found)
    return Delivery(True, "", (found,))


def answer_wait(run_id: UUID, key: str, payload: Any) -> bool:
    """Answer the open wait `key` of a run. False, and nothing is written, if the run has ended."""
    text = codec.encode(payload, root="answer", limit=conf.MAX_PAYLOAD)
    if not runs.send(run_id, f"@{key}", text).delivered:
        return False
    _tell_workers(run_id)
    return True


def hold(run_id: UUID) -> bool:
    """Lock a run until the caller's transaction ends. False if it takes no more answers."""
    return runs.hold(run_id)


def cancel(run_id: UUID | str, *, reason: str = "") -> bool:
    """Ask a run to stop. See `Run.cancel`. Raises UnknownRun."""
    found = _known(run_id)
    done = runs.cancel(found, reason=reason, note=reason)
    if done:
        _tell_workers(found)
    return done


def retry(run_id: UUID | str) -> None:
    """Let a failed run go on. See `Run.retry`. Raises UnknownRun and ActionRefused."""
    found = _known(run_id)
    runs.reopen(found)
    _tell_workers(found)


def get_run(run_id: UUID | str) -> Run[Any]:
    """The run with this id. Raises UnknownRun."""
    row = models.Run.objects.filter(id=_known(run_id)).first()
    if row is None:
        raise UnknownRun(f"no run has the id {run_id}")
    return Run(row)


def _tell_workers(run_id: UUID) -> None:
    # robust: a hint that fails must not make the caller believe that its data is lost.
    transaction.on_commit(lambda: hints.send(run_id), using=ALIAS, robust=True)


def _delay(delay: Duration | None, at: datetime | None) -> timedelta:
    if delay is not None and at is not None:
        raise ValueError("give delay= or at=, not both")
    if delay is not None:
        return parse_duration(delay)
    if at is None:
        return timedelta(0)
    if at.tzinfo is None:
        raise ValueError(f"at= needs a time zone: {at!r}")
    return max(at - clock.now(), timedelta(0))


def _key(key: str | None) -> str | None:
    if key is None:
        return None
    if not key or len(key) > MAX_KEY or "\x00" in key:
        raise ValueError(f"a key is a text of 1 to {MAX_KEY} characters, not {key!r}")
    return key


def _known(run_id: UUID | str) -> UUID:
    found = _uuid(run_id)
    if found is None:
        raise UnknownRun(f"no run has the id {run_id!r}")
    return found


def _uuid(run_id: UUID | str) -> UUID | None:
    try:
        return run_id if isinstance(run_id, UUID) else UUID(run_id)
    except (ValueError, AttributeError, TypeError):
        return None
