"""Runs that a run starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from orchestrator.core.codec import decode
from orchestrator.core.errors import RunCancelled, RunFailed


class Startable(Protocol):
    """A workflow, for the type checker."""

    @property
    def name(self) -> str: ...


class HasId(Protocol):
    """A run, or a child."""

    @property
    def id(self) -> UUID: ...


def name_of(workflow: Startable) -> str:
    """The name of a workflow. Raises TypeError for what is none, such as its name."""
    name = getattr(workflow, "name", None)
    if not isinstance(name, str):
        raise TypeError(f"{workflow!r} is not a workflow: pass what @workflow has made")
    return name


def id_of(target: HasId | UUID | str) -> UUID:
    """The id of a run. Raises TypeError for what has none, and ValueError for another text."""
    found = getattr(target, "id", target)
    if isinstance(found, str):
        try:
            return UUID(found)
        except ValueError as error:
            raise ValueError(f"{found!r} is not the id of a run") from error
    if not isinstance(found, UUID):
        raise TypeError(f"{target!r} is not a run: pass a run, a child or a run's id")
    return found


@dataclass(frozen=True, slots=True)
class ChildRun:
    """A child that this run does not wait for."""

    id: UUID


def output_of(ended: dict[str, Any]) -> Any:
    """The output of a child that has ended. Raises RunFailed and RunCancelled."""
    if ended["status"] == "completed":
        return decode(ended["output"])
    error = ended.get("error") or {}
    message = f"child run {ended['run_id']}: {error.get('message', '') or ended['status']}"
    if ended["status"] == "cancelled":
        raise RunCancelled(message)
    raise RunFailed(message, error)
