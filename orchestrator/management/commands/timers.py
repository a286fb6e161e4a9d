"""`manage.py timers`: tell the workers when runs fall due, and execute nothing."""

from __future__ import annotations

import signal
import threading
from argparse import ArgumentTypeError
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandParser
from django.db import close_old_connections
from django.db.utils import Error as DatabaseError

from orchestrator.conf import conf
from orchestrator.core.durations import parse_duration
from orchestrator.engine import timers
from orchestrator.engine.timers import Look
from orchestrator.management.console import Command as Console
from orchestrator.management.console import one_line
from orchestrator.moments import duration

# The default: a second, also where the workers themselves look rarely.
INTERVAL = timedelta(seconds=1)

# It runs until it is told to stop, by whatever means.
ENDS = (signal.SIGTERM, signal.SIGINT)


class Command(Console):
    help = (
        "Look for due runs and hint at them, for workers that look rarely themselves. "
        "Several may run at once."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--interval", type=_duration, default=INTERVAL, help="Default: 1s.")
        parser.add_argument("--once", action="store_true", help="Look once, for cron.")

    def handle(self, *args: Any, **options: Any) -> None:
        if not conf.HINTS:
            self.stderr.write("ORCHESTRATOR_HINTS is off: nothing will be sent")
        if options["once"]:
            # The end of the process waits until the hint is sent.
            self._say(timers.look(), options)
            return
        stopped = threading.Event()
        before = [(one, signal.signal(one, lambda *_: stopped.set())) for one in ENDS]
        try:
            while not stopped.is_set():
                stopped.wait(self._look(options).total_seconds())
        finally:
            for one, handler in before:
                signal.signal(one, handler)

    def _look(self, options: dict[str, Any]) -> timedelta:
        """Look, and return how long to wait then. A database that is away will come back."""
        interval: timedelta = options["interval"]
        try:
            close_old_connections()
            found = timers.look()
        except DatabaseError as error:
            self.stderr.write(f"no look: {one_line(error)}")
            return interval
        self._say(found, options)
        return found.pause(interval)

    def _say(self, found: Look, options: dict[str, Any]) -> None:
        if options["json"]:
            late = found.late.total_seconds()
            said = {"at": found.at, "due": found.due, "late": late, "next_due": found.next_due}
            self.line(said)
        elif found.due and options["verbosity"]:
            self.stdout.write(f"{found.due:,} due, the oldest for {duration(found.late)}")
            self.stdout.flush()


def _duration(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from error
