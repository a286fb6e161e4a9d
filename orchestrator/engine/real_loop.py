"""The real event loop of a process, on which async steps are executed."""

from __future__ import annotations

import asyncio
import threading


class RealLoop:
    """One loop in a thread of its own, started when the first async step needs it."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def running(self) -> asyncio.AbstractEventLoop:
        """The loop."""
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=_run, args=(self._loop,), name="async steps", daemon=True
                )
                self._thread.start()
            return self._loop

    def stop(self) -> None:
        """Stop it, if it runs. A later step gets another."""
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            thread.join(timeout=1)


def _run(loop: asyncio.AbstractEventLoop) -> None:
    """Run until stopped, then cancel what is left and close."""
    loop.run_forever()
    if left := asyncio.all_tasks(loop):
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.wait(left))
    loop.close()
