"""Why a run does not get on, as far as the engine knows: each with what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboard.queries.waits import Wait
from orchestrator.core.definition import registry
from orchestrator.models import Run, Status

# A due run is taken within a second; a lease that is over is taken within a second more.
PATIENCE = timedelta(seconds=10)
GRACE = timedelta(seconds=3)
MANY_CRASHES = 2


@dataclass(frozen=True)
class Diagnosis:
    """Something that keeps a run from going on. `code` names it for programs.

    With `since` the title ends in the time that has passed.
    """

    code: str
    title: str
    text: str
    since: datetime | None = None


def diagnose(run: Run, waits: Iterable[Wait], now: datetime) -> list[Diagnosis]:
    """What is wrong with `run`, worst first; nothing when it goes as it should."""
    if run.is_final:
        return []
    return [*_of_code(run), *_of_workers(run, now), *_of_events(run, waits, now)]


def _of_code(run: Run) -> Iterator[Diagnosis]:
    if run.status != Status.BLOCKED and not registry.knows(run.workflow, run.version):
        yield Diagnosis(
            "no-code",
            f"There is no code for {run.workflow} {run.version} here",
            "This web process does not have that version, and perhaps no worker has. The run "
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


def _of_events(run: Run, waits: Iterable[Wait], now: datetime) -> Iterator[Diagnosis]:
    if run.due_at is not None and run.due_at <= now:
        # It is about to look into its mailbox.
        return
    for wait in waits:
        if wait.stray is not None:
            got = wait.stray.correlation
            yield Diagnosis(
                "wrong-key",
                f"{wait.info.name} has come, with {_key(got)}",
                f"The run waits for {wait.info.name} with {_key(wait.event_key)}, so this one "
                "stays in its mailbox.",
            )


def _key(key: str | None) -> str:
    return "no key" if key is None else f"the key {key}"
