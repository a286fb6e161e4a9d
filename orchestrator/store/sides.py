"""What a save writes beside the run itself: in the same transaction, after the fence."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from orchestrator import clock, kinds, models
from orchestrator.database import ALIAS, is_postgresql
from orchestrator.store import permits, reopening, runs, steps
from orchestrator.store.records import Again, Finish, Save


def lock_parents(saves: Sequence[Save]) -> None:
    """Lock the runs that the ends of their children wake: a parent always before its child."""
    parents = [
        save.claim.parent_id
        for save in saves
        if isinstance(save.then, Finish) and save.claim.parent_key and save.claim.parent_id
    ]
    if parents and is_postgresql():
        locked = models.Run.objects.using(ALIAS).filter(id__in=parents).order_by("id")
        list(locked.select_for_update(no_key=True).values_list("id"))


def write(save: Save, at: datetime) -> bool:
    """Everything that belongs to `save` and is not in the run, its journal or its mailbox.

    True if the run is due by it.
    """
    _tell_apps(save, at)
    is_woken = bool(save.withdrawn) and steps.withdraw(save.claim.run_id, save.withdrawn)
    if save.gives_up_steps:
        steps.give_up(save.claim.run_id)
    if save.attributes is not None:
        write_attributes(save.claim.run_id, dict(save.attributes))
    for workflow, key, value in save.step_keys:
        _keep_result(save.claim.run_id, workflow, key, value)
    match save.then:
        case Again(anew=anew):
            reopening.reopen_in_place(save.claim.run_id, anew=anew)
        case Finish():
            permits.release(save.claim.run_id)
            _answer_parent(save, save.then)
    return is_woken


def write_attributes(run_id: UUID, attributes: dict[str, object]) -> None:
    """Set search attributes; those of other names stay."""
    run = models.Run.objects.only("attributes").get(id=run_id)
    models.Run.objects.filter(id=run_id).update(attributes=run.attributes | attributes)
    for key, value in attributes.items():
        models.RunAttribute.objects.update_or_create(
            run_id=run_id, key=key, defaults={"value": models.attribute_text(value)}
        )


def _tell_apps(save: Save, at: datetime) -> None:
    run_id = save.claim.run_id
    for entry in save.opened:
        if kind := kinds.get(entry.kind):
            kind.opened(
                kinds.Opening(run_id, entry.key, entry.name, entry.detail or {}, at, entry.due_at)
            )
    for entry, reason in save.told:
        if kind := kinds.get(entry.kind):
            kind.closed(kinds.Closing(run_id, [entry.key], reason))


def _keep_result(run_id: UUID, workflow: str, key: str, value: str) -> None:
    models.StepKey.objects.bulk_create(
        [
            models.StepKey(
                workflow=workflow, key=key, value=value, run_id=run_id, created_at=clock.now()
            )
        ],
        ignore_conflicts=True,
    )


def _answer_parent(save: Save, end: Finish) -> None:
    claim = save.claim
    if claim.parent_id is None or not claim.parent_key:
        return
    payload = {
        "run_id": str(claim.run_id),
        "status": end.status,
        "output": end.output,
        "error": dict(end.error) if end.error else None,
    }
    runs.send(claim.parent_id, kinds.answer_name(claim.parent_key), json.dumps(payload))
