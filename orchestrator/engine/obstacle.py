"""What makes it impossible to go on with a run."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from orchestrator.core.errors import (
    JournalTooLarge,
    NonDeterminism,
    Quarantined,
    TooManyEntries,
    UndecodableValue,
)
from orchestrator.core.loop import NeverIdle

logger = logging.getLogger("orchestrator")

_BLOCKING = (
    NonDeterminism,
    UndecodableValue,
    NeverIdle,
    Quarantined,
    TooManyEntries,
    JournalTooLarge,
)


class Obstacle:
    """The first error that a live run cannot go on after, if there was one."""

    def __init__(self, run_id: UUID) -> None:
        self.error: BaseException | None = None
        self._run_id = run_id

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Within, such an error is kept instead of raised."""
        try:
            yield
        except _BLOCKING as error:
            self.error = self.error or error
        except Exception as error:
            # Whatever it is, it is about this run and no other.
            logger.exception("run %s cannot go on", self._run_id)
            self.error = self.error or error
