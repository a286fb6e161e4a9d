"""What comes of the attempts of a run's steps: an outcome, or another attempt."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from orchestrator.core import failures
from orchestrator.core.journal import COMPLETED, FAILED, Entry
from orchestrator.engine import entries
from orchestrator.engine.draft import Draft
from orchestrator.engine.executing import Executing, Running
from orchestrator.engine.executor import Call, Ended
from orchestrator.engine.pending import Pending
from orchestrator.store.records import FailedAttempt


class Attempts:
    """Judges the attempts of one run's steps, and notes in the draft what is to be recorded."""

    def __init__(self, workflow: str, running: Executing, pending: Pending, draft: Draft) -> None:
        self._workflow = workflow
        self._running = running
        self._pending = pending
        self._draft = draft

    def outcome(self, running: Running, ended: Ended) -> Entry | None:
        """What the body is to be told of an attempt; None if the step is to be tried again."""
        if ended.recorded is not None:
            return ended.recorded
        self._draft.save.lines += ended.call.lines
        if ended.error is not None:
            return self._failed(running, ended, ended.error)
        self._keep_for_others(running, ended)
        return self._entry(running, ended, status=COMPLETED, value=ended.value)

    def recorded_by_itself(
        self, call: Call, value: str, started_at: datetime, finished_at: datetime
    ) -> Entry:
        """The outcome that an atomic step records in its own transaction."""
        ended = Ended(call=call, started_at=started_at, finished_at=finished_at)
        return self._entry(self._running[call.key], ended, status=COMPLETED, value=value)

    def _failed(self, running: Running, ended: Ended, error: BaseException) -> Entry | None:
        step, number = running.step, running.call.number
        failure = failures.record(error)
        self._draft.save.attempts.append(
            FailedAttempt(
                key=step.key,
                number=number,
                error=failure,
                started_at=ended.started_at,
                finished_at=ended.finished_at,
                details=ended.call.pulse.details,
            )
        )
        before = self._pending.attempts_before(step.key)
        if step.is_abandoned or not step.retry.allows(error, number - before):
            return self._entry(running, ended, status=FAILED, error=failure)
        due_at = ended.finished_at + step.retry.delay(number - before, error)
        self._pending.retry(step, number + 1, due_at)
        self._draft.save.opened.append(
            entries.retrying(
                step,
                ended,
                before=before,
                error=failure,
                since=self._pending.started_at(step.key) or ended.started_at,
                due_at=due_at,
            )
        )
        return None

    def _entry(self, running: Running, ended: Ended, **fields: Any) -> Entry:
        return entries.entry_of(
            running.step,
            seq=self._draft.take_seq(),
            attempt=running.call.number,
            # Of the first attempt: what the body sees now is what a replay will see.
            started_at=self._pending.started_at(running.step.key) or ended.started_at,
            finished_at=ended.finished_at,
            detail=entries.last_attempt(running.step, ended),
            **fields,
        )

    def _keep_for_others(self, running: Running, ended: Ended) -> None:
        """The result of a step with a key of its own counts for every run of the workflow."""
        key = running.step.idempotency_key
        if key is not None and ended.value is not None and not ended.is_known:
            self._draft.save.step_keys.append((self._workflow, key, ended.value))
