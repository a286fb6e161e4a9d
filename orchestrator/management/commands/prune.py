"""`manage.py prune`: remove runs that ended long ago, and what else is old."""

from __future__ import annotations

import json
import time
from argparse import ArgumentTypeError
from collections import Counter
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from orchestrator import retention
from orchestrator.core.durations import parse_duration
from orchestrator.core.errors import OrchestratorError
from orchestrator.retention import Wanted

# Between two lines that say how far it is.
SAY_SECONDS = 1.0


class Command(BaseCommand):
    help = "Remove ended runs, and what else is older than it is to be kept, in short batches."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--older-than",
            type=_duration,
            help="Runs that ended before so long (30d), whatever settings and workflows say.",
        )
        parser.add_argument(
            "--workflow",
            action="append",
            default=[],
            help="Only runs of this workflow; may be given several times.",
        )
        parser.add_argument(
            "--payloads",
            action="store_true",
            help="Remove inputs, results and messages, and keep the runs.",
        )
        parser.add_argument("--batch", type=int, default=retention.BATCH, help="Runs at once.")
        parser.add_argument("--max-seconds", type=float, help="Stop after so long.")
        parser.add_argument("--dry-run", action="store_true", help="Only count.")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["batch"] < 1:
            raise CommandError("--batch is 1 or more")
        wanted = Wanted(
            older_than=options["older_than"],
            workflows=tuple(options["workflow"]),
            payloads_only=options["payloads"],
            batch=options["batch"],
        )
        try:
            answer = self._count(wanted) if options["dry_run"] else self._remove(wanted, options)
        except OrchestratorError as error:
            raise CommandError(str(error)) from error
        if wanted.older_than is None and not wanted.workflows:
            answer["left"] = retention.unknown_workflows()
        self.stdout.write(json.dumps(answer, indent=1) if options["json"] else _text(answer))

    def _count(self, wanted: Wanted) -> dict[str, Any]:
        found: Counter[str] = Counter()
        for one in retention.counted(wanted):
            found[one.what] += one.done
        return {"is_dry_run": True, "is_done": True, "removed": dict(found)}

    def _remove(self, wanted: Wanted, options: dict[str, Any]) -> dict[str, Any]:
        found: Counter[str] = Counter()
        began = said = time.monotonic()
        answer: dict[str, Any] = {"is_dry_run": False, "is_done": True, "removed": found}
        limit = float("inf") if options["max_seconds"] is None else options["max_seconds"]
        for one in retention.removing(wanted):
            found[one.what] += one.done
            now = time.monotonic()
            if not options["json"] and now - said >= SAY_SECONDS:
                said = now
                self.stdout.write(f"{_list(found)} after {now - began:.0f} s")
            if now - began >= limit:
                answer["is_done"] = False
                break
        return answer | {"seconds": round(time.monotonic() - began, 3)}


def _duration(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from error


def _text(answer: dict[str, Any]) -> str:
    lines = [f"{'would remove' if answer['is_dry_run'] else 'removed'} {_list(answer['removed'])}"]
    if not answer["is_done"]:
        lines.append("stopped at the time limit: the next call goes on here")
    if answer.get("left"):
        lines.append(
            f"left alone, because they are not known here: {', '.join(answer['left'])} "
            "(--older-than includes them)"
        )
    return "\n".join(lines)


def _list(found: dict[str, int]) -> str:
    return ", ".join(f"{done:,} {what}" for what, done in found.items() if done) or "nothing"
