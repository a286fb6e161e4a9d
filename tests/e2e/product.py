"""The product as a process of its own: `manage.py demo`, as a newcomer starts it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from threading import Event
from time import monotonic

START_SECONDS = 60

# All that a demo does before it listens: the tables, and the accounts with their passwords.
PREPARE = """
import django; django.setup()
from django.conf import settings
from django.core.management import call_command
from dashboard.embedded import accounts
call_command("migrate", verbosity=0)
list(accounts.ensure(settings.VAR_DIR))
"""


def environment(folder: Path) -> dict[str, str]:
    found = os.environ | {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "VAR_DIR": str(folder / "var"),
    }
    found.pop("DATABASE_URL", None)
    return found


def prepare(folder: Path) -> Path:
    """A folder for demos to begin from. Making one takes longer than all else at a start."""
    subprocess.run([sys.executable, "-c", PREPARE], env=environment(folder), check=True)
    return folder


class Demo:
    """A demo in a folder of its own. It may be killed and started again."""

    def __init__(self, folder: Path, *, prepared: Path | None = None) -> None:
        self._folder = folder
        if prepared is not None:
            shutil.copytree(prepared / "var", folder / "var")
        self.url = ""
        self.passwords: dict[str, str] = {}

    def start(self, port: str = "0") -> None:
        """Start it, and read what it prints."""
        self._log = self._folder / f"demo-{monotonic()}.log"
        self._log.write_text("")
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, "manage.py", "demo", "--port", port],
                env=environment(self._folder),
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
