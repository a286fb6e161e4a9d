"""`manage.py send_event`: send an event to a run, or to all that wait for it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from orchestrator import operating
from orchestrator.management.console import Command as Console
from orchestrator.management.console import add_operator, operator, parsed_json, run_id


class Command(Console):
    help = "Send an event to a run (--run), or to every run that waits for its name and key."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("name")
        parser.add_argument("--payload", default="null", help="JSON; - reads it from the input.")
        parser.add_argument("--run", metavar="ID", help="One run. Else all that wait for it.")
        parser.add_argument("--key", help="The key that the wait must have.")
        parser.add_argument("--event-id", help="The same id is not sent twice.")
        add_operator(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        target = None if options["run"] is None else run_id(options["run"])
        delivery = operating.send_event(
            options["name"],
            parsed_json(options["payload"], "--payload"),
            operator(options),
            run_id=target,
            key=options["key"],
            event_id=options["event_id"],
            reason=options["reason"],
        )
        if options["json"]:
            ids = list(delivery.run_ids)
            self.document(
                {"delivered": delivery.delivered, "reason": delivery.reason, "run_ids": ids}
            )
        elif delivery.delivered:
            self.stdout.write(f"delivered to {', '.join(map(str, delivery.run_ids))}")
        elif target is None:
            self.stdout.write(delivery.reason)
        if target is not None and not delivery.delivered:
            raise CommandError(f"not delivered: {delivery.reason}")
