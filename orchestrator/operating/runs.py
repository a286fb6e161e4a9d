"""What operators do to runs: start, cancel, pause, resume, retry, fork, skip and resolve."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.db import transaction

from orchestrator import client, models
from orchestrator.core.errors import (
    ActionRefused,
    UndecodableValue,
    UnknownRun,
    UnknownWorkflow,
)
from orchestrator.database import ALIAS
from orchestrator.operating.deeds import Deed, Operator, tell
from orchestrator.run import Run

# Says why a run, whose row is locked, is not the one that its operator meant; "" when it is.
Judge = Callable[[models.Run], str]


def cancel(run_id: UUID, by: Operator, *, reason: str = "", judge: Judge | None = None) -> Deed:
    """Ask a run to stop. Raises UnknownRun; a refusal is said by the deed.

    `judge`, here and below, refuses a run that is not the one that the operator has seen.
    """

    def act() -> None:
        if not client.cancel(run_id, reason=reason, by=by.label):
            raise ActionRefused(_no_cancel(run_id))

    deed = Deed(operator=by, verb="cancel", run_id=run_id, reason=reason)
    return _act(deed, run_id, act, judge)


def pause(run_id: UUID, by: Operator, *, reason: str = "", judge: Judge | None = None) -> Deed:
    """Let no further step of a run start. Raises UnknownRun."""
    deed = Deed(operator=by, verb="pause", run_id=run_id, reason=reason)
    return _act(deed, run_id, lambda: client.pause(run_id), judge)


def resume(run_id: UUID, by: Operator, *, reason: str = "", judge: Judge | None = None) -> Deed:
    """Let a paused or blocked run go on. Raises UnknownRun."""
    deed = Deed(operator=by, verb="resume", run_id=run_id, reason=reason)
    return _act(deed, run_id, lambda: client.resume(run_id), judge)


def retry(
    run_id: UUID,
    by: Operator,
    *,
    step: str | None = None,
    reason: str = "",
    judge: Judge | None = None,
) -> Deed:
    """Let a failed run go on from its failed step, or from `step`. Raises UnknownRun."""
    if step is None:
        deed = Deed(operator=by, verb="retry", run_id=run_id, reason=reason)
        return _act(deed, run_id, lambda: client.retry(run_id), judge)
    deed = Deed(operator=by, verb="retry from", run_id=run_id, reason=reason, detail=f"Step {step}")
    return _act(deed, run_id, lambda: client.retry_from(run_id, step), judge)


def skip_sleep(
    run_id: UUID,
    by: Operator,
    *,
    key: str | None = None,
    reason: str = "",
    judge: Judge | None = None,
) -> Deed:
    """End a run's sleep, or the one with this key, now. Raises UnknownRun."""
    deed = _about("skip sleep", run_id, by, key, reason)
    return _act(deed, run_id, lambda: client.skip_sleep(run_id, key, sent_by=by.label), judge)


def retry_now(
    run_id: UUID,
    by: Operator,
    *,
    key: str | None = None,
    reason: str = "",
    judge: Judge | None = None,
) -> Deed:
    """Skip what is left of the back-off of a step, or of the one with this key.

    Raises UnknownRun.
    """
    deed = _about("retry now", run_id, by, key, reason)
    return _act(deed, run_id, lambda: client.retry_now(run_id, key, sent_by=by.label), judge)


def resolve(
    run_id: UUID,
    by: Operator,
    *,
    key: str,
    action: str,
    value: Any = None,
    message: str = "",
    reason: str = "",
    judge: Judge | None = None,
) -> Deed:
    """Say how an ambiguous step ended: `result` (with its `value`), `fail`, or `retry` it.

    Raises UnknownRun, InvalidInput for another action, and NotSerializable and
    PayloadTooLarge for a value that cannot be stored.
    """
    deed = Deed(
        operator=by, verb="resolve", run_id=run_id, reason=reason, detail=f"Step {key}: {action}"
    )
    return _act(deed, run_id, lambda: client.resolve(run_id, key, action, value, message), judge)


def fork(
    run_id: UUID,
    by: Operator,
    *,
    step: str,
    input: Any = ...,
    reason: str = "",
    judge: Judge | None = None,
    form: UUID | None = None,
) -> Deed:
    """Start a run with the results that another had before `step`; `made` is its id.

    Witnesses are told of both runs: of the one that is forked, and of the start of the other,
    with `form`. Raises UnknownRun; and InvalidInput, NotSerializable and PayloadTooLarge for
    another input that does not fit, and then nothing is written.
    """
    deed = Deed(operator=by, verb="fork", run_id=run_id, reason=reason, detail=f"Step {step}")

    def act() -> UUID:
        new = client.fork(run_id, step, input=input, initiator=by.initiator)
        origin = f"Forked from the run {run_id} at step {step}"
        tell(
            Deed(
                operator=by,
                verb="start",
                run_id=new.id,
                reason=reason,
                detail=origin,
                after=new.status,
                form=form,
            )
        )
        return new.id

    return _act(deed, run_id, act, judge)


@transaction.atomic(using=ALIAS)
def start(
    workflow: str, input: Any, by: Operator, *, form: UUID | None = None, **options: Any
) -> tuple[Run[Any], bool]:
    """Start a run, or find the one that its key leads to; and whether it is new.

    `options` are those of `Workflow.start` but the initiator. Raises InvalidInput,
    IdempotencyConflict, NotSerializable and PayloadTooLarge, and then nothing is written.
    """
    run, is_new = client.start_or_find(workflow, input, initiator=by.initiator, **options)
    detail = "" if is_new else "The key belonged to this run already"
    tell(Deed(operator=by, verb="start", run_id=run.id, detail=detail, after=run.status, form=form))
    return run, is_new


def _about(verb: str, run_id: UUID, by: Operator, key: str | None, reason: str) -> Deed:
    detail = f"Step {key}" if key else ""
    return Deed(operator=by, verb=verb, run_id=run_id, reason=reason, detail=detail)


@transaction.atomic(using=ALIAS)
def _act(deed: Deed, run_id: UUID, act: Callable[[], UUID | None], judge: Judge | None) -> Deed:
    """Do it to the run that was meant, and tell the witnesses either way."""
    run = _locked(run_id)
    seen = replace(deed, before=run.status, after=run.status, is_refused=True)
    if judge is not None and (stale := judge(run)):
        return tell(replace(seen, detail=stale, is_stale=True))
    try:
        # An error takes back what it did, and not what the witnesses write.
        with transaction.atomic(using=ALIAS):
            made = act()
    except (ActionRefused, UnknownWorkflow, UndecodableValue) as refused:
        return tell(replace(seen, detail=str(refused)))
    made_it = f"made the run {made}" if made else ""
    detail = ": ".join(filter(None, [deed.detail, made_it]))
    after = models.Run.objects.values_list("status", flat=True).get(id=run_id)
    return tell(replace(seen, detail=detail, after=after, made=made, is_refused=False))


def _locked(run_id: UUID) -> models.Run:
    """The run, held until the transaction ends. Raises UnknownRun."""
    found = models.Run.objects.select_for_update(no_key=True).defer("input", "output")
    run = found.filter(id=run_id).first()
    if run is None:
        raise UnknownRun(f"no run has the id {run_id}")
    return run


def _no_cancel(run_id: UUID) -> str:
    status = models.Run.objects.values_list("status", flat=True).get(id=run_id)
    return f"The run has ended: {status}" if status in models.FINAL else "It has been asked to stop"
