"""A recorded history, replayed against today's code as a worker would, and nothing else.

No database is asked, no step is executed and nothing is written: the body gets the recorded
outcomes, and what it asks for is compared with the journal.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.utils import timezone

from orchestrator import histories
from orchestrator.core import failures
from orchestrator.core.checkpoints import Checkpoint
from orchestrator.core.definition import Definition, registry
from orchestrator.core.errors import NonDeterminism
from orchestrator.core.journal import History
from orchestrator.engine.live import LiveRun
from orchestrator.histories import InvalidHistory, RecordedHistory
from orchestrator.models import Status
from orchestrator.store.records import Again, Block, Claim, Finish, Park, Save, Then

if TYPE_CHECKING:
    from orchestrator.workflow import Workflow

# Runs that were driven to the end of their body. A failed one may go on, with mended code.
_AT_THE_END = (Status.COMPLETED, Status.CANCELLED)


class ReplayFailed(NonDeterminism):
    """Today's code cannot go on with a recorded run: a worker would set it aside as blocked.

    `expected` is what the journal holds, `got` what the code asked for, `position` the
    place in the journal; empty when it is about something else. `cause_type` names the
    error of which the run would be blocked.
    """

    cause_type: str = NonDeterminism.__name__


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What a replay has come to.

    `status` is the recorded one; `outcomes` counts what the body was handed. `then` is how
    the body goes on: it ends (as "completed", "failed" or "cancelled"), "waits", or "goes on"
    with what it `asks` for.
    """

    run_id: UUID
    workflow: str
    version: str
    status: str
    outcomes: int
    then: str
    asks: tuple[str, ...] = ()


def replay_check(
    history: Mapping[str, Any] | str | Path, workflow: Workflow[Any, Any] | str | None = None
) -> Replay:
    """Replay a recorded history against today's code, without a database.

    `history` is what `manage.py runs export-history` has written: the path of the file, its
    text, or the parsed document. `workflow` replaces the one that it names: a `Workflow`,
    or the name of another, of which the recorded version is taken.

    Raises ReplayFailed, a NonDeterminism, when a worker with today's code could not go on
    with such a run, and when a completed run would not end there; InvalidHistory for what
    cannot be replayed; UnknownWorkflow when this process has no such code.
    """
    recorded = histories.read(history)
    return replay(recorded, _definition(recorded, workflow))


def replay(recorded: RecordedHistory, definition: Definition | None = None) -> Replay:
    """Like `replay_check`, of a history that is read already."""
    if not recorded.payloads:
        raise InvalidHistory(
            "this history was exported without payloads, and a body decides by them: export it "
            "without --no-payloads, before retention purges the run"
        )
    definition = definition or _definition(recorded, None)
    if recorded.run.started_at is None:
        return _replay_of(recorded, 0, "has not begun", ())
    claim = _claim(recorded)
    history = _history(recorded, claim.checkpoint)
    live = LiveRun(claim, definition, history, [])
    try:
        return _played(recorded, live, history)
    finally:
        live.drop()


def _history(recorded: RecordedHistory, checkpoint: Checkpoint | None) -> History:
    """The journal as a worker loads it: all of it, or what came after the checkpoint."""
    journal = recorded.journal
    if checkpoint is not None:
        first, kept = checkpoint.position, checkpoint.kept
        journal = [one for one in journal if one.position > first or one.key in kept]
    history = History.of(one.entry() for one in journal)
    if recorded.run.status in _AT_THE_END:
        # It has been past its last outcome, though it asked for nothing there.
        history.last_cause = max(history.last_seq, checkpoint.seq if checkpoint else 0)
    return history


def _definition(recorded: RecordedHistory, workflow: Workflow[Any, Any] | str | None) -> Definition:
    if workflow is None or isinstance(workflow, str):
        return registry.get(workflow or recorded.run.workflow, recorded.run.version)
    return workflow.definition


def _played(recorded: RecordedHistory, live: LiveRun, history: History) -> Replay:
    live.replay()
    now = timezone.now()
    save = live.take_save(now)
    then = save.then if save is not None else None
    if isinstance(then, Block):
        raise _failed(recorded, then.error)
    asks = _asks(save, [call.key for call in live.take_calls(now)])
    word = _word(then)
    if recorded.run.status in _AT_THE_END and word != recorded.run.status:
        got = _error(then) or f"the code asked for: {', '.join(asks) or 'more'}"
        raise _failed(recorded, _not_the_end(recorded.run.status, got, history.last_seq + 1))
    return _replay_of(recorded, len(history.outcomes), word, asks)


def _asks(save: Save | None, steps: list[str]) -> tuple[str, ...]:
    opened = [f"{entry.kind} {entry.key!r}" for entry in save.opened] if save else []
    # What is to happen at most once is opened as well.
    return tuple(dict.fromkeys([*opened, *(f"step {key!r}" for key in steps)]))


def _word(then: Then | None) -> str:
    match then:
        case Finish():
            return str(then.status)
        case Again():
            return str(Status.FAILED)
        case Park():
            return "waits"
    return "goes on"


def _error(then: Then | None) -> str:
    """Of what the body failed; "" if it has not."""
    error = then.error if isinstance(then, Finish | Again) else None
    return f"the code failed: {failures.summary(dict(error))}" if error else ""


def _not_the_end(status: str, got: str, position: int) -> dict[str, Any]:
    """A run that has completed or was cancelled must come to its end again."""
    return {
        "type": NonDeterminism.__name__,
        "message": f"journal position {position}: the run ended here ({status}), but {got}",
        "expected": f"the end: {status}",
        "got": got,
        "position": position,
    }


def _failed(recorded: RecordedHistory, error: Mapping[str, Any]) -> ReplayFailed:
    run = recorded.run
    kind = "" if error["type"] == NonDeterminism.__name__ else f"{error['type']}: "
    failed = ReplayFailed(
        f"{run.workflow} {run.version}, run {run.id}: {kind}{error['message']}",
        expected=str(error.get("expected", "")),
        got=str(error.get("got", "")),
        position=int(error.get("position", 0)),
    )
    failed.cause_type = str(error["type"])
    return failed


def _replay_of(
    recorded: RecordedHistory, outcomes: int, then: str, asks: tuple[str, ...]
) -> Replay:
    run = recorded.run
    return Replay(
        run_id=run.id,
        workflow=run.workflow,
        version=run.version,
        status=run.status,
        outcomes=outcomes,
        then=then,
        asks=asks,
    )


def _claim(recorded: RecordedHistory) -> Claim:
    """What a worker would hold."""
    run = recorded.run
    assert run.started_at is not None
    seqs = (entry.seq or 0 for entry in recorded.journal)
    stood = None if run.checkpoint is None else json.dumps(run.checkpoint)
    return Claim(
        run_id=run.id,
        epoch=1,
        wake_seq=0,
        seq=max(seqs, default=0),
        checkpoint=Checkpoint.of(stood),
        crashes=0,
        workflow=run.workflow,
        version=run.version,
        attempt=run.attempt,
        input=json.dumps(run.input),
        initiator=run.initiator,
        tags=run.tags,
        generation=run.generation,
        scheduled_at=run.scheduled_at,
        attributes={},
        progress=(None, ""),
        # Every line is stored already, so none is written again.
        logged=sys.maxsize,
        parent_id=None,
        parent_key="",
        concurrency_key="",
        queue="",
        priority=0,
        started_at=run.started_at,
        cancel_requested_at=None,
        cancel_reason="",
        in_flight=[],
        is_first=False,
        at=run.started_at,
    )
