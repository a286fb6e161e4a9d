"""What `make demo` starts: at every start, but each run once."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

import examples
from orchestrator.models import Run

APPS = sorted(path.parent.name for path in Path(examples.__file__).parent.glob("*/demo.py"))


@pytest.mark.parametrize("app", APPS)
def test_a_demo_that_is_seeded_twice_starts_each_run_once(db, app):
    demo = import_module(f"examples.{app}.demo")

    demo.seed()
    before = Run.objects.count()
    demo.seed()

    assert Run.objects.count() == before > 0
