"""Schedules that code declares at import."""

from __future__ import annotations

from orchestrator.core.scheduling import Wanted

declared: dict[str, Wanted] = {}


def declare(wanted: Wanted) -> None:
    """Note a schedule. Raises ValueError when another one has its name."""
    known = declared.get(wanted.name)
    if known is not None and known != wanted:
        raise ValueError(
            f"two schedules are called {wanted.name!r}, one of {known.workflow} and one of "
            f"{wanted.workflow}: give each a name= of its own"
        )
    declared[wanted.name] = wanted
