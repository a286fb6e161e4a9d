"""A worker is killed in the middle of its agents: others go on where they were."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from orchestrator.models import Entry
from orchestrator.models import Run as Row
from tests.storm.app.agents import TURNS, research
from tests.storm.test_steps import read_effects, until

pytestmark = [pytest.mark.chaos, pytest.mark.postgres, pytest.mark.timeout(300)]

AGENTS = 20
# Of each: its turns, and two tools in each but the last.
STEPS = TURNS + 2 * (TURNS - 1)


def test_no_answer_is_paid_and_no_tool_called_again_once_it_is_recorded(workers, settings):
    log = Path(settings.STORM_LOG)
    for _ in range(AGENTS):
        research.start()
    victim = workers[0]
    # Half of everything is recorded, and each agent is somewhere else.
    until(lambda: Entry.objects.filter(status="completed").count() > AGENTS * STEPS / 2, seconds=60)

    victim.kill()
    recorded = completed()
    done = Counter({key: len(pids) for key, pids in read_effects(log).items()})
    until(lambda: not Row.objects.exclude(status="completed").exists(), seconds=60)
    victim.start()

    everything = list(range(2 * (TURNS - 1)))
    assert all(json.loads(row.output) == everything for row in Row.objects.all())
    effects = read_effects(log)
    assert len(effects) == AGENTS * STEPS
    again = {key for key, pids in effects.items() if len(pids) > done[key] > 0}
    assert again.isdisjoint(recorded)
    assert again, "nothing was under way when the worker died"
    assert max(len(pids) for pids in effects.values()) == 2
    print(f"\n{len(recorded)} steps were recorded, {len(again)} under way; {len(effects)} in all")


def completed() -> set[str]:
    """The idempotency keys of the steps that are recorded."""
    found = Entry.objects.filter(status="completed").values_list("run_id", "key")
    return {f"{run_id}:{key}" for run_id, key in found}
