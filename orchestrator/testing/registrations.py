"""Workflows, schedules and kinds of waits that are registered in a test, and forgotten after it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from orchestrator import kinds
from orchestrator.core.definition import registry
from orchestrator.schedules import declaring


@contextmanager
def temporary() -> Iterator[None]:
    """What is registered within is forgotten afterwards."""
    workflows = {name: dict(versions) for name, versions in registry._by_name.items()}
    waits, schedules = dict(kinds._kinds), dict(declaring.declared)
    try:
        yield
    finally:
        registry._by_name = workflows
        kinds._kinds = waits
        declaring.declared.clear()
        declaring.declared.update(schedules)
