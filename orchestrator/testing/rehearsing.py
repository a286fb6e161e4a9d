"""Open waits, answered as their users answer them. What kinds there are, apps have said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from orchestrator import kinds, models
from orchestrator.core.journal import CHILD, EVENT, OPEN, SLEEP, TIMER

# What a test does instead, by the kind of wait.
_INSTEAD = {
    EVENT: "is an event: runs.send_event(run, {name!r}, …)",
    SLEEP: "is a sleep: runs.advance(…) or run.skip_sleep()",
    TIMER: "is a timer: runs.advance(…)",
    CHILD: "is a child run: drive it through runs.children(run)",
}


def complete(run_id: UUID, name: str, said: Mapping[str, Any]) -> None:
    """Answer the open wait of that key or name. Raises LookupError, and what its app raises."""
    key, kind = _open(run_id, name)
    found = kinds.get(kind)
    if found is None or found.rehearsal is None:
        instead = _INSTEAD.get(kind, "is no wait that people answer: orchestrator.waits.answer(…)")
        raise LookupError(f"{name!r} {instead.format(name=name)}")
    found.rehearsal.answer(run_id, key, **said)


def shown(run_id: UUID) -> list[Any]:
    """What apps keep for the open waits of a run."""
    open_kinds = models.Entry.objects.filter(run_id=run_id, status=OPEN).order_by("position")
    names = dict.fromkeys(open_kinds.values_list("kind", flat=True))
    found = [kinds.get(name) for name in names]
    return [
        one for kind in found if kind and kind.rehearsal for one in kind.rehearsal.shown(run_id)
    ]


def _open(run_id: UUID, name: str) -> tuple[str, str]:
    """The key and the kind of the open wait with that key, else of the first with that name."""
    entries = models.Entry.objects.filter(run_id=run_id, status=OPEN).order_by("position")
    waits = list(entries.values_list("key", "kind", "name"))
    # A sort keeps the order of what is equal: the key wins, then comes who asked first.
    for key, kind, called in sorted(waits, key=lambda wait: wait[0] != name):
        if name in (key, called):
            return key, kind
    raise LookupError(f"the run does not wait for {name!r}. {_instead(run_id, waits)}")


def _instead(run_id: UUID, waits: list[tuple[str, str, str]]) -> str:
    if waits:
        return f"It waits for: {', '.join(f'{kind} {key!r}' for key, kind, _ in waits)}."
    status = models.Run.objects.values_list("status", flat=True).get(id=run_id)
    return f"It waits for nothing; it is {status}."
