"""`manage.py demo`: everything in one process, with example data, on SQLite."""

from __future__ import annotations

import json
from argparse import ArgumentTypeError
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management import CommandError, call_command
from django.core.management.base import BaseCommand, CommandParser

from dashboard.embedded import accounts, server

MAX_PORT = 65_535

Logins = list[tuple[accounts.Account, str]]


class Command(BaseCommand):
    help = "Run everything in one process: web server, worker, SQLite, and example runs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=_port, default=8000, help="0: any free one")
        parser.add_argument("--json", action="store_true", help="JSON, for programs.")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("the demo makes accounts with printed passwords: not in production")
        call_command("migrate", verbosity=0)
        logins = list(accounts.ensure(settings.VAR_DIR))
        host, ready = options["host"], self._say_json if options["json"] else self._say
        try:
            server.serve(host, options["port"], ready=lambda port: ready(host, port, logins))
        except OSError as error:
            raise CommandError(
                f"cannot listen on {host}:{options['port']}: {error.strerror or error}. "
                "Choose another port: make demo PORT=8001"
            ) from error

    def _say_json(self, host: str, port: int, logins: Logins) -> None:
        _seed()
        found = [
            {"username": account.username, "password": password, "role": account.role}
            for account, password in logins
        ]
        address = f"http://{host}:{port}/"
        self.stdout.write(json.dumps({"listening": address, "logins": found}))
        self.stdout.flush()

    def _say(self, host: str, port: int, logins: Logins) -> None:
        _seed()
        self.stdout.write(f"listening: http://{host}:{port}/")
        for account, password in logins:
            self.stdout.write(f"login: {account.username} {password} {account.role}")
        self.stdout.write("Press Ctrl+C to stop; the same command goes on where this stopped.")
        self.stdout.flush()


def _seed() -> None:
    """Let each installed app that has a `demo.py` start its examples."""
    for app in apps.get_app_configs():
        if app.name.startswith("examples.") and find_spec(f"{app.name}.demo"):
            import_module(f"{app.name}.demo").seed()


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > MAX_PORT:
        raise ArgumentTypeError(f"{text!r} is not a port")
    return int(text)
