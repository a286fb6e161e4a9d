"""What a body may do to other runs: the engine's side of `orchestrator.core.info.Effects`.

`send_event` and `start_child` are called as atomic steps, so they happen exactly once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from orchestrator import client, kinds, models, starting
from orchestrator.conf import conf
from orchestrator.core import functions
from orchestrator.core.codec import encode
from orchestrator.core.definition import registry
from orchestrator.core.journal import CHILD
from orchestrator.core.step import current_step
from orchestrator.starting import Family, Options


def send_event(target: UUID, name: str, payload: Any, key: str | None) -> dict[str, Any]:
    """Send an event; says what became of it."""
    delivery = client.send_event(name, payload, run_id=target, key=key)
    return {"delivered": delivery.delivered, "reason": delivery.reason}


def start_child(workflow: str, input: Any, on_parent_cancel: str) -> UUID:
    """Start a child of the executing step's run; its id."""
    return _start(current_step().run_id, "", workflow, input, on_parent_cancel)


def handed(step: str, fn: Callable[..., Any], args: tuple[Any, ...]) -> dict[str, Any]:
    """What a step is handed out with, to any worker. Raises TypeError and PayloadTooLarge."""
    return functions.handed(step, fn, args, limit=conf.MAX_PAYLOAD)


def child_detail(workflow: str, input: Any, on_parent_cancel: str) -> dict[str, Any]:
    """What the wait for a child is opened with. Raises InvalidInput and UnknownWorkflow."""
    definition = registry.get(workflow)
    value = definition.validate_input(input)
    return {
        "workflow": workflow,
        "version": definition.version,
        "input": encode(value, root="input", limit=conf.MAX_PAYLOAD),
        "on_parent_cancel": on_parent_cancel,
    }


def _start(parent: UUID, key: str, workflow: str, input: Any, on_parent_cancel: str) -> UUID:
    family = Family(parent, key, on_parent_cancel)
    return client.start(workflow, input, initiator=_initiator(parent), family=family).id


def _initiator(run_id: UUID) -> str | None:
    return models.Run.objects.values_list("initiator", flat=True).get(id=run_id)


def _opened(opening: kinds.Opening) -> None:
    detail = opening.detail
    family = Family(opening.run_id, opening.key, detail["on_parent_cancel"])
    definition = registry.get(detail["workflow"], detail["version"])
    options = Options(family=family, initiator=_initiator(opening.run_id))
    starting.start_encoded(definition, detail["input"], options)


def _closed(closing: kinds.Closing) -> None:
    children = models.Run.objects.filter(
        parent_id=closing.run_id, parent_key__in=list(closing.keys), on_parent_cancel="cancel"
    )
    for child_id in children.order_by("id").values_list("id", flat=True):
        reason = closing.note or "its parent no longer waits for it"
        client.cancel(child_id, reason=reason, by=closing.by)


def register() -> None:
    """Make waits for children known. Called at start-up."""
    kinds.register(kinds.WaitKind(CHILD, _opened, _closed))
