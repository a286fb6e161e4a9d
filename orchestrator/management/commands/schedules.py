"""`manage.py schedules`: what the clock starts, and what operators do about it."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser

from orchestrator import get_run
from orchestrator.core.scheduling import CATCH_UPS, OVERLAPS, wanted_of
from orchestrator.core.timing import timing
from orchestrator.management.console import Verbs, add_operator, operator, parsed_json
from orchestrator.operating import Deed, schedules
from orchestrator.run import Run
from orchestrator.schedules import Schedule, get_schedule, verbs


class Command(Verbs):
    help = "List, show, make, pause, resume, trigger, preview, backfill and delete schedules."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        self._add_reading()
        self._add_acting()

    def _add_reading(self) -> None:
        listing = self.verb("list", self._list, "All schedules, with what comes next.")
        listing.add_argument("--all", action="store_true", help="Also those that have ended.")
        show = self.verb("show", self._show, "One schedule, with its last runs.")
        preview = self.verb("preview", self._preview, "The next times, in the schedule's zone.")
        for command in (show, preview):
            command.add_argument("name")
            command.add_argument("--count", type=int, default=5, help="How many (default: 5).")

    def _add_acting(self) -> None:
        simple: dict[str, tuple[Callable[..., Deed], str]] = {
            "pause": (schedules.pause, "Start no further run until it is resumed."),
            "resume": (schedules.resume, "Go on with the next time from now."),
            "trigger": (schedules.trigger, "Start a run now."),
            "delete": (schedules.delete, "End a schedule that no code declares."),
        }
        for verb, (act, words) in simple.items():
            command = self.verb(verb, self._acting(act), words)
            command.add_argument("name")
            add_operator(command)
        backfill = self.verb(
            "backfill", self._backfill, "Start a run for each past time of a range that had none."
        )
        backfill.add_argument("name")
        for end in ("--from", "--to"):
            text = "A time with its zone, such as 2026-05-01T00:00+02:00."
            backfill.add_argument(end, type=_instant, required=True, help=text)
        add_operator(backfill)
        self._add_put()

    def _add_put(self) -> None:
        put = self.verb("put", self._put, "Make a schedule, or change one that no code declares.")
        put.add_argument("name")
        put.add_argument("--workflow", required=True)
        when = put.add_mutually_exclusive_group(required=True)
        when.add_argument("--cron", help="Five fields, such as '0 9 * * 1-5'.")
        when.add_argument("--every", help="A duration, such as 15m.")
        put.add_argument("--tz", help="The zone of --cron, such as Europe/Berlin (default: UTC).")
        put.add_argument("--input", default="null", help="JSON; - reads it from the input.")
        put.add_argument("--overlap", choices=OVERLAPS, default="skip")
        put.add_argument("--catch-up", choices=CATCH_UPS, default="one")
        add_operator(put)

    # ---- reading ---------------------------------------------------------------------

    def _list(self, options: dict[str, Any]) -> None:
        found = [_shown(one) for one in verbs.all_schedules(with_ended=options["all"])]
        self._say_all(found, options)

    def _show(self, options: dict[str, Any]) -> None:
        found = get_schedule(options["name"])
        shown, runs = _shown(found), [_run(run) for run in found.runs(options["count"])]
        self._say(shown, options, runs=runs)

    def _preview(self, options: dict[str, Any]) -> None:
        times = get_schedule(options["name"]).preview(options["count"])
        self._say_all([{"time": time} for time in times], options)

    # ---- acting ----------------------------------------------------------------------

    def _acting(self, act: Callable[..., Deed]) -> Callable[[dict[str, Any]], None]:
        def acted(options: dict[str, Any]) -> None:
            deed = act(options["name"], operator(options), reason=options["reason"])
            self._say_deed(deed, options)

        return acted

    def _put(self, options: dict[str, Any]) -> None:
        wanted = wanted_of(
            options["workflow"],
            timing(cron=options["cron"], every=options["every"], tz=options["tz"]),
            parsed_json(options["input"], "--input"),
            overlap=options["overlap"],
            catch_up=options["catch_up"],
            name=options["name"],
        )
        deed, _ = schedules.put(wanted, operator(options), reason=options["reason"])
        self._say_deed(deed, options)

    def _backfill(self, options: dict[str, Any]) -> None:
        by = operator(options)
        made = schedules.backfill(
            options["name"], options["from"], options["to"], by, reason=options["reason"]
        )
        self._say_all([_run(run) for run in made], options)

    # ---- saying ----------------------------------------------------------------------

    def _say_deed(self, deed: Deed, options: dict[str, Any]) -> None:
        if deed.is_refused:
            raise CommandError(f"refused: {deed.detail}")
        made = _run(get_run(deed.made)) if deed.made else None
        self._say(made or _shown(get_schedule(deed.schedule)), options)

    def _say(
        self,
        found: dict[str, Any],
        options: dict[str, Any],
        runs: Sequence[dict[str, Any]] | None = None,
    ) -> None:
        if options["json"]:
            self.document(found if runs is None else found | {"runs": runs})
            return
        self.table((), [(name, _text(value)) for name, value in found.items()])
        if runs:
            self._table(runs)

    def _say_all(self, found: Sequence[Mapping[str, Any]], options: dict[str, Any]) -> None:
        if options["json"]:
            self.document(found)
        elif found:
            self._table(found)
        else:
            self.stdout.write("none")

    def _table(self, found: Sequence[Mapping[str, Any]]) -> None:
        head = [name.replace("_", " ").upper() for name in found[0]]
        self.table(head, [[_text(value) for value in one.values()] for one in found])


def _shown(one: Schedule) -> dict[str, Any]:
    return {
        "name": one.name,
        "workflow": one.workflow,
        "state": one.state,
        "source": one.source,
        "when": one.words,
        "overlap": one.overlap,
        "catch_up": one.catch_up,
        "next_at": one.next_at,
        "last_at": one.last_at,
        "started": one.started,
        "skipped": one.skipped,
        "missed": one.missed,
        "error": one.error,
    }


def _run(run: Run[Any]) -> dict[str, Any]:
    return {"id": run.id, "status": run.status, "scheduled_at": run.scheduled_at}


def _text(value: Any) -> str:
    if value in (None, ""):
        return "-"
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise ArgumentTypeError(
            f"{text!r} is no time with its zone: write it as 2026-05-01T00:00+02:00"
        )
    return found
