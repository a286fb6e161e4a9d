"""What other apps may do to runs: start, send, cancel, retry and so on.

Each verb joins the caller's transaction, and tells the workers when that has committed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction

from orchestrator import kinds, models, payloads, starting
from orchestrator.conf import conf
from orchestrator.core import codec
from orchestrator.core.errors import ActionRefused, InvalidInput, UnknownRun
from orchestrator.core.failures import clean
from orchestrator.core.journal import INTENT, OPEN, RETRYING, SLEEP
from orchestrator.core.names import is_text
from orchestrator.core.schemas import check_payload
from orchestrator.database import ALIAS
from orchestrator.engine import orders
from orchestrator.run import Delivery, Run
from orchestrator.starting import Options, checked_key, tell_workers
from orchestrator.store import broadcasts, control, reopening, runs
from orchestrator.store.runs import Sent

MAX_EVENT_NAME = 200
MAX_REASON = 4_000


def start(
    workflow: str, input: Any = None, *, version: str | None = None, **options: Any
) -> Run[Any]:
    """Start a run of the named workflow. See `Workflow.start`, which is typed."""
    run, _ = start_or_find(workflow, input, version=version, **options)
    return run


def start_or_find(
    workflow: str, input: Any = None, *, version: str | None = None, **options: Any
) -> tuple[Run[Any], bool]:
    """Like `start`; also says whether the run is new."""
    return starting.start(workflow, input, version=version, options=Options(**options))


def start_many(
    workflow: str, inputs: Iterable[Any], *, version: str | None = None, **options: Any
) -> list[Run[Any]]:
    """Start a run for each input: all of them or none. See `orchestrator.start_many`."""
    return starting.start_many(workflow, inputs, version=version, options=Options(**options))


def get_run(run_id: UUID | str) -> Run[Any]:
    """The run with this id. Raises UnknownRun."""
    row = models.Run.objects.filter(id=known_id(run_id)).first()
    if row is None:
        raise UnknownRun(f"no run has the id {run_id}")
    return Run(row)


# ---- events ------------------------------------------------------------------------------


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
    check_event_name(name)
    found = _uuid(run_id)
    if found is None:
        return Delivery(False, "no run has this id")
    text = payloads.encoded(payload, "payload", f"event {name}")
    if schema := runs.schema_of(found, name):
        check_payload(schema, codec.decode(text), name)
    sent = runs.send(
        found,
        name,
        text,
        correlation=checked_key(key),
        event_id=checked_key(event_id),
        sent_by=sent_by,
    )
    if not sent.delivered:
        return Delivery(False, sent.reason)
    tell_workers(found, sent.queue)
    return Delivery(True, "", (found,))


def send_to_machine(
    run_id: UUID, name: str, payload: Any, *, event_id: str | None, sent_by: str
) -> Sent:
    """Put an event into a machine's mailbox. See `Machine.send`."""
    check_event_name(name)
    text = payloads.encoded(payload, "payload", f"event {name}")
    sent = runs.send(run_id, name, text, event_id=checked_key(event_id), sent_by=sent_by)
    if sent.delivered:
        tell_workers(run_id, sent.queue)
    return sent


def broadcast(
    name: str,
    payload: Any = None,
    *,
    key: str | None = None,
    event_id: str | None = None,
    sent_by: str = "",
) -> Delivery:
    """Send an event to every run that waits for it. See `orchestrator.send_event`."""
    check_event_name(name)
    with transaction.atomic(using=ALIAS):
        event = broadcasts.store(
            name=name,
            payload=payloads.encoded(payload, "payload", f"event {name}"),
            correlation=checked_key(key),
            event_id=checked_key(event_id),
            sent_by=sent_by,
            ttl=conf.EVENT_TTL,
        )
        if event is None:
            return Delivery(False, "duplicate: an event with this id was sent before")
        woken = broadcasts.dispatch(event)
        for run_id, queue in woken.items():
            tell_workers(run_id, queue)
        # Once more when it is committed: a wait that opened meanwhile did not see it.
        transaction.on_commit(partial(_dispatch_again, event), using=ALIAS, robust=True)
    if not woken:
        return Delivery(
            False, f"no run waits for it; it is kept until {event.expires_at:%Y-%m-%d %H:%M:%S} UTC"
        )
    return Delivery(True, "", tuple(woken))


def _dispatch_again(event: models.Broadcast) -> None:
    for run_id, queue in broadcasts.dispatch(event).items():
        tell_workers(run_id, queue)


def check_event_name(name: str) -> None:
    """Raises ValueError for a name that no author can wait for."""
    if not is_text(name) or len(name) > MAX_EVENT_NAME or name.startswith("@"):
        raise ValueError(
            f"an event's name is a text of 1 to {MAX_EVENT_NAME} characters "
            f"without a leading @: {name!r}"
        )


def answer_wait(run_id: UUID, key: str, payload: Any) -> bool:
    """Answer the open wait `key` of a run. False, and nothing is written, if the run has ended."""
    text = payloads.encoded(payload, "answer", f"wait {key}")
    sent = runs.send(run_id, kinds.answer_name(key), text)
    if not sent.delivered:
        return False
    tell_workers(run_id, sent.queue)
    return True


def hold(run_id: UUID) -> bool:
    """Lock a run until the caller's transaction ends. False if it takes no more answers."""
    return runs.hold(run_id)


# ---- actions -----------------------------------------------------------------------------


def cancel(run_id: UUID | str, *, reason: str = "", by: str = "") -> bool:
    """Ask a run to stop. See `Run.cancel`; `by` is the name of who asks. Raises UnknownRun."""
    found = known_id(run_id)
    reason, by = clean(str(reason))[:MAX_REASON], clean(by)
    done = control.cancel(found, reason=reason, note=reason, by=by)
    if done:
        tell_workers(found)
    return done


def pause(run_id: UUID | str) -> None:
    """Let no further step of a run start. Raises UnknownRun and ActionRefused."""
    control.pause(known_id(run_id))


def resume(run_id: UUID | str) -> None:
    """Let a paused or blocked run go on. Raises UnknownRun and ActionRefused."""
    _act(run_id, control.resume)


def retry(run_id: UUID | str) -> None:
    """Let a failed run go on. See `Run.retry`. Raises UnknownRun and ActionRefused."""
    _act(run_id, reopening.reopen)


def after_failure(row: models.Run) -> list[str]:
    """What the body of a failed run did after the failure: then a retry is refused."""
    return reopening.consequences(row)


def retry_from(run_id: UUID | str, step: str) -> None:
    """Let a run go on from a step. See `Run.retry_from`. Raises UnknownRun and ActionRefused."""
    _act(run_id, lambda found: reopening.reopen_from(found, step))


def fork(run_id: UUID | str, step: str, *, input: Any = ..., initiator: Any = None) -> Run[Any]:
    """Start a new run with the results that another had before a step. See `Run.fork`."""
    source = get_run(run_id)
    value = source.input if input is ... else input
    return starting.fork(source, step, value, initiator=initiator)


def skip_sleep(run_id: UUID | str, key: str | None = None, *, sent_by: str = "") -> None:
    """End a run's sleep now. Raises UnknownRun and ActionRefused."""
    found = known_id(run_id)
    step = _entry(found, key, "sleep", kind=SLEEP, status=OPEN)
    _order(found, f"{orders.SKIP}{step}", None, sent_by)


def retry_now(run_id: UUID | str, key: str | None = None, *, sent_by: str = "") -> None:
    """Skip what is left of a step's back-off. Raises UnknownRun and ActionRefused."""
    found = known_id(run_id)
    step = _entry(found, key, "waiting retry", status=RETRYING)
    _order(found, f"{orders.RETRY}{step}", None, sent_by)


def resolve(
    run_id: UUID | str, key: str, action: str, value: Any = None, message: str = ""
) -> None:
    """Say how an ambiguous step ended: `result` (with its value), `fail`, or `retry` it.

    Raises UnknownRun, ActionRefused, and InvalidInput for an unknown action.
    """
    if action not in ("result", "fail", "retry"):
        raise InvalidInput(f"action is 'result', 'fail' or 'retry', not {action!r}")
    found = known_id(run_id)
    step = _entry(found, key, "ambiguous step", status=INTENT)
    payload = {"action": action, "value": value, "message": message}
    _order(found, f"{orders.RESOLVE}{step}", payload, "")


def _entry(run_id: UUID, key: str | None, what: str, **wanted: str) -> str:
    """The key of the first open entry of that sort. Raises ActionRefused if there is none."""
    entries = models.Entry.objects.filter(run_id=run_id, **wanted)
    if key is not None:
        entries = entries.filter(key=key)
    first = entries.order_by("position").values_list("key", flat=True).first()
    if first is None:
        raise ActionRefused(f"the run has no {what}" + (f" {key!r}" if key else ""))
    return first


def _order(run_id: UUID, name: str, payload: Any, sent_by: str) -> None:
    text = codec.encode(payload, root="payload", limit=conf.MAX_PAYLOAD)
    sent = runs.send(run_id, name, text, sent_by=sent_by)
    if not sent.delivered:
        raise ActionRefused(sent.reason)
    tell_workers(run_id, sent.queue)


def _act(run_id: UUID | str, verb: Callable[[UUID], None]) -> None:
    found = known_id(run_id)
    verb(found)
    tell_workers(found)


def known_id(run_id: UUID | str) -> UUID:
    """The id of a run from what callers hand over. Raises UnknownRun."""
    found = _uuid(run_id)
    if found is None:
        raise UnknownRun(f"no run has the id {run_id!r}")
    return found


def _uuid(run_id: UUID | str) -> UUID | None:
    try:
        return run_id if isinstance(run_id, UUID) else UUID(run_id)
    except (ValueError, AttributeError, TypeError):
        return None
