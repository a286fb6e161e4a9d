"""Threads that execute sync steps. Daemons: a step that hangs does not keep its process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from django.db import connections

Work = Callable[[], Any]


class Pool:
    """Up to `size` threads, started as they are needed."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._work: SimpleQueue[Work | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._idle = threading.Semaphore(0)
        self._lock = threading.Lock()

    def submit(self, work: Work) -> None:
        """Have `work` done by a thread; it must not raise."""
        with self._lock:
            if not self._idle.acquire(blocking=False) and len(self._threads) < self._size:
                name = f"step {len(self._threads) + 1}"
                thread = threading.Thread(target=self._run, name=name, daemon=True)
                self._threads.append(thread)
                thread.start()
        self._work.put(work)

    @property
    def is_full(self) -> bool:
        """Whether work waits for a thread."""
        return not self._work.empty()

    def close(self) -> None:
        """Take no more work. What is being done ends with its thread, or with the process."""
        while not self._work.empty():
            self._work.get_nowait()
        for _ in self._threads:
            self._work.put(None)

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            work()
            self._idle.release()
        # Those that the author's functions have opened in this thread.
        connections.close_all()
