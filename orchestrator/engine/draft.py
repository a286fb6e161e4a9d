"""What a live run has to record: it grows until it is taken."""

from __future__ import annotations

from dataclasses import replace

from orchestrator.core.body import Body
from orchestrator.core.journal import INTENT, Entry
from orchestrator.store.records import Claim, Save, Then


class Draft:
    """The next save of one run, and the next place in its journal."""

    def __init__(self, claim: Claim) -> None:
        self.save = Save(claim=claim)
        self._next_seq = claim.seq + 1

    def take_seq(self) -> int:
        """The next place among the outcomes."""
        seq, self._next_seq = self._next_seq, self._next_seq + 1
        return seq

    def take_opened(self, key: str) -> Entry | None:
        """An entry that was to be opened, and is to be opened otherwise after all."""
        found = next((entry for entry in self.save.opened if entry.key == key), None)
        if found is not None:
            self.save.opened.remove(found)
        return found

    @property
    def last_seq(self) -> int:
        """The place of the last outcome."""
        return self._next_seq - 1

    @property
    def has_intents(self) -> bool:
        """Whether it says of a step that it is about to be executed."""
        return any(entry.status == INTENT for entry in self.save.opened)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was executed since the last save."""
        return not (self.save.outcomes or self.save.attempts or self.save.lines)

    @property
    def must_be_saved(self) -> bool:
        """Whether it holds what may not wait for the next save."""
        save = self.save
        must = save.outcomes or save.opened or save.closed or save.told or save.attempts
        return bool(must or save.marked or save.withdrawn)

    def take(self, claim: Claim, body: Body, then: Then) -> Save:
        """All of it, with what the body has noted. What follows is another save."""
        save = replace(self.save, claim=claim, then=then, knows_cancel=body.is_cancelled)
        save = save.with_notes(body.notes)
        body.notes.clear()
        self.save = Save(claim=claim)
        return save
