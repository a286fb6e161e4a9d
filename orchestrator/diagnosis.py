"""Why a run does not get on, as far as the engine knows: each with what to do about it.

Pages and commands show the same words. `standing` is what a run does or waits for, in
sentences; `diagnose` is what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from orchestrator import models, reading, serving
from orchestrator.core.definition import registry
from orchestrator.core.errors import Quarantined
from orchestrator.core.journal import EVENT
from orchestrator.models import Run, Status
from orchestrator.moments import duration, relative
from orchestrator.run import WaitInfo

# A due run is taken within a second; a lease that is over is taken within a second more.
PATIENCE = timedelta(seconds=10)
GRACE = timedelta(seconds=3)
MANY_CRASHES = 2
# Of the steps that were handed out, so many are looked at.
MOST_STEPS = 100


@dataclass(frozen=True)
class Diagnosis:
    """Something that keeps a run from going on. `code` names it for programs.

    With `since` the title ends in the time that has passed.
    """

    code: str
    title: str
    text: str
    since: datetime | None = None


@dataclass(frozen=True)
class Stray:
    """An event in a run's mailbox that has the name of a wait, and another key."""

    name: str
    wanted: str | None
    got: str | None


def diagnose(run: Run, strays: Iterable[Stray], now: datetime) -> list[Diagnosis]:
    """What is wrong with `run`, worst first; nothing when it goes as it should.

    Two queries at most, and only for a run that waits for steps that it has handed out.
    """
    if run.is_final:
        return []
    return [
        *_of_code(run),
        *_of_workers(run, now),
        *_of_steps(run, now),
        *_of_events(run, strays, now),
    ]


def strays(run: Run) -> list[Stray]:
    """The events that came for a wait of the run and do not fit it. Two queries at most."""
    names = {one.key: one.name for one in reading.waiting_on(run) if one.kind == EVENT}
    if not names or run.cancel_requested_at is not None:
        return []
    entries = models.Entry.objects.filter(run_id=run.id, key__in=names)
    wanted = {names[key]: (detail or {}).get("key") for key, detail in _details(entries)}
    mailbox = models.Event.objects.filter(run_id=run.id, consumed_at=None, name__in=wanted)
    found = dict(mailbox.order_by("id").values_list("name", "correlation")[:100])
    return [Stray(name, wanted[name], got) for name, got in found.items()]


def _details(entries: Any) -> Iterable[tuple[str, dict[str, Any] | None]]:
    return entries.values_list("key", "detail")  # type: ignore[no-any-return]


def _of_code(run: Run) -> Iterator[Diagnosis]:
    if run.status != Status.BLOCKED and not registry.knows(run.workflow, run.version):
        yield Diagnosis(
            "no-code",
            f"There is no code for {run.workflow} {run.version} here",
            "This process does not have that version, and perhaps no worker has. The run "
            "goes on as soon as a worker that has it looks for due runs.",
        )


def _of_workers(run: Run, now: datetime) -> Iterator[Diagnosis]:
    late = now - run.due_at if run.due_at is not None else timedelta()
    if not run.owned and late > PATIENCE:
        yield Diagnosis(
            "no-worker",
            "No worker has taken it for",
            "It is due, and nobody looks. Is a worker running? Start one with: manage.py worker",
            run.due_at,
        )
    if run.owned and late > GRACE:
        yield Diagnosis(
            "lease-expired",
            "The lease of its worker has been over for",
            f"{run.worker or 'The worker'} died, hangs or has lost the database. The next "
            "worker that looks takes the run over; what was recorded is kept.",
            run.due_at,
        )
    if run.crashes >= MANY_CRASHES and run.status != Status.BLOCKED:
        yield Diagnosis(
            "crashes",
            f"{run.crashes} workers in a row died while they held it",
            "A step may end the process that executes it: too little memory, or a crash in a "
            "native library.",
        )


def _of_steps(run: Run, now: datetime) -> Iterator[Diagnosis]:
    """Of steps that were handed out: those that nobody takes, or whose worker has died."""
    odd = Q(due_at__lt=now - GRACE) | Q(crashes__gte=MANY_CRASHES)
    found = list(reading.handed_out(run).filter(odd).order_by("due_at")[:MOST_STEPS])
    late = [(one, one.due_at) for one in found if one.due_at is not None]
    for task, due_at in [one for one in late if not one[0].owned and now - one[1] > PATIENCE][:1]:
        title = f"No worker has taken {task.key} for"
        yield Diagnosis("step-not-taken", title, _not_taken(task), due_at)
    for task, due_at in [one for one in late if one[0].owned and now - one[1] > GRACE][:1]:
        yield Diagnosis(
            "step-lease-expired",
            f"The lease of the worker that executes {task.key} has been over for",
            f"{task.worker} died, hangs or has lost the database. The next worker that looks "
            "takes the step over, unless the run does not want it any more.",
            due_at,
        )
    for task in [one for one in found if one.crashes >= MANY_CRASHES][:1]:
        yield Diagnosis(
            "step-crashes",
            f"{task.crashes} workers in a row died while they executed {task.key}",
            "It may end the process that executes it: too little memory, or a crash in a native "
            "library.",
        )


def _not_taken(task: models.StepTask) -> str:
    queue = f"the queue {task.queue}" if task.queue else "the default queue"
    match serving.lack(task.workflow, task.version, task.queue):
        case "code":
            return f"No live worker has the code of {task.workflow} {task.version}."
        case "queue":
            return f"No live worker that has its code serves {queue}. Start one" + (
                f" with: manage.py worker --queues {task.queue}" if task.queue else ""
            )
        case None:
            return (
                f"The workers of {queue} execute others: start more of them, or let each execute "
                "more at once (ORCHESTRATOR_REMOTE_STEPS)."
            )


def _of_events(run: Run, strays: Iterable[Stray], now: datetime) -> Iterator[Diagnosis]:
    if run.due_at is not None and run.due_at <= now:
        # It is about to look into its mailbox.
        return
    for stray in strays:
        yield Diagnosis(
            "wrong-key",
            f"{stray.name} has come, with {_key(stray.got)}",
            f"The run waits for {stray.name} with {_key(stray.wanted)}, so this one "
            "stays in its mailbox.",
        )


def _key(key: str | None) -> str:
    return "no key" if key is None else f"the key {key}"


# ---- in sentences, for a terminal ------------------------------------------------------


def standing(run: Run, now: datetime) -> list[str]:
    """What the run does or waits for, and what an operator can do about it."""
    if run.is_final:
        return []
    return [*_asked_of_it(run), *_at_rest(run), *_executing(run, now), *_waits(run, now)]


def _asked_of_it(run: Run) -> Iterator[str]:
    if run.cancel_requested_at is not None:
        why = f": {run.cancel_reason}" if run.cancel_reason else ""
        yield f"It was asked to stop{why}; its body has yet to be told."


def _at_rest(run: Run) -> Iterator[str]:
    if run.status == Status.PAUSED:
        yield f"It is paused. It goes on with: manage.py runs resume {run.id}"
    if run.status == Status.BLOCKED:
        error = run.error or {}
        yield f"It is blocked: {error.get('type', '')}: {error.get('message', '')}"
        if error.get("expected"):
            yield f"The journal has {error['expected']}; the code asked for {error.get('got')}."
        yield f"{_mended(error)} with: manage.py runs resume {run.id}"


def _mended(error: Mapping[str, Any]) -> str:
    if error.get("type") == Quarantined.__name__:
        return "When it is known what ends its workers, it goes on"
    return "It goes on by itself when a worker has code that fits, or"


def _executing(run: Run, now: datetime) -> Iterator[str]:
    if not run.owned:
        return
    yield f"{run.worker or 'A worker'} holds it."
    for one in run.in_flight:
        lasts = duration(now - datetime.fromisoformat(one["started_at"]))
        yield f"It executes {one['key']}, attempt {one['attempt']}, for {lasts} so far."


def _waits(run: Run, now: datetime) -> Iterator[str]:
    if run.status == Status.SCHEDULED and run.due_at is not None:
        yield f"It is to begin {relative(run.due_at, now)}."
    if run.cancel_requested_at is None:
        yield from (_sentence(one, now) for one in reading.waits(run))


def _handed_out(key: str, detail: Mapping[str, Any]) -> str:
    more = f", and {detail['more']} more with it," if detail.get("more") else ""
    match detail.get("state"):
        case "executing":
            return f"{key} executes on {detail['worker']}"
        case "ended":
            return f"{key} has ended, and the run is about to hear of it"
        case _:
            queue = f"the queue {detail['queue']}" if detail.get("queue") else "the default queue"
            return f"{key}{more} was handed to the workers of {queue}, and none has taken it yet"


def _sentence(wait: WaitInfo, now: datetime) -> str:
    detail = wait.detail or {}
    match wait.kind:
        case "timer":
            text = f"It sleeps ({wait.name})"
        case "event":
            text = f"It waits for the event {wait.name}"
        case "retry":
            text = f"It waits to try {wait.name} again, which failed: {detail.get('error', '')}"
        case "concurrency":
            text = f"It waits for one of the {detail.get('limit', '')} places of {wait.name}"
        case "ambiguous":
            text = f"A worker died in {wait.name}: find out whether it happened, then run.resolve()"
        case "step":
            text = _handed_out(wait.key, detail)
        case kind:
            text = f"It waits for the {kind.replace('_', ' ')} {wait.name}"
    since = f", for {duration(now - wait.since)} so far" if wait.since else ""
    until = f", until {wait.until:%Y-%m-%d %H:%M} UTC" if wait.until else ""
    left = f" ({relative(wait.until, now)})" if wait.until else ""
    return f"{text.rstrip(': ')}{since}{until}{left}."
