"""Acts that start at the same moment, each with a connection of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from django.db import connection

from humantasks.inbox import TaskConflict


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Do all of it in threads that start together. What each returned, or raised."""
    barrier = threading.Barrier(len(acts))
    found: list[Any] = [None] * len(acts)

    def run(index: int, act: Callable[[], Any]) -> None:
        try:
            # The connection first, which takes the longest.
            connection.ensure_connection()
            barrier.wait()
            found[index] = act()
        except Exception as error:
            found[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=item) for item in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def winners(found: list[Any]) -> list[Any]:
    unexpected = [
        one for one in found if isinstance(one, Exception) and not isinstance(one, TaskConflict)
    ]
    assert unexpected == []
    return [one for one in found if not isinstance(one, Exception)]
