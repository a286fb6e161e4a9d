"""Workflows, schedules and kinds of waits that are registered in a test, and forgotten after it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from orchestrator import kinds
from orchestrator.core.definition import registry
from orchestrator.schedules import declaring


@contextmanager
def temporary() -> Iterator[None]:
    """What a test registers within is forgotten afterwards.

    It may stand in for a workflow of the same name and version. What a module registers
    stays, when a test is the first to import it.
    """
    modules = set(sys.modules)
    workflows = {name: dict(versions) for name, versions in registry._by_name.items()}
    waits, schedules = dict(kinds._kinds), dict(declaring.declared)
    replaceable = registry.replaceable
    registry.replaceable = frozenset((one.name, one.version) for one in registry)
    try:
        yield
    finally:
        imported = set(sys.modules) - modules
        for one in registry:
            if one.fn.__module__ in imported:
                workflows.setdefault(one.name, {}).setdefault(one.version, one)
        registry._by_name, registry.replaceable = workflows, replaceable
        kinds._kinds = waits
        declaring.declared.clear()
        declaring.declared.update(schedules)
