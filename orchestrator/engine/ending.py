"""How a run ends whose body has ended: with an output, an error, or another attempt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from orchestrator.core import failures
from orchestrator.core.body import Body, Raised, Returned
from orchestrator.core.definition import Definition
from orchestrator.core.errors import (
    InvalidInput,
    NotSerializable,
    PayloadTooLarge,
    Quarantined,
    RunTimedOut,
)
from orchestrator.core.journal import RUN_TIMED_OUT
from orchestrator.core.signatures import signed
from orchestrator.models import Status
from orchestrator.payloads import encoded
from orchestrator.store.records import Again, Block, Claim, Finish


def end_of(claim: Claim, definition: Definition, body: Body) -> Finish | Again:
    """What becomes of the run."""
    if body.is_cancelled:
        return _cancelled(definition, body.cancel_reason)
    assert body.end is not None
    end = _finish(definition, body.end)
    return _again(claim, definition, body, end) or end


def blocked(error: BaseException, failure: dict[str, Any], tried: Sequence[str]) -> Block:
    """How a run is set aside that cannot go on; `failure` is the error as it is stored.

    One that kills its workers is left to a person. Any other may be tried by workers that
    have other code, once by each: `tried` are the fingerprints of those that have.
    """
    is_for_people, failure = isinstance(error, Quarantined), signed(failure)
    return Block(failure if is_for_people else failure | {"tried": list(tried)})


def _again(claim: Claim, definition: Definition, body: Body, end: Finish) -> Again | None:
    """Another attempt of the whole run, if its policy allows one."""
    retry, raised = definition.retry, body.end
    if retry is None or not isinstance(raised, Raised) or end.error is None:
        return None
    if not retry.allows(raised.error, claim.attempt):
        return None
    due_at = body.now + retry.delay(claim.attempt)
    return Again(end.error, due_at, anew=_has_gone_on(body, str(end.error.get("key", ""))))


def _has_gone_on(body: Body, key: str) -> bool:
    """Whether the body did more after step `key` had failed, such as undoing others."""
    failed = body.seen.get(key)
    return failed is not None and any(
        command.cause >= (failed.seq or 0) for command in body.asked.values()
    )


def _cancelled(definition: Definition, reason: str) -> Finish:
    """How a run ends that was cancelled, or that took too long."""
    if reason != RUN_TIMED_OUT:
        return Finish(Status.CANCELLED)
    error = failures.record(RunTimedOut(f"{definition.name} took longer than {definition.timeout}"))
    return Finish(Status.FAILED, error=signed(error) | {"timed_out": True})


def _finish(definition: Definition, end: Returned | Raised) -> Finish:
    """How a run ends whose body has ended."""
    if isinstance(end, Raised):
        return _failed(end.error)
    try:
        output = definition.validate_output(end.value)
        return Finish(Status.COMPLETED, encoded(output, "output", definition.name))
    except (InvalidInput, NotSerializable, PayloadTooLarge) as error:
        return _failed(error)


def _failed(error: BaseException) -> Finish:
    failure = signed(failures.record(error))
    if key := failures.failed_key(error):
        failure["key"] = key
    return Finish(Status.FAILED, error=failure)
