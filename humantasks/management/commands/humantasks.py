"""`manage.py humantasks`: look after human tasks from a shell."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from humantasks import chain
from humantasks.models import HumanTask
from orchestrator.management.console import Verbs


class Command(Verbs):
    help = "Check the audit of human tasks."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        verify = self.verb(
            "verify_audit",
            self._verify,
            "Whether the audit is as it was written. Exit status 1 if it is not.",
        )
        verify.add_argument("ref", nargs="*", type=_number, help="Only these tasks: 1042, #1042.")

    def _verify(self, options: dict[str, Any]) -> None:
        tasks = HumanTask.objects.all()
        if options["ref"]:
            tasks = tasks.filter(ref__in=options["ref"])
            known = set(tasks.values_list("ref", flat=True))
            if unknown := sorted(set(options["ref"]) - known):
                raise CommandError(f"no task has the number {unknown[0]}")
        found = list(chain.breaks(tasks))
        if options["json"]:
            self.document([{"task": one.ref, "seq": one.seq, "what": one.what} for one in found])
        else:
            for one in found:
                self.stdout.write(f"#{one.ref}, entry {one.seq}: {one.what}")
        if found:
            raise CommandError(f"the audit of {len(found)} tasks is not as it was written")
        if not options["json"]:
            self.stdout.write(f"The audit of {tasks.count()} tasks is as it was written.")


def _number(text: str) -> int:
    return int(text.removeprefix("#"))
