"""`manage.py worker`: a worker that executes runs."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from orchestrator import tasks


class Command(BaseCommand):
    help = "Execute runs: a Celery worker with the right settings, and the engine in it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--processes",
            type=int,
            default=1,
            help="Processes of this worker; each has an engine of its own (default: 1).",
        )
        parser.add_argument("--queues", default="", help="Celery queues, separated by commas.")
        parser.add_argument("--log-level", default="INFO")

    def handle(self, *args: Any, **options: Any) -> None:
        tasks.run_worker(
            processes=options["processes"],
            queues=options["queues"],
            log_level=options["log_level"],
        )
