"""Recorded runs of the examples still replay: the engine of today goes on with those of then."""

from __future__ import annotations

from pathlib import Path

import pytest

import tests.histories.workflows
from orchestrator import histories
from orchestrator.core.definition import Definition, registry
from orchestrator.testing import replay_check
from tests.histories.make import scenarios

FILES = sorted(Path(__file__).parent.glob("*.json"))


@pytest.fixture(autouse=True)
def golden():
    """The workflows of this folder, which other tests have forgotten."""
    for one in vars(tests.histories.workflows).values():
        if isinstance(getattr(one, "definition", None), Definition):
            registry.add(one.definition)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_recorded_run_still_replays(path):
    recorded = histories.read(path)

    found = replay_check(path)

    ends = {"completed", "failed", "cancelled"} & {recorded.run.status}
    assert found.then == (ends.pop() if ends else "waits")
    outcomes = [one for one in recorded.journal if one.seq is not None]
    # A machine's replay begins where it last came to rest.
    assert found.outcomes == (0 if recorded.run.checkpoint else len(outcomes))


def test_every_scenario_is_recorded():
    assert {path.stem for path in FILES} == set(scenarios())


def test_what_a_journal_can_hold_is_recorded():
    entries = [entry for path in FILES for entry in histories.read(path).journal]

    kinds = {
        "step",
        "sleep",
        "timer",
        "event",
        "child",
        "cancel",
        "patch",
        "human_task",
        "transition",
    }
    assert kinds <= {entry.kind for entry in entries}
    statuses = {"open", "completed", "failed", "timed_out", "cancelled"}
    assert statuses <= {entry.status for entry in entries}
