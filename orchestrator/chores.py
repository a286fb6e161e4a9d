"""What other apps have workers do for them, beside runs: a little at a time, by any worker."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.db.utils import Error as DatabaseError

logger = logging.getLogger("orchestrator")

# Does a part of what there is to do, for about a second; whether there is more.
Chore = Callable[[], bool]

_chores: dict[str, Chore] = {}


def register(name: str, chore: Chore) -> None:
    """Have each worker do `chore` every few seconds; call it in `AppConfig.ready`.

    Workers do so side by side, and any of them may die in the middle: a chore takes what
    nobody else holds, and stores what it has done.
    """
    _chores[name] = chore


def do() -> bool:
    """Do a part of each. Whether there is more. The error of one does not stop the others."""
    has_more = False
    for name, chore in list(_chores.items()):
        try:
            has_more |= chore()
        except Exception as error:
            # A database that is away is no fault of theirs.
            level = logging.WARNING if isinstance(error, DatabaseError) else logging.ERROR
            logger.log(level, "the chore %s could not be done", name, exc_info=True)
    return has_more
