"""Steps that any worker may execute: how they are handed out, and what is reported of them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from orchestrator.conf import conf
from orchestrator.core import failures
from orchestrator.core.classes import find_class
from orchestrator.core.commands import StepCall
from orchestrator.core.errors import UndecodableValue
from orchestrator.engine import effects
from orchestrator.engine.executor import Call, Ended
from orchestrator.store.handed import DONE
from orchestrator.store.records import Claim, HandedOut, Mail


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came of an attempt that another worker was to make. Travels as JSON."""

    number: int
    how: str
    worker: str = ""
    started_at: str = ""
    finished_at: str = ""
    value: str | None = None
    error: dict[str, Any] | None = None
    # The value was recorded before, by another run.
    is_known: bool = False
    # What the attempt had found of the one before, and what it has told.
    found: Any = None
    told: Any = None

    @classmethod
    def of(cls, ended: Ended, worker: str) -> Report:
        """How an attempt ended that was made here."""
        call = ended.call
        return cls(
            number=call.number,
            how=DONE,
            worker=worker,
            started_at=ended.started_at.isoformat(),
            finished_at=ended.finished_at.isoformat(),
            value=ended.value,
            error=None if ended.error is None else failures.record(ended.error),
            is_known=ended.is_known,
            found=call.details,
            told=call.pulse.details,
        )

    @classmethod
    def read(cls, mail: Mail) -> Report:
        return cls(**json.loads(mail.payload))

    def text(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)

    def ended(self, call: Call) -> Ended:
        """The attempt, as if it had been made here. `call` is what it was asked to do."""
        return Ended(
            call=call,
            started_at=datetime.fromisoformat(self.started_at),
            finished_at=datetime.fromisoformat(self.finished_at),
            value=self.value,
            error=None if self.error is None else _raised(self.error, call),
            failure=self.error,
            is_known=self.is_known,
        )


def handed_out(step: StepCall, call: Call, claim: Claim) -> HandedOut:
    """An attempt for any worker. Raises TypeError if its function or arguments cannot travel."""
    remote = step.remote
    assert remote is not None
    function, args = remote.function, remote.args
    if function is None or args is None:
        # The journal knew the step, so nobody has asked before.
        made = effects.handed(step.key, step.fn, step.args)
        function, args = made["function"], made["args"]
    return HandedOut(
        key=step.key,
        number=call.number,
        queue=claim.queue if remote.queue is None else remote.queue,
        ahead=claim.priority * conf.PRIORITY_STEP,
        function=function,
        args=args,
        timeout=step.timeout,
        atomic=step.atomic,
        at_most_once=step.at_most_once,
        idempotency_key=call.idempotency_key,
        is_shared=call.is_shared,
        details=call.details,
    )


def _raised(failure: dict[str, Any], call: Call) -> BaseException:
    """The error of an attempt, as its retry policy is to judge it."""
    try:
        kind = find_class(failure["type"])
    except UndecodableValue:
        kind = Exception
    if issubclass(kind, BaseException) and not issubclass(kind, Exception):
        # SystemExit and the like are no `StepFailed` and are not tried again.
        return kind(failure["message"])
    return failures.restore(failure, key=call.key, attempts=call.number)
