"""`manage.py worker`: a worker that executes runs."""

from __future__ import annotations

from argparse import ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from orchestrator import tasks
from orchestrator.core.names import check_queue


def _queues(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        try:
            check_queue("--queues", name)
        except ValueError as error:
            raise ArgumentTypeError(str(error)) from error
    return names


class Command(BaseCommand):
    help = "Execute runs: a Celery worker with the right settings, and the engine in it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--processes",
            type=int,
            default=1,
            help="Processes of this worker; each has an engine of its own (default: 1).",
        )
        parser.add_argument(
            "--queues",
            type=_queues,
            default=[],
            help="The queues whose runs and steps it takes, separated by commas. Name the "
            f"default queue ({tasks.default_queue()}) too, if it is to serve that (default: "
            "only that one).",
        )
        parser.add_argument("--log-level", default="INFO")

    def handle(self, *args: Any, **options: Any) -> None:
        tasks.run_worker(
            processes=options["processes"],
            queues=options["queues"],
            log_level=options["log_level"],
        )
