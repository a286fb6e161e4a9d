"""Which workers there are, and which open runs none of them can go on with. Reads only."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from django.db.models import Count, QuerySet

from orchestrator import clock, models
from orchestrator.conf import conf
from orchestrator.core.definition import registry
from orchestrator.models import FINAL, Status

Lack = Literal["code", "queue"]

_OPEN = [status for status in Status if status not in FINAL]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unserved:
    """Open runs that no worker can go on with.

    `lacks` says why: nobody has the "code", or nobody who has it serves the "queue".
    """

    workflow: str
    version: str
    queue: str
    runs: int
    lacks: Lack


@dataclass(frozen=True, slots=True, kw_only=True)
class UnservedSteps:
    """Steps that were handed out and that no live worker takes. `lacks` as of `Unserved`."""

    workflow: str
    version: str
    queue: str
    steps: int
    lacks: Lack


@dataclass(frozen=True, slots=True)
class _Server:
    codes: frozenset[tuple[str, str]]
    # None: it serves all of them.
    queues: frozenset[str] | None


def live_workers() -> QuerySet[models.Worker]:
    """The workers that have been heard of within a lease, the oldest first."""
    alive = models.Worker.objects.filter(seen_at__gt=clock.Now(-conf.LEASE))
    return alive.order_by("started_at", "id")


def unserved(*, without: Collection[str] = ()) -> list[Unserved]:
    """Open runs that no live worker can go on with, by workflow, version and queue.

    `without` are ids of workers to leave out: what would be stranded if they stopped now.
    Counts all open runs: some 100 ms for a million of them.
    """
    return _unserved([_server(one) for one in live_workers() if one.id not in without])


def unserved_steps() -> list[UnservedSteps]:
    """Steps that were handed out and that no live worker takes, by workflow, version and queue."""
    servers = [_server(one) for one in live_workers()]
    groups = (
        models.StepTask.objects.values_list("workflow", "version", "queue")
        .annotate(steps=Count("id"))
        .order_by("workflow", "version", "queue")
    )
    return [
        UnservedSteps(workflow=workflow, version=version, queue=queue, steps=steps, lacks=lacks)
        for workflow, version, queue, steps in groups
        if (lacks := _lacks(servers, (workflow, version), queue))
    ]


def lack(workflow: str, version: str, queue: str) -> Lack | None:
    """What every live worker lacks to take this; None if one takes it. One query."""
    return _lacks([_server(one) for one in live_workers()], (workflow, version), queue)


def unserved_here() -> list[Unserved]:
    """Open runs that the code of this process could not go on with, on whatever queue.

    Ask it with the code of a release, before the old workers stop.
    """
    codes = frozenset((one.name, one.version) for one in registry)
    return _unserved([_Server(codes, None)])


def _server(worker: models.Worker) -> _Server:
    codes = frozenset((name, version) for name, version, _ in worker.codes)
    return _Server(codes, None if worker.queues is None else frozenset(worker.queues))


def _unserved(servers: Iterable[_Server]) -> list[Unserved]:
    known = list(servers)
    groups = (
        models.Run.objects.filter(status__in=_OPEN)
        .values_list("workflow", "version", "queue")
        .annotate(runs=Count("id"))
        .order_by("workflow", "version", "queue")
    )
    return [
        Unserved(workflow=workflow, version=version, queue=queue, runs=runs, lacks=lacks)
        for workflow, version, queue, runs in groups
        if (lacks := _lacks(known, (workflow, version), queue))
    ]


def _lacks(servers: Iterable[_Server], code: tuple[str, str], queue: str) -> Lack | None:
    able = [one for one in servers if code in one.codes]
    if not able:
        return "code"
    served = any(one.queues is None or queue in one.queues for one in able)
    return None if served else "queue"
