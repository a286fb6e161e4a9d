"""The product's settings, with the storm's workflows and short leases."""

from __future__ import annotations

import os

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS as _APPS

INSTALLED_APPS = [*_APPS, "tests.storm.app"]
ORCHESTRATOR_LEASE = "2s"
ORCHESTRATOR_HEARTBEAT = "0.5s"
# A storm kills far more workers than a bad run would.
ORCHESTRATOR_MAX_CRASHES = 1_000
STORM_LOG = os.environ.get("STORM_LOG", "")
ORCHESTRATOR_AI = {
    "default": "storm:m",
    "providers": {"storm": {"class": "tests.storm.app.agents.Model"}},
}
