"""How often runs of a workflow are started.

The starts themselves are counted, by an index that has those of limited workflows alone. No
row is locked for it: a start in a long transaction of the caller holds up no other. So
starts that happen at the same moment may overstep the rate by their number.
"""

from __future__ import annotations

from datetime import timedelta

from orchestrator import clock
from orchestrator.core.rates import Rate
from orchestrator.models import Run


def wait_for(workflow: str, rate: Rate, wanted: int) -> timedelta | None:
    """How long until `wanted` more runs may be started; None if they may now."""
    recent = Run.objects.filter(workflow=workflow, rated_at__gt=clock.Now(-rate.window))
    newest = recent.order_by("-rated_at").values_list("rated_at", flat=True)
    # The one that must have left the window.
    index = rate.count - wanted
    last = newest[index : index + 1].first()
    if last is None:
        return None
    return max(last + rate.window - clock.now(), timedelta(milliseconds=1))
