"""`manage.py schedules`: what the clock starts, and what operators do about it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from orchestrator.core.errors import OrchestratorError
from orchestrator.run import Run
from orchestrator.schedules import Schedule, get_schedule, verbs


class Command(BaseCommand):
    help = "List, show, pause, resume, trigger, preview, backfill and delete schedules."

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        listing = commands.add_parser("list", help="All schedules, with what comes next.")
        listing.add_argument("--all", action="store_true", help="Also those that have ended.")
        added = {verb: commands.add_parser(verb, help=text) for verb, text in _VERBS.items()}
        for command in added.values():
            command.add_argument("name")
        for command in (listing, *added.values()):
            command.add_argument("--json", action="store_true")
        for verb in ("pause", "trigger", "backfill"):
            added[verb].add_argument("--by", default=None, help="Who asks; stored with it.")
        added["pause"].add_argument("--reason", default="")
        for verb in ("show", "preview"):
            added[verb].add_argument("--count", type=int, default=5, help="How many (default: 5).")
        for end in ("--from", "--to"):
            text = "A time with its zone, such as 2026-05-01T00:00+02:00."
            added["backfill"].add_argument(
                end, type=datetime.fromisoformat, required=True, help=text
            )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = _ANSWERS[options["verb"]](options)
        except (OrchestratorError, ValueError) as error:
            raise CommandError(str(error)) from error
        text = json.dumps(found, indent=1) if options["json"] else "\n".join(_lines(found))
        self.stdout.write(text)


_VERBS = {
    "show": "One schedule, with its last runs.",
    "pause": "Start no further run until it is resumed.",
    "resume": "Go on with the next time from now.",
    "trigger": "Start a run now.",
    "preview": "The next times, in the schedule's zone.",
    "backfill": "Start a run for each time of a range in the past that had none.",
    "delete": "End a schedule that no code declares.",
}


def _listed(options: dict[str, Any]) -> list[dict[str, Any]]:
    return [_shown(one) for one in verbs.all_schedules(with_ended=options["all"])]


def _one(options: dict[str, Any]) -> dict[str, Any]:
    found = get_schedule(options["name"])
    return _shown(found) | {"runs": [_run(run) for run in found.runs(options["count"])]}


def _pause(options: dict[str, Any]) -> dict[str, Any]:
    return _shown(Schedule(options["name"]).pause(options["reason"], by=options["by"]))


def _resume(options: dict[str, Any]) -> dict[str, Any]:
    return _shown(Schedule(options["name"]).resume())


def _delete(options: dict[str, Any]) -> dict[str, Any]:
    return _shown(Schedule(options["name"]).delete())


def _trigger(options: dict[str, Any]) -> dict[str, Any]:
    return _run(Schedule(options["name"]).trigger(initiator=options["by"]))


def _preview(options: dict[str, Any]) -> list[dict[str, Any]]:
    times = get_schedule(options["name"]).preview(options["count"])
    return [{"time": time.isoformat()} for time in times]


def _backfill(options: dict[str, Any]) -> list[dict[str, Any]]:
    made = Schedule(options["name"]).backfill(
        options["from"], options["to"], initiator=options["by"]
    )
    return [_run(run) for run in made]


# What each verb answers: a thing, or a list of them.
Answer = dict[str, Any] | list[dict[str, Any]]
_ANSWERS: dict[str, Callable[[dict[str, Any]], Answer]] = {
    "list": _listed,
    "show": _one,
    "pause": _pause,
    "resume": _resume,
    "trigger": _trigger,
    "preview": _preview,
    "backfill": _backfill,
    "delete": _delete,
}


def _shown(one: Schedule) -> dict[str, Any]:
    return {
        "name": one.name,
        "workflow": one.workflow,
        "state": one.state,
        "source": one.source,
        "when": one.words,
        "overlap": one.overlap,
        "catch_up": one.catch_up,
        "next_at": one.next_at and one.next_at.isoformat(),
        "last_at": one.last_at and one.last_at.isoformat(),
        "started": one.started,
        "skipped": one.skipped,
        "missed": one.missed,
        "error": one.error,
    }


def _run(run: Run[Any]) -> dict[str, Any]:
    at = run.scheduled_at
    return {"id": str(run.id), "status": run.status, "scheduled_at": at and at.isoformat()}


def _lines(found: Answer) -> Iterator[str]:
    """What is shown of an answer: a table, or a line for each thing that is known."""
    if isinstance(found, list):
        yield from _table(found)
        return
    for name, value in found.items():
        if isinstance(value, list):
            yield from _table(value)
        else:
            yield f"{name:<12} {_text(value)}"


def _table(rows: list[dict[str, Any]]) -> Iterator[str]:
    """Rows of the same names as lines of text, under a line of the names."""
    if not rows:
        yield "none"
        return
    texts = [list(rows[0]), *([_text(value) for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    for line in texts:
        cells = (text.ljust(width) for text, width in zip(line, widths, strict=True))
        yield "  ".join(cells).rstrip()


def _text(value: Any) -> str:
    return "-" if value in (None, "") else str(value)
