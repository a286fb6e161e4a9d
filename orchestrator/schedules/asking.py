"""`schedule(…)`: declares a schedule in a `workflows.py`, or makes one at run time."""

from __future__ import annotations

from typing import TypeVar

from orchestrator.core.durations import Duration
from orchestrator.core.scheduling import CatchUp, Overlap, wanted_of
from orchestrator.core.timing import timing
from orchestrator.schedules import declaring
from orchestrator.schedules.handle import Schedule
from orchestrator.workflow import Workflow

I = TypeVar("I")  # noqa: E741 - the input type
O = TypeVar("O")  # noqa: E741 - the output type


def schedule(
    workflow: Workflow[I, O],
    *,
    cron: str | None = None,
    every: Duration | None = None,
    tz: str | None = None,
    input: I | None = None,
    overlap: Overlap = "skip",
    catch_up: CatchUp = "one",
    name: str | None = None,
) -> Schedule:
    """Start a run of `workflow` again and again: at the times of `cron`, or `every` so often.

    In an app's `workflows.py` this declares the schedule: it is stored when `migrate` or a
    worker starts, follows the code with each deploy, and ends when it is taken out. Called
    later, in a view or a shell, it stores the schedule at once, in the caller's
    transaction; called again with the same name, it changes it.

    `cron` has five fields (six with seconds in front) and is read by the clock of `tz`, a
    name such as "Europe/Berlin" (UTC if not given). `every` is a duration of a second or
    more, counted from midnight UTC of 1 January 1970, so "15m" means at each quarter of an
    hour. The run sees the time for which it was started in `ctx.scheduled_at`.

    `overlap` says what becomes of a time while a run of the schedule has not ended: it is
    let go ("skip"), its run waits in line ("queue"), or begins beside ("allow"). `catch_up`
    says which times are made up for that came while no worker was there: the last ("one"),
    each ("all"), or none that is later than ORCHESTRATOR_SCHEDULE_GRACE ("none"). `name` is
    the workflow's unless given.

    Raises ValueError for a wrong cron expression, zone, interval or name, InvalidInput for
    an input that the workflow does not take, and ActionRefused for a name that belongs to
    a schedule declared in code.
    """
    if not isinstance(workflow, Workflow):
        raise TypeError(f"schedule() takes what @workflow made, not {workflow!r}")
    when = timing(cron=cron, every=every, tz=tz)
    wanted = wanted_of(workflow.name, when, input, overlap=overlap, catch_up=catch_up, name=name)
    from django.apps import apps  # noqa: PLC0415 - importing this needs no Django

    # Django's apps are ready once every workflows.py has been imported.
    if not apps.ready:
        declaring.declare(wanted)
        return Schedule(wanted.name)
    from orchestrator.schedules import verbs  # noqa: PLC0415 - it needs the models

    return verbs.put(wanted)


def get_schedule(name: str) -> Schedule:
    """The schedule of that name, also one that has ended. Raises UnknownSchedule."""
    return Schedule(name).refresh()
