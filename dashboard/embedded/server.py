"""Serve the pages and execute runs in one process, until told to stop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from typing import Any

from django.core.wsgi import get_wsgi_application
from waitress.server import create_server

from orchestrator import tasks

THREADS = 8


def serve(host: str, port: int, *, ready: Callable[[int], None]) -> None:
    """Serve until SIGINT or SIGTERM. Calls `ready` with the port once both halves work.

    Raises OSError when the port is taken.
    """
    # One address makes a server with one socket, which has a port.
    server: Any = create_server(get_wsgi_application(), host=host, port=port, threads=THREADS)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with tasks.worker_here():
        thread = threading.Thread(target=_run, args=(server,), name="web", daemon=True)
        thread.start()
        ready(server.effective_port)
        stop.wait()
        server.close()
    thread.join(timeout=5)


def _run(server: Any) -> None:
    # Closing the server from another thread ends its loop with a closed socket.
    try:
        server.run()
    except OSError:
        if server._map:
            raise
