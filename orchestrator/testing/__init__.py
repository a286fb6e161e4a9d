"""For tests of workflows: runs without a broker, a worker process or waiting.

def test_onboarding(runs):
    run = runs.start(onboard_customer, customer)
    runs.complete(run, "kyc-verification", outcome="approve", data={"risk": "low"})
    runs.advance("30d")
    runs.expect(run, "completed")

Importing this needs no configured Django; its names are read when they are asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestrator.engine.replaying import Replay, ReplayFailed, replay_check
    from orchestrator.histories import InvalidHistory
    from orchestrator.testing.runs import Runs

__all__ = ["InvalidHistory", "Replay", "ReplayFailed", "Runs", "replay_check"]

_PLACES = {
    "InvalidHistory": "orchestrator.histories",
    "Replay": "orchestrator.engine.replaying",
    "ReplayFailed": "orchestrator.engine.replaying",
    "Runs": "orchestrator.testing.runs",
    "replay_check": "orchestrator.engine.replaying",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)
