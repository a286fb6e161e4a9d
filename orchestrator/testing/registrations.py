"""Workflows and kinds of waits that are registered in a test, and forgotten after it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from orchestrator import kinds
from orchestrator.core.definition import registry


@contextmanager
def temporary() -> Iterator[None]:
    """What is registered within is forgotten afterwards."""
    workflows = {name: dict(versions) for name, versions in registry._by_name.items()}
    waits = dict(kinds._kinds)
    try:
        yield
    finally:
        registry._by_name = workflows
        kinds._kinds = waits
