"""What the commands of operators share: plain tables, JSON, one-line errors, a clean end."""

from __future__ import annotations

import getpass
import json
import os
import shutil
import socket
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NoReturn
from uuid import UUID

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.utils import Error as DatabaseError

from orchestrator.core.errors import OrchestratorError
from orchestrator.operating import Operator

INTERRUPTED = 130  # as a shell says that Ctrl-C ended it
CUT_OFF = 141  # as a shell says of the left side of `… | head`

Handler = Callable[[dict[str, Any]], None]


class Command(BaseCommand):
    """A command of an operator. What goes wrong is one line, and exit status 1."""

    # A run is to be looked at also when a check of the project complains.
    requires_system_checks = []  # noqa: RUF012 - Django's own, and never changed

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="JSON, for programs.")

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except (OrchestratorError, ValueError) as error:
            raise CommandError(one_line(error)) from error
        except DatabaseError as error:
            raise CommandError(f"the database: {one_line(error)}") from error
        except KeyboardInterrupt:
            self.stderr.write("")
            sys.exit(INTERRUPTED)
        except BrokenPipeError:
            _close_quietly()

    # ---- out -------------------------------------------------------------------------

    def document(self, value: Any) -> None:
        """One JSON document."""
        self.stdout.write(json.dumps(value, indent=1, ensure_ascii=False, default=_plain))

    def line(self, value: Any) -> None:
        """One line of JSON lines."""
        self.stdout.write(json.dumps(value, ensure_ascii=False, default=_plain))
        self.stdout.flush()

    def table(self, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Aligned columns; in a terminal each row is one line of it."""
        width = shutil.get_terminal_size().columns if self.stdout.isatty() else None
        for text in table(head, rows, width=width):
            self.stdout.write(text)

    def progress(self, text: str) -> None:
        """Say how far long work is, to people alone. An empty text takes it away."""
        if self.stderr.isatty():
            self.stderr.write(f"\r\x1b[K{text}", ending="")
            self.stderr.flush()


class Verbs(Command):
    """A command with verbs of its own: `manage.py runs list`."""

    def add_arguments(self, parser: CommandParser) -> None:
        self._verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)

    def verb(self, name: str, handler: Handler, help: str) -> CommandParser:
        """A verb, and what does it; add its arguments to what is returned."""
        parser: CommandParser = self._verbs.add_parser(name, help=help, description=help)
        Command.add_arguments(self, parser)
        parser.set_defaults(handler=handler)
        return parser

    def handle(self, *args: Any, **options: Any) -> None:
        options["handler"](options)


def add_operator(parser: CommandParser) -> None:
    """The options that say who acts and why, for the audit."""
    parser.add_argument("--user", help="Who acts: a user name. Else your account on this host.")
    parser.add_argument("--reason", default="", help="Why, for the audit.")


def operator(options: Mapping[str, Any]) -> Operator:
    """Who acts. Raises CommandError for a user that there is not."""
    name = options["user"]
    if name is None:
        return Operator(label=f"{_account()}@{socket.gethostname()}"[:255])
    users = get_user_model()
    user = users._default_manager.filter(**{users.USERNAME_FIELD: name}).first()
    if user is None:
        raise CommandError(f"no user is called {name!r}")
    return Operator(label=name, user=user)


def _account() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # A container's user may have a number and no name.
        return str(os.getuid())


def table(
    head: Sequence[str], rows: Iterable[Sequence[str]], *, width: int | None = None
) -> Iterator[str]:
    """Aligned lines, the last column ragged; cut off at `width`. No head is no line for it.

    >>> list(table(("KEY", "IS"), [("charge", "ok"), ("a", "failed")]))
    ['KEY     IS', 'charge  ok', 'a       failed']
    """
    lines = [tuple(map(_one_line, row)) for row in ([head, *rows] if head else rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        text = "  ".join(cell.ljust(size) for cell, size in zip(line, widths, strict=True)).rstrip()
        is_cut = width is not None and len(text) > width
        yield f"{text[: width - 1]}…" if is_cut and width else text


def one_line(error: BaseException) -> str:
    """An error in one line."""
    return _one_line(str(error)) or type(error).__name__


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _plain(value: Any) -> Any:
    """What JSON does not know, as REST writes it."""
    return value.isoformat() if isinstance(value, datetime) else str(value)


def parsed_json(text: str, what: str) -> Any:
    """JSON from the command line; `-` reads it from the standard input. Raises CommandError."""
    try:
        return json.loads(sys.stdin.read() if text == "-" else text)
    except ValueError as error:
        raise CommandError(f"{what} is no JSON ({error}): {_shortened(text)!r}") from error


def _shortened(text: str, most: int = 60) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def run_id(text: str) -> UUID:
    """The id of a run. Raises CommandError."""
    try:
        return UUID(text)
    except ValueError as error:
        raise CommandError(f"no run has the id {text!r}: an id looks like {UUID(int=0)}") from error


def _close_quietly() -> NoReturn:
    # Python would complain when it flushes what nobody reads any more.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(CUT_OFF)
