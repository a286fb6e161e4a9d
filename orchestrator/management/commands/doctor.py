"""`manage.py doctor`: is everything there that runs need? The exit status says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Count, QuerySet
from django.db.utils import Error as DatabaseError

from orchestrator import checkup, clock, models, serving
from orchestrator.checkup import Finding
from orchestrator.core.charts import snapshot
from orchestrator.core.definition import registry
from orchestrator.database import ALIAS, engine_connection
from orchestrator.models import Status
from orchestrator.schedules import verbs
from orchestrator.serving import Unserved, UnservedSteps

LATE_SECONDS = 60

# Runs that wait for their time.
TIMED = (Status.SCHEDULED, Status.WAITING, Status.AWAITING_RETRY)


class Command(BaseCommand):
    help = (
        "Check the database, the migrations, the broker, the settings, and whether runs are "
        "taken and timers fire in time. Exit status 1 when something is wrong."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true")
        parser.add_argument(
            "--release",
            action="store_true",
            help="Also look whether this code could go on with every open run: ask it of a new "
            "release, before the old workers stop.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        findings = list(examine(is_release=options["release"]))
        if options["json"]:
            self.stdout.write(json.dumps([asdict(one) for one in findings], indent=1))
        else:
            for one in findings:
                self.stdout.write(f"{'ok  ' if one.is_good else 'BAD '} {one.name}: {one.detail}")
        if bad := [one.name for one in findings if not one.is_good]:
            raise CommandError(f"not well: {', '.join(bad)}")


def examine(*, is_release: bool) -> Iterator[Finding]:
    """What is well and what is not, in the order in which it is looked at."""
    yield checkup.engine_settings()
    yield checkup.broker()
    try:
        clock.now()
    except DatabaseError as error:
        yield Finding("database", False, str(error).strip())
        return
    yield Finding("database", True, engine_connection().vendor)
    missing = _missing_migrations()
    yield Finding("migrations", not missing, ", ".join(missing) or "all applied")
    if missing:
        return
    yield from _durability()
    yield _workers()
    yield _stranded("open runs", serving.unserved(), "a live worker can go on with each")
    yield _stranded("steps", serving.unserved_steps(), "a live worker takes each handed out")
    if is_release:
        yield _stranded("this code", serving.unserved_here(), "can go on with each open run")
    yield from _lateness()
    yield _schedules()
    lost = machines_out_of_place()
    yield Finding("states of machines", not lost, "; ".join(lost) or "all are known")
    blocked = models.Run.objects.filter(status=Status.BLOCKED).count()
    yield Finding("blocked runs", not blocked, f"{blocked}: see their pages" if blocked else "none")


def machines_out_of_place() -> list[str]:
    """The machines that today's definitions cannot go on with, as sentences."""
    open_runs = models.Run.objects.exclude(status__in=models.FINAL)
    found = []
    for definition in registry:
        if (chart := definition.chart) is not None:
            mine = open_runs.filter(workflow=definition.name, version=definition.version)
            for state, count in mine.values_list("state").annotate(Count("id")).order_by("state"):
                if fault := snapshot.fault_of_state(chart, state):
                    found.append(f"{definition.name} {definition.version}: {count:,} {fault}")
    return found


def _missing_migrations() -> list[str]:
    executor = MigrationExecutor(connections[ALIAS])
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def _durability() -> Iterator[Finding]:
    """A commit that the database has acknowledged must survive a power cut."""
    for name, value in checkup.durability():
        yield Finding(name, value != "off", value)


def _schedules() -> Finding:
    """Whether each schedule can start its runs."""
    bad = [one.name for one in verbs.all_schedules() if one.error]
    return Finding(
        "schedules", not bad, f"cannot start their runs: {', '.join(bad)}" if bad else "well"
    )


def _workers() -> Finding:
    names = [worker.id for worker in serving.live_workers()]
    return Finding("workers", bool(names), ", ".join(names) or "none: start manage.py worker")


def _stranded(name: str, stranded: Sequence[Unserved | UnservedSteps], otherwise: str) -> Finding:
    return Finding(name, not stranded, "; ".join(map(_strand, stranded)) or otherwise)


def _strand(one: Unserved | UnservedSteps) -> str:
    count = f"{one.runs} open" if isinstance(one, Unserved) else f"{one.steps} handed out"
    what = f"{one.workflow} {one.version}: {count}"
    if one.lacks == "code":
        return f"{what}, and nobody has its code"
    return f"{what}, and nobody who has its code serves the queue {one.queue!r}"


def _lateness() -> Iterator[Finding]:
    """Runs that are due and that no worker has taken: new ones, then those whose time has come."""
    due = models.Run.objects.filter(due_at__isnull=False, owned=False)
    timed = due.filter(status__in=TIMED)
    yield _late("due runs", due.exclude(status__in=TIMED), "none waits for a worker for long")
    yield _late("timers", timed, "none is late")


def _late(name: str, runs: QuerySet[models.Run], otherwise: str) -> Finding:
    oldest = runs.order_by("due_at").values_list("due_at", flat=True).first()
    late = (clock.now() - oldest).total_seconds() if oldest else 0.0
    if late <= LATE_SECONDS:
        return Finding(name, True, otherwise)
    return Finding(name, False, f"one waits for {late:,.0f} s: is a worker running?")
