"""Worker processes for storms: they come back whenever they are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from threading import Event


def pause(seconds: float) -> None:
    """Let the storm go on for a while."""
    Event().wait(seconds)


class Worker:
    """A worker process that comes back whenever it is killed."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self._environment = environment
        self._log = log
        self.start()

    def start(self) -> None:
        command = [sys.executable, "manage.py", "worker", "--log-level", "WARNING"]
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                command, env=self._environment, stdout=log, stderr=log, start_new_session=True
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def freeze(self, seconds: float) -> None:
        os.killpg(self._process.pid, signal.SIGSTOP)
        pause(seconds)
        os.killpg(self._process.pid, signal.SIGCONT)
