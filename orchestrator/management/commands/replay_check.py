"""`manage.py replay_check`: could today's code go on with recorded runs, or with all open ones?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError, CommandParser

from orchestrator import histories
from orchestrator.core.errors import NonDeterminism, OrchestratorError
from orchestrator.engine.replaying import replay
from orchestrator.histories import RecordedHistory
from orchestrator.management.console import Command as Console
from orchestrator.management.console import one_line
from orchestrator.management.finding import known_workflow
from orchestrator.models import FINAL, Entry, Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What came of one replay. `error` is empty when the code could go on."""

    source: str
    workflow: str
    version: str
    id: UUID | None = None
    error: str = ""
    expected: str = ""
    got: str = ""
    position: int = 0

    def document(self) -> dict[str, Any]:
        names = ("source", "id", "workflow", "version", "error", "expected", "got", "position")
        return {"replays": not self.error} | {name: getattr(self, name) for name in names}


class Command(Console):
    help = (
        "Replay recorded histories, or every open run, against today's code. Nothing is "
        "executed or written. Exit status 1 when a worker could not go on with one."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", nargs="*", help="What runs export-history has written.")
        parser.add_argument("--open", action="store_true", help="Every run that has not ended.")
        parser.add_argument("--workflow", default="", help="With --open: of this workflow.")
        parser.add_argument("--batch", type=int, default=200, help="Runs read at once.")

    def handle(self, *args: Any, **options: Any) -> None:
        if bool(options["file"]) == options["open"]:
            raise CommandError("give files, or --open", returncode=2)
        checked = failed = 0
        for found in self._findings(options):
            checked += 1
            failed += bool(found.error)
            if options["json"]:
                self.line(found.document())
            elif found.error:
                self.progress("")
                self.stdout.write(found.error)
            if checked % options["batch"] == 0:
                self.progress(f"{checked:,} replayed")
        self.progress("")
        if failed:
            raise CommandError(f"{failed:,} of {checked:,} do not replay")
        if not options["json"]:
            self.stdout.write(f"{checked:,} replayed, all of them well")

    def _findings(self, options: dict[str, Any]) -> Iterator[Finding]:
        if options["open"]:
            workflow = known_workflow(options["workflow"]) if options["workflow"] else ""
            yield from open_runs(workflow, max(options["batch"], 1))
            return
        for path in options["file"]:
            try:
                recorded = histories.read(path)
            except OrchestratorError as error:
                yield Finding(source=path, workflow="", version="", error=one_line(error))
            else:
                yield checked(recorded, str(path))


def open_runs(workflow: str, batch: int) -> Iterator[Finding]:
    """The replays of all runs that have begun and not ended. Two queries for each batch."""
    runs = Run.objects.exclude(status__in=FINAL).exclude(started_at=None).order_by("id")
    if workflow:
        runs = runs.filter(workflow=workflow)
    last = UUID(int=0)
    while page := list(runs.filter(id__gt=last)[:batch]):
        last = page[-1].id
        for recorded in _recorded(page):
            found = checked(recorded, "open")
            yield _again(found) if found.error else found


def _recorded(runs: list[Run]) -> Iterator[RecordedHistory]:
    entries: dict[UUID, list[Entry]] = {run.id: [] for run in runs}
    for entry in Entry.objects.filter(run_id__in=entries).order_by("position", "seq"):
        entries[entry.run_id].append(entry)
    for run in runs:
        yield histories.of_run(run, entries[run.id])


def _again(found: Finding) -> Finding:
    """Look again: a worker may have gone on between the read of the run and of its journal."""
    assert found.id is not None
    runs = Run.objects.exclude(status__in=FINAL).filter(id=found.id)
    # One that has ended meanwhile is replayed by nobody.
    ended = replace(found, error="", expected="", got="", position=0)
    return next((checked(one, "open") for one in _recorded(list(runs))), ended)


def checked(recorded: RecordedHistory, source: str) -> Finding:
    """Replay one history, and say what came of it."""
    run = recorded.run
    about: dict[str, Any] = {"source": source, "workflow": run.workflow, "version": run.version}
    try:
        replay(recorded)
    except NonDeterminism as error:
        about |= {"expected": error.expected, "got": error.got, "position": error.position}
        return Finding(**about, id=run.id, error=one_line(error))
    except OrchestratorError as error:
        words = f"{run.workflow} {run.version}, run {run.id}: {one_line(error)}"
        return Finding(**about, id=run.id, error=words)
    return Finding(**about, id=run.id)
