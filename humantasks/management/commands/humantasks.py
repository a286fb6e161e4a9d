"""`manage.py humantasks`: look after human tasks from a shell."""

from __future__ import annotations

from argparse import ArgumentTypeError
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser

from humantasks import chain, inbox
from humantasks.conf import conf
from humantasks.inbox.forgetting import due_to_be_forgotten
from humantasks.models import HumanTask
from orchestrator import clock
from orchestrator.core.durations import FOREVER, parse_duration
from orchestrator.management.console import Verbs


class Command(Verbs):
    help = "Check the audit of human tasks, and remove the data of old ones."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        verify = self.verb(
            "verify_audit",
            self._verify,
            "Whether the audit is as it was written. Exit status 1 if it is not.",
        )
        verify.add_argument("ref", nargs="*", type=_number, help="Only these tasks: 1042, #1042.")
        verify.add_argument("--files", action="store_true", help="Read the attached files, too.")
        forget = self.verb(
            "forget",
            self._forget,
            "Remove the data of tasks that ended long ago; decisions and audit stay.",
        )
        forget.add_argument(
            "--older-than",
            type=_duration,
            help="Tasks that ended before so long (90d); else HUMANTASKS_DATA_RETENTION says.",
        )
        forget.add_argument("--dry-run", action="store_true", help="Only count.")

    def _verify(self, options: dict[str, Any]) -> None:
        tasks = HumanTask.objects.all()
        if options["ref"]:
            tasks = tasks.filter(ref__in=options["ref"])
            known = set(tasks.values_list("ref", flat=True))
            if unknown := sorted(set(options["ref"]) - known):
                raise CommandError(f"no task has the number {unknown[0]}")
        found = list(chain.breaks(tasks, with_files=options["files"]))
        if options["json"]:
            self.document([{"task": one.ref, "seq": one.seq, "what": one.what} for one in found])
        else:
            for one in found:
                self.stdout.write(f"#{one.ref}, entry {one.seq}: {one.what}")
        if found:
            raise CommandError(f"the audit of {len(found)} tasks is not as it was written")
        if not options["json"]:
            self.stdout.write(f"The audit of {tasks.count()} tasks is as it was written.")

    def _forget(self, options: dict[str, Any]) -> None:
        age = options["older_than"] or conf.DATA_RETENTION
        if age >= FOREVER:
            raise CommandError(
                "HUMANTASKS_DATA_RETENTION is forever: set it, or say --older-than 90d"
            )
        before = clock.now() - age
        if options["dry_run"]:
            done = due_to_be_forgotten(before)
        else:
            done = sum(1 for _task in inbox.forget(before))
        if options["json"]:
            self.document({"is_dry_run": options["dry_run"], "tasks": done})
            return
        words = "would remove" if options["dry_run"] else "removed"
        self.stdout.write(f"{words} the data of {done:,} task{'' if done == 1 else 's'}")


def _duration(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from error


def _number(text: str) -> int:
    return int(text.removeprefix("#"))
