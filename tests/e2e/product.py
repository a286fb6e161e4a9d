"""The product as a process of its own: `manage.py demo`, as a newcomer starts it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from threading import Event
from time import monotonic

START_SECONDS = 60


class Demo:
    """A demo in a folder of its own. It may be killed and started again."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self._folder = folder
        self._environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "VAR_DIR": str(folder / "var"),
        }
        self._environment.pop("DATABASE_URL", None)
        self._environment |= environment
        self.url = ""
        self.passwords: dict[str, str] = {}

    def start(self, port: str = "0") -> None:
        """Start it, and read what it prints."""
        self._log = self._folder / f"demo-{monotonic()}.log"
        self._log.write_text("")
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, "manage.py", "demo", "--port", port],
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        printed = self._wait_for(r"^Press Ctrl\+C")
        self.url = re.search(r"^listening: (\S+)/$", printed, re.MULTILINE)[1]
        self.passwords = dict(re.findall(r"^login: (\S+) (\S+) \S+$", printed, re.MULTILINE))

    def kill(self) -> None:
        """The power fails."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def stop(self) -> int:
        """Ctrl+C. Returns the exit status."""
        self._process.send_signal(signal.SIGINT)
        return self._process.wait(timeout=40)

    @property
    def log(self) -> str:
        return self._log.read_text()

    def _wait_for(self, pattern: str) -> str:
        until = monotonic() + START_SECONDS
        while not re.search(pattern, self.log, re.MULTILINE):
            assert self._process.poll() is None, self.log
            assert monotonic() < until, self.log
            Event().wait(0.1)
        return self.log
