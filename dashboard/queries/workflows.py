"""The catalogue: the code that this process has, and the runs that are under way on it."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Count

from dashboard.inputs import expected
from dashboard.queries.filters import ACTIVE
from orchestrator.core.definition import Definition, registry
from orchestrator.models import Run
from orchestrator.moments import duration


@dataclass(frozen=True)
class Version:
    """One version: `definition` is None when runs are on it and this process has no code."""

    version: str
    definition: Definition | None
    active: int
    is_default: bool


@dataclass(frozen=True)
class Workflow:
    """One workflow. `newest` is what a new run takes."""

    name: str
    newest: Definition
    versions: Sequence[Version]

    @property
    def active(self) -> int:
        return sum(one.active for one in self.versions)

    @property
    def summary(self) -> str:
        """The first paragraph of what its author says of it."""
        paragraph = (inspect.getdoc(self.newest.fn) or "").partition("\n\n")[0]
        return " ".join(paragraph.split())

    @property
    def place(self) -> str:
        return f"{self.newest.fn.__module__}.{self.newest.fn.__qualname__}"

    @property
    def options(self) -> list[tuple[str, str]]:
        """What its author has set for its runs, in words."""
        about = self.newest
        told = {
            "Idempotency key": about.idempotency_key,
            "Time for a run": about.timeout and duration(about.timeout),
            "Attempts of a run": about.retry and about.retry.max_attempts,
            "Runs at once": about.max_concurrent,
            "Counted by": about.concurrency_key,
            "Queue": about.queue,
            "Priority": about.priority,
            "Kept for": about.retention and duration(about.retention),
        }
        return [(name, str(value)) for name, value in told.items() if value]

    @property
    def input_type(self) -> str:
        """The name of the input's type; empty when it takes none."""
        takes = expected(self.newest)
        return takes.type if takes else ""


def catalogue() -> list[Workflow]:
    """Every workflow that this process knows, by name. One query, over the active runs."""
    active = _active()
    return [_workflow(name, active) for name in sorted({one.name for one in registry})]


def workflow(name: str) -> Workflow | None:
    """One workflow; None when this process has no such code. No query."""
    return _workflow(name, {}) if any(one.name == name for one in registry) else None


def workflow_in_use(name: str) -> Workflow | None:
    """One workflow with the runs that are under way on it. At most one query."""
    known = any(one.name == name for one in registry)
    return _workflow(name, _active(workflow=name)) if known else None


def _active(**wanted: str) -> Mapping[tuple[str, str], int]:
    grouped = (
        Run.objects.filter(status__in=ACTIVE, **wanted)
        .order_by()
        .values_list("workflow", "version")
        .annotate(number=Count("id"))
    )
    return {(workflow, version): number for workflow, version, number in grouped}


def _workflow(name: str, active: Mapping[tuple[str, str], int]) -> Workflow:
    newest = registry.get(name)
    known = {one.version: one for one in registry if one.name == name}
    used = {version: number for (workflow, version), number in active.items() if workflow == name}
    versions = [
        Version(one, known.get(one), used.get(one, 0), one == newest.version)
        for one in sorted({*known, *used})
    ]
    return Workflow(name, newest, versions)
