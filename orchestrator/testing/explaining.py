"""Where runs are and why, as a test's report shows it."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import indent
from typing import Any
from uuid import UUID

from orchestrator import models, reading
from orchestrator.core.journal import RETRYING
from orchestrator.run import StepInfo, WaitInfo

# A report that shows everything shows nothing.
MAX_RUNS = 10
MAX_STEPS = 50

# What wants attention first.
_ORDER = {
    "blocked": 0,
    "failed": 1,
    "running": 2,
    "awaiting_retry": 3,
    "waiting": 4,
    "completed": 9,
}


def account(run_id: UUID) -> str:
    """One run: its status, what it waits for, why it failed, and its journal."""
    run = models.Run.objects.get(id=run_id)
    return "\n".join(_lines(run))


def account_of_all() -> str:
    """The runs of this database, those that want attention first; "" if there are none."""
    runs = sorted(models.Run.objects.order_by("id"), key=lambda run: _ORDER.get(run.status, 5))
    texts = ["\n".join(_lines(run)) for run in runs[:MAX_RUNS]]
    if len(runs) > MAX_RUNS:
        texts.append(f"and {len(runs) - MAX_RUNS} more")
    return "\n\n".join(texts)


def _lines(run: models.Run) -> Iterator[str]:
    yield f"run {run.id} of {run.workflow} {run.version} is {run.status}"
    steps = reading.steps(run)
    for wait in reading.waiting_on(run):
        yield f"  it waits for {_wait(wait)}"
    if run.error:
        yield from _error(run.error)
    for step in steps:
        if step.status == RETRYING and step.error:
            yield f"  attempt {step.attempts} of {step.key!r} failed:"
            yield from _error(step.error)
    if steps:
        yield "  its journal:"
        yield indent("\n".join(_table(steps[:MAX_STEPS])), "    ")
    if len(steps) > MAX_STEPS:
        yield f"    and {len(steps) - MAX_STEPS} more"


def _wait(wait: WaitInfo) -> str:
    until = f", until {wait.until:%Y-%m-%d %H:%M:%S} UTC" if wait.until else ""
    named = f" {wait.name!r}" if wait.name else ""
    return f"{wait.kind}{named}{until}"


def _error(error: dict[str, Any]) -> Iterator[str]:
    where = f" (step {error['key']!r})" if error.get("key") else ""
    yield f"  {error.get('type', '')}: {error.get('message', '')}{where}"
    if traceback := error.get("traceback"):
        yield indent(traceback.rstrip(), "    ")


def _table(steps: list[StepInfo]) -> Iterator[str]:
    widths = [max(len(getattr(step, name)) for step in steps) for name in ("kind", "key")]
    for step in steps:
        attempts = f" ({step.attempts} attempts)" if step.attempts > 1 else ""
        yield f"{step.kind:{widths[0]}}  {step.key:{widths[1]}}  {step.status}{attempts}"
