"""How a run's body begins: its input, its context, its coroutine."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from orchestrator.conf import conf
from orchestrator.core.body import Body
from orchestrator.core.codec import decode
from orchestrator.core.context import Context, played
from orchestrator.core.definition import Definition
from orchestrator.core.info import RunInfo
from orchestrator.core.journal import History
from orchestrator.engine import effects
from orchestrator.store.records import Claim


def told(claim: Claim, history: History) -> dict[str, Any]:
    """What the last attempts of steps that have not ended have told, by key."""
    known = {key: (entry.detail or {}).get("details") for key, entry in history.open.items()}
    # Later than the journal: a worker has died since.
    known |= {one["key"]: one.get("details") for one in claim.in_flight}
    return {key: details for key, details in known.items() if details is not None}


def play(claim: Claim, definition: Definition, body: Body) -> Coroutine[Any, Any, Any]:
    """The author's coroutine, with its context. Raises UndecodableValue for a stale input."""
    value = decode(claim.input)
    info = RunInfo(
        run_id=claim.run_id,
        workflow=claim.workflow,
        version=claim.version,
        attempt=claim.attempt,
        input=value,
        initiator=claim.initiator,
        tags=claim.tags,
        scheduled_at=claim.scheduled_at,
    )
    retry = definition.step_retry or conf.STEP_RETRY
    context: Context[Any] = Context(body, info, retry, effects)
    args = (context, value) if definition.takes_input else (context,)
    return played(context, definition.fn, args, compensates=definition.compensate)
