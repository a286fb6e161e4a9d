"""What comes of the attempts of a run's steps: an outcome, or another attempt."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from orchestrator.core import failures
from orchestrator.core.body import Body
from orchestrator.core.commands import Command, StepCall
from orchestrator.core.journal import COMPLETED, FAILED, Entry
from orchestrator.engine import entries, handing
from orchestrator.engine.draft import Draft
from orchestrator.engine.executing import Executing
from orchestrator.engine.executor import Call, Ended
from orchestrator.engine.handing import Report
from orchestrator.engine.pending import Pending
from orchestrator.models import REPORT
from orchestrator.store.handed import DONE, WITHDRAWN
from orchestrator.store.records import FailedAttempt, Mail


class Attempts:
    """Judges the attempts of one run's steps, and notes in the draft what is to be recorded."""

    def __init__(self, workflow: str, running: Executing, pending: Pending, draft: Draft) -> None:
        self._workflow = workflow
        self._running = running
        self._pending = pending
        self._draft = draft

    def outcome(self, step: StepCall, ended: Ended, *, worker: str = "") -> Entry | None:
        """What the body is to be told of an attempt; None if the step is to be tried again.

        `worker` is who made it, if that was another than this.
        """
        if ended.recorded is not None:
            return ended.recorded
        self._draft.save.lines += ended.call.lines
        if ended.error is not None:
            return self._failed(step, ended, ended.error, worker)
        self._keep_for_others(step, ended)
        return self._entry(step, ended, status=COMPLETED, value=ended.value)

    def heard(self, mailbox: list[Mail], body: Body, has_ended: bool) -> Entry | None:
        """What came of steps that were handed out: the next outcome, None when there is none.

        Takes the reports that it has looked at out of the mailbox.
        """
        for mail in [one for one in mailbox if one.name.startswith(REPORT)]:
            mailbox.remove(mail)
            key = mail.name.removeprefix(REPORT)
            self._draft.save.heard.append((mail.id, key))
            command = body.asked.get(key)
            is_wanted = command is not None and not command.is_abandoned and not has_ended
            if outcome := self._reported(key, Report.read(mail), command, is_wanted=is_wanted):
                return outcome
        return None

    def _reported(
        self, key: str, report: Report, command: Command | None, *, is_wanted: bool
    ) -> Entry | None:
        """What the body is to be told of an attempt that another worker was to make.

        None if there is nothing to tell, or if the step is to be tried again. `is_wanted`:
        the body still waits for it.
        """
        entry = self._pending.heard_of(key, report.number)
        if entry is None:
            return None
        if isinstance(command, StepCall) and report.how == DONE:
            call = self._running.elsewhere(
                command, report.number, found=report.found, told=report.told
            )
            return self.outcome(command, report.ended(call), worker=report.worker)
        if not isinstance(command, StepCall) or not is_wanted:
            self._draft.save.closed.append(entry)
        elif report.how == WITHDRAWN:
            self._pending.again(command, report.number)
        else:
            since = entry.started_at or self._draft.save.claim.at
            self._draft.save.opened += self._pending.lost(command, report.number, since)
        return None

    def hand_out(self, now: datetime) -> None:
        """Note the steps that any worker may execute now. Raises TypeError."""
        for step, number in self._pending.take_remote(now):
            claim = self._draft.save.claim
            handed = handing.handed_out(step, self._running.prepare(step, number), claim)
            self._draft.save.handed_out.append(handed)
            known = self._draft.take_opened(step.key) or self._pending.opened.get(step.key)
            self._draft.save.opened.append(
                entries.queued(step, known, number=number, queue=handed.queue, now=now)
            )

    def recorded_by_itself(
        self, call: Call, value: str, started_at: datetime, finished_at: datetime
    ) -> Entry:
        """The outcome that an atomic step records in its own transaction."""
        ended = Ended(call=call, started_at=started_at, finished_at=finished_at)
        step = self._running[call.key].step
        return self._entry(step, ended, status=COMPLETED, value=value)

    def _failed(
        self, step: StepCall, ended: Ended, error: BaseException, worker: str
    ) -> Entry | None:
        number = ended.call.number
        failure = ended.failure or failures.record(error)
        self._draft.save.attempts.append(
            FailedAttempt(
                key=step.key,
                number=number,
                error=failure,
                started_at=ended.started_at,
                finished_at=ended.finished_at,
                details=ended.call.pulse.details,
                worker=worker,
            )
        )
        before = self._pending.attempts_before(step.key)
        if step.is_abandoned or not step.retry.allows(error, number - before):
            return self._entry(step, ended, status=FAILED, error=failure)
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

    def _entry(self, step: StepCall, ended: Ended, **fields: Any) -> Entry:
        return entries.entry_of(
            step,
            seq=self._draft.take_seq(),
            attempt=ended.call.number,
            # Of the first attempt: what the body sees now is what a replay will see.
            started_at=self._pending.started_at(step.key) or ended.started_at,
            finished_at=ended.finished_at,
            detail=entries.last_attempt(step, ended),
            **fields,
        )

    def _keep_for_others(self, step: StepCall, ended: Ended) -> None:
        """The result of a step with a key of its own counts for every run of the workflow."""
        key = step.idempotency_key
        if key is not None and ended.value is not None and not ended.is_known:
            self._draft.save.step_keys.append((self._workflow, key, ended.value))
