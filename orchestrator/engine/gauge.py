"""How large the journal of a live run is: a warning in its log, and an end to it."""

from __future__ import annotations

import logging

from orchestrator.conf import conf
from orchestrator.core.errors import JournalTooLarge
from orchestrator.core.journal import Entry, History
from orchestrator.core.notes import line
from orchestrator.engine.draft import Draft

logger = logging.getLogger("orchestrator")

# A warning comes at these parts of the limits: 64 KiB of 1 MiB, 2,000 of 10,000 entries,
# 5 MiB of 20 MiB.
OF_PAYLOAD = 16
OF_ENTRIES = 5
OF_JOURNAL = 4


class Gauge:
    """Counts what is recorded of one run. Lengths are in characters: close enough to bytes."""

    def __init__(self, draft: Draft, history: History) -> None:
        self._draft = draft
        self._size = sum(len(entry.value or "") for entry in history.outcomes)

    def check(self) -> None:
        """Raises JournalTooLarge: every replay would have to read all of it."""
        if self._size > conf.MAX_JOURNAL:
            raise JournalTooLarge(conf.MAX_JOURNAL)

    def took(self, outcome: Entry) -> None:
        """An outcome is to be recorded. Raises JournalTooLarge."""
        before, length = self._size, len(outcome.value or "")
        self._size += length
        if length > conf.MAX_PAYLOAD // OF_PAYLOAD:
            self._warn(outcome, f"the result of {outcome.key!r} is large: store a reference")
        if before <= conf.MAX_JOURNAL // OF_JOURNAL < self._size:
            self._warn(outcome, "the journal grows large: store references, or use child runs")
        if outcome.seq == conf.MAX_ENTRIES // OF_ENTRIES:
            self._warn(outcome, "the journal grows long: let child runs do parts of it")
        self.check()

    def _warn(self, outcome: Entry, message: str) -> None:
        fields = {"bytes": len(outcome.value or ""), "journal": self._size, "entries": outcome.seq}
        run_id = self._draft.save.claim.run_id
        logger.warning("run %s: %s %s", run_id, message, fields)
        assert outcome.finished_at is not None
        made = line("warning", message, fields, key=outcome.key, at=outcome.finished_at)
        self._draft.save.lines.append(made)
