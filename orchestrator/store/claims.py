"""What a claim takes of a run's row, on any database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from orchestrator.core.checkpoints import Checkpoint
from orchestrator.store.records import Claim

# As the claim has them; what is named otherwise there is below.
_SAME = (
    "epoch",
    "wake_seq",
    "seq",
    "crashes",
    "workflow",
    "version",
    "attempt",
    "input",
    "initiator",
    "tags",
    "generation",
    "attributes",
    "logged",
    "parent_id",
    "parent_key",
    "concurrency_key",
    "queue",
    "priority",
    "cancel_requested_at",
    "cancel_reason",
    "in_flight",
)
COLUMNS = (
    *_SAME,
    "id",
    "started_at",
    "scheduled_at",
    "progress",
    "progress_text",
    "checkpoint",
)


def claim_of(run: Mapping[str, Any], at: datetime, tried: Sequence[str] = ()) -> Claim:
    """The claim of a run whose columns these are, taken at `at`."""
    return Claim(
        run_id=run["id"],
        started_at=run["started_at"].astimezone(UTC),
        scheduled_at=run["scheduled_at"] and run["scheduled_at"].astimezone(UTC),
        progress=(run["progress"], run["progress_text"]),
        is_first=run["epoch"] == 1,
        at=at,
        tried=tuple(tried),
        checkpoint=Checkpoint.of(run["checkpoint"]),
        **{name: run[name] for name in _SAME},
    )
