"""Functions that another worker finds by their names, for tests of steps that are handed out."""

from __future__ import annotations

from datetime import timedelta
from threading import Event
from typing import Any

from django.contrib.auth.models import Group

from orchestrator import NonRetryable, clock, current_step
from orchestrator.core.codec import encode
from orchestrator.core.definition import registry
from orchestrator.engine.handing import Report
from orchestrator.store import steps
from orchestrator.store.handed import Reported, Task

# What was executed, in its order.
calls: list[Any] = []
# Errors that the next calls raise.
errors: list[BaseException] = []
# What `held_up` waits for, and what `tell_and_wait` says before.
gate = Event()
begun = Event()


def effect(value: Any = None) -> Any:
    calls.append(value)
    if errors:
        raise errors.pop(0)
    return value


def held_up(value: Any) -> Any:
    """Ends when the test says so."""
    gate.wait(10)
    return effect(value)


def tell_and_wait(value: Any) -> Any:
    current_step().heartbeat(value)
    begun.set()
    return held_up(value)


async def fetch(value: Any) -> Any:
    return effect(value)


def add_group(name: str) -> int:
    pk = Group.objects.create(name=name).pk
    effect(name)
    return pk


def about() -> dict[str, Any]:
    step = current_step()
    step.logger.info("executed", number=step.attempt)
    step.heartbeat({"attempt": step.attempt})
    if errors:
        raise errors.pop(0)
    return {
        "name": step.name,
        "attempt": step.attempt,
        "key": step.idempotency_key,
        "found": step.details,
    }


def refuse() -> None:
    raise NonRetryable("never")


class Tool:
    @staticmethod
    def use(value: Any) -> Any:
        return effect(value)

    def method(self) -> None: ...


class OtherWorker:
    """A worker that takes steps when it is told to, and reports when it is told to."""

    def __init__(self, name: str = "other", queues: tuple[str, ...] | None = None) -> None:
        self._name = name
        self._queues = queues

    def take(self, limit: int = 10) -> list[Task]:
        known = [(one.name, one.version) for one in registry]
        taken = steps.claim(
            limit=limit,
            lease=timedelta(seconds=10),
            worker=self._name,
            queues=self._queues,
            known=known,
        )
        # Those that were handed out together are of the same rank.
        return sorted(taken, key=lambda task: task.key)

    def report(self, task: Task, value: Any = None) -> bool:
        """Say that the step has succeeded. Whether it was still this worker's."""
        at = clock.now().isoformat()
        report = Report(
            number=task.number,
            how="done",
            worker=self._name,
            started_at=at,
            finished_at=at,
            value=encode(value),
        )
        told = [Reported(task=task, report=report.text())]
        return bool(steps.report(task.run_id, told, worker=self._name))


def unstorable() -> object:
    effect()
    return object()


def statuses(run) -> dict[str, str]:
    return {step.key: step.status for step in run.refresh().steps}
