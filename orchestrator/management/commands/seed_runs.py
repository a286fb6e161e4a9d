"""`manage.py seed_runs 1000000`: a database full of runs, to try pages and queries on."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import CommandError, CommandParser

from orchestrator import seeding
from orchestrator.management import console


class Command(console.Command):
    help = (
        "Fill the database with made-up runs: 94 % completed, 2 % failed of several causes, "
        "waits of all kinds, attributes, and steps for some. No worker takes them up."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("number", type=int, help="How many runs.")
        parser.add_argument("--seed", type=int, default=1, help="Another number, other runs.")
        parser.add_argument(
            "--add", action="store_true", help="Also to a database that has runs already."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        number, began = options["number"], time.monotonic()
        if number < 1:
            raise CommandError(f"how many runs? At least 1, not {number}")
        if not options["add"] and not seeding.is_empty():
            raise CommandError("there are runs already. To add made-up ones to them: --add")
        for done in seeding.fill(number, seed=options["seed"]):
            self.progress(f"{done:,} of {number:,} runs")
        self.progress("")
        seeding.settle()
        seconds = round(time.monotonic() - began, 1)
        if options["json"]:
            self.document({"runs": number, "seconds": seconds})
        else:
            self.stdout.write(f"{number:,} runs in {seconds} s")
