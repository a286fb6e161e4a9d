"""`manage.py runs`: look at runs, and act on them, from a shell."""

from __future__ import annotations

import json
from argparse import ArgumentTypeError
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError, CommandParser

from orchestrator import clock, courses, diagnosis, histories, operating, reading
from orchestrator.core.journal import TRANSITION
from orchestrator.management import outlines
from orchestrator.management.console import (
    Verbs,
    add_operator,
    operator,
    parsed_json,
    run_id,
)
from orchestrator.management.finding import Wanted, the_run
from orchestrator.management.following import Follower
from orchestrator.models import Run, Status
from orchestrator.moments import duration
from orchestrator.operating import Deed, Operator

# What is said of a deed that was done.
DONE = {
    "cancel": "asked to stop",
    "pause": "no further step starts",
    "resume": "goes on",
    "retry": "goes on from its failed step",
    "retry from": "goes on from that step",
    "skip sleep": "its sleep ends",
    "retry now": "its step is tried again at once",
    "resolve": "its step is resolved",
}


class Command(Verbs):
    help = "List, show and follow runs; cancel, pause, resume, retry, fork and unblock them."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        self._add_reading()
        self._add_acting()

    def _add_reading(self) -> None:
        listing = self.verb("list", self._list, "The newest runs, with what they wait for.")
        listing.add_argument("--workflow", default="", help="Of this workflow.")
        listing.add_argument("--status", action="append", default=[], help="May be repeated.")
        listing.add_argument(
            "--attribute", action="append", default=[], metavar="KEY=VALUE", help="All must fit."
        )
        listing.add_argument("--since", default="", help="Made since: 2h, 7d, 2026-01-05T09:00Z.")
        listing.add_argument("--limit", type=_count, default=50, help="At most (default: 50).")
        show = self.verb("show", self._show, "One run: its steps, and why it does not move.")
        show.add_argument("id")
        tail = self.verb("tail", self._tail, "Follow a run until it has ended.")
        tail.add_argument("id")
        tail.add_argument(
            "--interval", type=_seconds, default=1.0, help="Seconds between two looks."
        )
        export = self.verb("export-history", self._export, "What replay_check replays, as a file.")
        export.add_argument("id")
        export.add_argument("-o", "--output", type=Path, help="A file; else the standard output.")
        export.add_argument(
            "--no-payloads",
            action="store_true",
            help="Without values and messages: to show to others. It cannot be replayed.",
        )

    def _add_acting(self) -> None:
        simple: dict[str, tuple[Callable[..., Deed], str]] = {
            "cancel": (operating.cancel, "Ask runs to stop."),
            "pause": (operating.pause, "Let no further step of runs start."),
            "resume": (operating.resume, "Let paused or blocked runs go on."),
            "retry": (operating.retry, "Let failed runs go on from their failed step."),
        }
        for name, (verb, words) in simple.items():
            parser = self.verb(name, self._acting(verb), words)
            parser.add_argument("id", nargs="+")
            add_operator(parser)
            if name == "retry":
                parser.add_argument("--from", dest="step", help="A step to execute again.")
        self._add_about_steps()

    def _add_about_steps(self) -> None:
        keyed: dict[str, tuple[Callable[..., Deed], str]] = {
            "skip-sleep": (operating.skip_sleep, "End a run's sleep now."),
            "retry-now": (operating.retry_now, "Skip what is left of a step's back-off."),
        }
        for name, (verb, words) in keyed.items():
            parser = self.verb(name, self._acting(verb), words)
            parser.add_argument("id", nargs="+")
            parser.add_argument("--key", help="Which one; else the first.")
            add_operator(parser)
        resolve = self.verb("resolve", self._resolve, "Say how an ambiguous step ended.")
        resolve.add_argument("id")
        resolve.add_argument("key", help="The step, as `runs show` has it.")
        resolve.add_argument("action", choices=["result", "fail", "retry"])
        resolve.add_argument("--value", help="With result: what it returned, as JSON.")
        resolve.add_argument("--message", default="", help="With fail: why.")
        add_operator(resolve)
        fork = self.verb("fork", self._fork, "Start a run with what another did before a step.")
        fork.add_argument("id")
        fork.add_argument("step")
        fork.add_argument("--input", help="Another input, as JSON; - reads it from the input.")
        add_operator(fork)

    # ---- reading ---------------------------------------------------------------------

    def _list(self, options: dict[str, Any]) -> None:
        wanted = Wanted(
            workflow=options["workflow"],
            statuses=options["status"],
            attributes=options["attribute"],
            since=options["since"],
        )
        runs = wanted.runs().only(*outlines.COLUMNS)[: options["limit"]]
        if options["json"]:
            for run in runs:
                self.line(outlines.summary(run))
            return
        now = clock.now()
        rows = [outlines.row(run, now) for run in runs]
        if rows:
            self.table(outlines.HEAD, rows)
        else:
            self.stderr.write("no run is like that")

    def _show(self, options: dict[str, Any]) -> None:
        run = the_run(run_id(options["id"]))
        now = clock.now()
        found = diagnosis.diagnose(run, diagnosis.strays(run), now)
        standing = diagnosis.standing(run, now)
        if options["json"]:
            problems = [{"code": one.code, "title": one.title, "text": one.text} for one in found]
            self.document(outlines.whole(run) | {"standing": standing, "diagnoses": problems})
            return
        self.table((), outlines.head(run, now))
        if standing or found:
            self.stdout.write("\nWhy it does not move" if not run.owned else "\nNow")
        for text in standing:
            self.stdout.write(f"  {text}")
        for one in found:
            lasts = f" {duration(now - one.since)}" if one.since else ""
            self.stdout.write(f"  {one.title}{lasts}. {one.text}")
        self._show_error(run)
        if steps := [one for one in reading.steps(run) if one.kind != TRANSITION]:
            self.stdout.write("")
            rows = [outlines.step_row(one, now) for one in steps]
            self.table(outlines.STEPS_HEAD, rows)
        if run.state and (course := courses.transitions(run)):
            self.stdout.write("")
            self.table(outlines.COURSE_HEAD, [outlines.course_row(one, now) for one in course])

    def _show_error(self, run: Run) -> None:
        if run.status != Status.FAILED or not run.error:
            return
        where = f" (step {run.error['key']})" if run.error.get("key") else ""
        self.stdout.write(f"\nIt failed{where}: {outlines.error_line(run)}")
        self.stdout.write(outlines.shortened(str(run.error.get("traceback", ""))).rstrip())

    def _tail(self, options: dict[str, Any]) -> None:
        follower = Follower(run_id(options["id"]), pause=options["interval"])
        for news in follower.follow():
            if options["json"]:
                self.line(news.document())
            else:
                self.stdout.write(news.text())
                self.stdout.flush()
        if follower.status != Status.COMPLETED:
            raise CommandError(f"the run is {follower.status}")

    def _export(self, options: dict[str, Any]) -> None:
        run = the_run(run_id(options["id"]))
        history = histories.export(run, payloads=not options["no_payloads"])
        text = json.dumps(history, indent=1, ensure_ascii=False)
        path: Path | None = options["output"]
        if path is None:
            self.stdout.write(text)
            return
        try:
            path.write_text(f"{text}\n")
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}") from error
        if options["json"]:
            self.document({"id": run.id, "output": path, "entries": len(history["journal"])})

    # ---- acting ----------------------------------------------------------------------

    def _acting(self, verb: Callable[..., Deed]) -> Callable[[dict[str, Any]], None]:
        def act(options: dict[str, Any]) -> None:
            ids, by = [run_id(text) for text in options["id"]], operator(options)
            more = {name: options[name] for name in ("step", "key") if options.get(name)}
            deeds = self._each(ids, lambda one: verb(one, by, reason=options["reason"], **more))
            refused = [deed for deed in deeds if self._say(deed, options).is_refused]
            if refused and len(ids) == 1:
                raise CommandError(f"refused: {refused[0].detail}")
            if refused:
                raise CommandError(f"{len(refused)} of {len(ids)} were refused")

        return act

    def _each(self, ids: list[UUID], act: Callable[[UUID], Deed]) -> Iterator[Deed]:
        for number, one in enumerate(ids, 1):
            if len(ids) > 1:
                self.progress(f"{number:,} of {len(ids):,}")
            yield act(one)
        self.progress("")

    def _say(self, deed: Deed, options: dict[str, Any], **more: Any) -> Deed:
        if options["json"]:
            said = {"id": deed.run_id, "status": deed.after, "applied": not deed.is_refused}
            self.line({**said, "detail": deed.detail, **more})
        elif not deed.is_refused:
            self.stdout.write(f"{deed.run_id}  {DONE[deed.verb]}; it is {deed.after}")
        elif len(options["id"]) > 1 and isinstance(options["id"], list):
            self.stdout.write(f"{deed.run_id}  refused: {deed.detail}")
        return deed

    def _resolve(self, options: dict[str, Any]) -> None:
        if (options["action"] == "result") != (options["value"] is not None):
            raise CommandError("--value belongs to result, which needs it (null for nothing)")
        value = None if options["value"] is None else parsed_json(options["value"], "--value")
        deed = operating.resolve(
            run_id(options["id"]),
            operator(options),
            key=options["key"],
            action=options["action"],
            value=value,
            message=options["message"],
            reason=options["reason"],
        )
        if self._say(deed, options).is_refused:
            raise CommandError(f"refused: {deed.detail}")

    def _fork(self, options: dict[str, Any]) -> None:
        by: Operator = operator(options)
        value = ... if options["input"] is None else parsed_json(options["input"], "--input")
        deed = operating.fork(
            run_id(options["id"]), by, step=options["step"], input=value, reason=options["reason"]
        )
        if deed.is_refused:
            raise CommandError(f"refused: {deed.detail}")
        if options["json"]:
            self.line({"id": deed.made, "forked_from": deed.run_id})
        else:
            self.stdout.write(f"made the run {deed.made}")


def _count(text: str) -> int:
    if not text.isdigit() or not int(text):
        raise ArgumentTypeError(f"{text!r} is not a number from 1")
    return int(text)


def _seconds(text: str) -> float:
    try:
        return max(float(text), 0.0)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a number of seconds") from None
