"""Retention: how long what has ended is kept, and rounds that remove what is older.

A round goes through everything once, a batch at a time. Stopped anywhere it has done whole
batches, and the next one goes on there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from orchestrator import clock, models
from orchestrator.conf import conf
from orchestrator.core.definition import registry
from orchestrator.core.durations import FOREVER
from orchestrator.core.errors import UnknownWorkflow
from orchestrator.store import pruning
from orchestrator.store.pruning import Batch

# Runs of one batch.
BATCH = 1_000

# When so many runs are protected by other apps' rows, a round leaves the workflow.
MAX_PROTECTED = 1_000


@dataclass(frozen=True, slots=True)
class Progress:
    """What one batch has removed: `runs`, `payloads`, `step keys` and so on."""

    what: str
    done: int
    workflow: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a round is to do, where that is not what settings and workflows say.

    `older_than` stands for every retention of runs, also of workflows that this process
    does not know. With `workflows` only their runs are touched. With `payloads_only` no run
    is removed, but what it was given and what it returned.
    """

    older_than: timedelta | None = None
    workflows: tuple[str, ...] = ()
    payloads_only: bool = False
    batch: int = BATCH


def removing(wanted: Wanted) -> Iterator[Progress]:
    """A round: each step of the iterator removes a batch. Raises UnknownWorkflow."""
    for name, before in _cutoffs(wanted, "payload_retention", conf.PAYLOAD_RETENTION):
        if wanted.payloads_only or wanted.older_than is None:
            yield from _batches("payloads", partial(pruning.purge_runs, name, before), wanted, name)
    if wanted.payloads_only:
        return
    for name, before in _cutoffs(wanted, "retention", conf.RETENTION):
        yield from _runs(name, before, wanted.batch)
    if not wanted.workflows:
        yield from _rest(wanted)


def counted(wanted: Wanted) -> Iterator[Progress]:
    """What a round would remove of runs, and nothing is. Raises UnknownWorkflow."""
    if wanted.payloads_only or wanted.older_than is None:
        for name, before in _cutoffs(wanted, "payload_retention", conf.PAYLOAD_RETENTION):
            yield Progress("payloads", pruning.full_runs(name, before).count(), name)
    if not wanted.payloads_only:
        for name, before in _cutoffs(wanted, "retention", conf.RETENTION):
            yield Progress("runs", pruning.old_runs(name, before).count(), name)


def unknown_workflows() -> list[str]:
    """Workflows that have runs and are not known here: how long theirs are kept is not known."""
    return sorted(set(_stored_workflows()) - _known_workflows())


def _cutoffs(wanted: Wanted, option: str, default: timedelta) -> Iterator[tuple[str, datetime]]:
    """Each workflow with runs that may be old, and the time before which they are."""
    now, known = clock.now(), _known_workflows()
    names = set(wanted.workflows) or (known if wanted.older_than is None else _stored_workflows())
    for name in sorted(names):
        if wanted.older_than is None and name not in known:
            raise UnknownWorkflow(
                f"how long runs of {name!r} are kept is not known here: say how old they must be"
            )
        keeping = wanted.older_than or _longest(name, option, default)
        if (before := _before(now, keeping)) is not None:
            yield name, before


def _longest(name: str, option: str, default: timedelta) -> timedelta:
    """How long runs of a workflow are kept: of its versions, the one that says most."""
    said = (getattr(one, option) for one in registry if one.name == name)
    return max(default if one is None else one for one in said)


def _before(now: datetime, keeping: timedelta) -> datetime | None:
    """The time before which things are old; None if nothing ever is."""
    try:
        return None if keeping == FOREVER else now - keeping
    except OverflowError:
        return None


def _known_workflows() -> set[str]:
    return {one.name for one in registry}


def _stored_workflows() -> set[str]:
    return set(models.Run.objects.order_by().values_list("workflow", flat=True).distinct())


def _runs(name: str, before: datetime, batch: int) -> Iterator[Progress]:
    passed: frozenset[UUID] = frozenset()
    while len(passed) < MAX_PROTECTED:
        one = pruning.remove_runs(name, before, batch, passed)
        if not one.done and not one.kept:
            return
        passed |= one.kept
        yield Progress("runs", one.done, name)


def _rest(wanted: Wanted) -> Iterator[Progress]:
    """What is no run: by its own setting, or because its time is over."""
    now = clock.now()
    aged: list[tuple[str, timedelta, Callable[[datetime, int], Batch]]] = [
        ("log lines", conf.LOG_RETENTION, pruning.remove_log_lines),
        ("step keys", conf.STEP_KEY_RETENTION, pruning.remove_step_keys),
        ("tombstones", conf.KEY_RETENTION, pruning.remove_tombstones),
    ]
    for what, keeping, remove in aged:
        if (before := _before(now, keeping)) is not None:
            yield from _batches(what, partial(remove, before), wanted)
    yield Progress("broadcasts", pruning.remove_broadcasts().done)
    if (before := _before(now, conf.RETENTION)) is not None:
        yield Progress("schedules", pruning.remove_schedules(before).done)


def _batches(
    what: str, remove: Callable[[int], Batch], wanted: Wanted, workflow: str = ""
) -> Iterator[Progress]:
    while (one := remove(wanted.batch)).done:
        yield Progress(what, one.done, workflow)
