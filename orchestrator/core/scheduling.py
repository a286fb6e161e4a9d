"""What a schedule is to do, and which of its times are to be taken now. Plain Python."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Literal, get_args

from orchestrator.core import codec
from orchestrator.core.definition import check_identifier, registry
from orchestrator.core.names import check_choice
from orchestrator.core.timing import Timing

Overlap = Literal["skip", "queue", "allow"]
CatchUp = Literal["one", "all", "none"]
OVERLAPS: tuple[str, ...] = get_args(Overlap)
CATCH_UPS: tuple[str, ...] = get_args(CatchUp)

# Missed times are counted up to here: a second's schedule after a year has many.
MAX_COUNTED = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A schedule as its author wants it. `input` is checked and encoded."""

    name: str
    workflow: str
    module: str
    input: str
    timing: Timing
    overlap: Overlap
    catch_up: CatchUp


def wanted_of(
    workflow: str,
    timing: Timing,
    input: Any,
    *,
    overlap: Overlap,
    catch_up: CatchUp,
    name: str | None,
) -> Wanted:
    """A checked schedule of the named workflow.

    Raises UnknownWorkflow, InvalidInput, and ValueError for the rest.
    """
    name = workflow if name is None else name
    check_identifier("schedule name", name)
    check_choice("overlap", overlap, OVERLAPS)
    check_choice("catch_up", catch_up, CATCH_UPS)
    definition = registry.get(workflow)
    return Wanted(
        name=name,
        workflow=workflow,
        module=definition.fn.__module__,
        input=codec.encode(definition.validate_input(input), root="input"),
        timing=timing,
        overlap=overlap,
        catch_up=catch_up,
    )


@dataclass(frozen=True, slots=True)
class Due:
    """The times that are to be taken, those that are let go, and the time of the next one."""

    times: list[datetime]
    missed: int
    last_at: datetime
    next_at: datetime


def due_times(
    timing: Timing,
    catch_up: str,
    *,
    next_at: datetime,
    now: datetime,
    grace: timedelta,
    limit: int,
) -> Due:
    """What of the times from `next_at` to `now` is made up for.

    `all`: each of them, `limit` at a time. `one`: the last. `none`: the last, if it is not
    later than `grace`.
    """
    if catch_up == "all":
        # Not there any more when the rules of the zone have changed since: then it stands.
        times = list(islice(timing.between(next_at, now), limit)) or [next_at]
        return Due(times, 0, times[-1], timing.after(times[-1]))
    last = max(timing.latest(now), next_at)
    times = [last] if catch_up == "one" or now - last <= grace else []
    came = sum(1 for _ in islice(timing.between(next_at, last), MAX_COUNTED))
    return Due(times, max(came, 1) - len(times), last, timing.after(last))
